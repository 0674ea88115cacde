// The application's metrics of all processes: read from their pages when they are asked for, and for the last time when a process has been
// reaped. What comes of the readings is MetricsLedger's to say.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

final class MetricsCollector {
    private let context: MasterContext
    private let own: MetricsRegion
    private var ledger = MetricsLedger()
    private var pages: [Int32: MetricsPages] = [:]
    /// How many series each process had given up when that was last looked at.
    private var destroyed: [Int32: UInt64] = [:]
    private(set) lazy var questions = Questions(context.loop) { [unowned self] in answer($0) }
    private var harvestTimer: LoopTimer?
    private var hasWarned = false

    /// Nil where the program counts no metrics.
    init?(_ context: MasterContext) {
        guard let own = MetricsMemory.region else { return nil }
        self.context = context
        self.own = own
        ledger.started(context.pid)
        let logger = context.options.logger
        MetricsMemory.takeWarnings(
            { label, reason in logger.logRefusedSeries(label, reason) }, isChild: false)
    }

    func start() {
        // A place that was given up is free for another series when its value has been taken.
        harvestTimer = context.loop.every(.seconds(1)) { [unowned self] in harvest() }
    }

    func stop() {
        harvestTimer = nil
        questions.stop()
    }

    // MARK: Processes

    /// Nil where the kernel has no memory for them: what the child counts is seen by none, and it serves all the same.
    func makePages() -> MetricsPages? {
        do throws(SystemError) {
            return try MetricsPages(namesOf: own)
        } catch {
            if !hasWarned { context.log(.warning, .metricsSeriesRefused, "metrics of a process count nothing", ["reason": "\(error)"]) }
            hasWarned = true
            return nil
        }
    }

    func forked(_ pid: Int32, _ pages: MetricsPages) {
        pages.keepFromOthers()
        self.pages[pid] = pages
        ledger.started(pid)
    }

    /// The process serves nothing any more.
    func disconnected(_ pid: Int32) { if pages[pid] != nil { ledger.disconnected(pid) } }

    /// Nothing writes to its pages any more: what is there counts for ever.
    func reaped(_ pid: Int32) {
        guard let region = pages[pid]?.region else { return }
        read(region, of: pid)
        ledger.ended(pid)
        pages[pid] = nil
        destroyed[pid] = nil
    }

    // MARK: Reading

    func current() -> MetricsFigures {
        read(own, of: context.pid)
        for (pid, page) in pages { read(page.region, of: pid) }
        let figures = ledger.figures()
        if figures.leftOut > 0, !hasWarned {
            hasWarned = true
            context.log(
                .warning, .metricsSeriesRefused, "metrics left out: the processes have too many different series",
                ["limit": "\(MetricsLedger.capacity)"])
        }
        return figures
    }

    private func read(_ region: MetricsRegion, of pid: Int32, where isWanted: (MetricsRegion.State?) -> Bool = { _ in true }) {
        for index in 0..<region.used {
            let place = region.place(index)
            guard isWanted(place.state) else { continue }
            if !ledger.isKnown(pid, place: index, epoch: place.epoch) { enter(place, at: index, of: region, pid) }
            guard place.state == .live || place.state == .destroyed, let kind = ledger.kind(pid, place: index) else { continue }
            if place.state == .destroyed || hasChanged(index, kind, in: region, pid) { ledger.read(pid, place: index, region.value(at: index, kind)) }
            if place.state == .destroyed, region.take(index, at: place) { ledger.giveUp(pid, place: index) }
        }
        ledger.refused(pid, region.refused)
    }

    private func enter(_ place: MetricsRegion.Place, at index: Int, of region: MetricsRegion, _ pid: Int32) {
        let holdsSeries = place.state == .live || place.state == .destroyed
        let identity = holdsSeries ? region.identity(at: index, place) : nil
        if holdsSeries, identity == nil { ledger.noteGarbled() }
        ledger.began(pid, place: index, epoch: place.epoch, identity)
    }

    /// A timer's hundreds of words are read only where its sum or the bucket of the shortest times has changed.
    private func hasChanged(_ index: Int, _ kind: MetricKind, in region: MetricsRegion, _ pid: Int32) -> Bool {
        guard kind == .timer, case .timer(let counts, let sum, _)? = ledger.value(pid, place: index) else { return true }
        let shortest = counts.entries.first.map { $0.bucket == 0 ? $0.count : 0 } ?? 0
        return !region.timerIs(at: index, sum: sum, shortest: shortest)
    }

    private func harvest() {
        for (pid, region) in pages.map({ ($0, $1.region) }) + [(context.pid, own)] {
            let count = region.destroyed
            guard destroyed[pid] ?? 0 != count else { continue }
            destroyed[pid] = count
            read(region, of: pid, where: { $0 == .destroyed })
        }
    }

    // MARK: Asking

    private func answer(_ asked: [Questions.Question]) {
        do {
            let file = try SealedFile(current().encoded().span)
            for (child, number) in asked { try? child.channel.send(control: Self.packet(number, file), with: file) }
        } catch {
            context.log(.warning, .figuresNotSent, "could not send metrics", ["reason": "\(error)"])
        }
    }

    private static func packet(_ number: UInt32, _ file: SealedFile) -> Packet {
        Packet(.metrics, number: number, and: Packet.bytes(of: UInt32(clamping: file.byteCount)))
    }

    // MARK: Other masters

    /// Runs in the old master: tells the new one what has been counted here.
    func send(on channel: Channel) {
        guard let file = try? SealedFile(current().encoded().span) else { return }
        try? channel.send(control: Self.packet(0, file), with: file)
    }

    /// Runs in the new master.
    func carry(_ packet: Packet, _ descriptor: Int32) {
        guard let figures = MetricsFigures(packet, descriptor) else {
            return context.logOfPeer(.metrics, .figuresNotInherited, "the old master's metrics can't be read")
        }
        ledger.carry(figures)
    }
}

extension MetricsFigures {
    /// From a packet and the file that came with it, which is closed.
    init?(_ packet: Packet, _ descriptor: Int32) {
        guard descriptor >= 0 else { return nil }
        guard let (_, rest) = packet.numbered, let count = Packet.number(in: rest).map({ Int($0) }), count <= Self.maximumWireByteCount else {
            _ = Glibc.close(descriptor)
            return nil
        }
        guard let file = SealedFile(received: descriptor, byteCount: count), let bytes = try? file.read() else { return nil }
        let array = bytes.array(0..<bytes.count)
        guard let figures = array.withRawSpan({ MetricsFigures(decoding: $0) }) else { return nil }
        self = figures
    }
}

extension Logger {
    func logRefusedSeries(_ label: String, _ reason: String) {
        log(.warning, .metricsSeriesRefused, "a metric was refused and counts nothing", metadata: ["label": "\(LogText.plain(label))", "reason": "\(reason)"])
    }
}
