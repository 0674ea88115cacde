// The figures of all workers: what their shared pages and their reports say, printed at intervals and given to those that ask.
// A page is as new as can be, so no worker is asked and none is waited for.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

final class FiguresCollector {
    private let context: MasterContext
    private let pool: WorkerPool
    private let quarantine: Quarantine
    private let lines: LineLog
    /// What workers' processes take.
    let processes: ProcessReader
    let requests: RequestList
    let stacks: StackDesk
    private var ledger: ClusterLedger
    private let reporter: Reporter
    private var reportTimer: LoopTimer?
    let history: History
    private(set) lazy var questions = Questions(context.loop) { [unowned self] in answer($0) }

    /// The figures go over a channel in parts of so many bytes.
    private static let partByteCount = 60_000

    init(_ context: MasterContext, pool: WorkerPool, quarantine: Quarantine, keeper: ListenerKeeper, lines: LineLog, start: MasterStart) {
        self.context = context
        self.pool = pool
        self.quarantine = quarantine
        self.lines = lines
        processes = ProcessReader(context, pool: pool, keeper: keeper)
        requests = RequestList(context, pool: pool)
        stacks = StackDesk(context, pool: pool, requests: requests)
        history = History(context, inherited: start.state?.history)
        ledger = ClusterLedger(startedAt: EventLoop.monotonicNanoseconds(), wantedWorkers: start.workerCount)
        reporter = Reporter(output: context.options.output, now: ledger.startedAt)
    }

    /// Once more after a reload.
    func start() {
        pool.metrics?.start()
        processes.start()
        beginHistory()
        reporter.lineInterval = context.options.lineInterval
        reportTimer = context.loop.every(max(context.options.reportInterval, .milliseconds(10))) { [unowned self] in
            if reporter.isDue(now: EventLoop.monotonicNanoseconds()) { reporter.interval(current()) }
        }
    }

    /// Once more in a master that takes over: before, the old one writes the history.
    func beginHistory() { history.begin { [unowned self] in current() } }

    func stop() {
        pool.metrics?.stop()
        reportTimer = nil
        questions.stop()
        processes.stop()
        history.stop()
        stacks.stop()
    }

    var startedAt: UInt64 { ledger.startedAt }

    func printOnRequest() { reporter.onRequest(current()) }

    /// The last words.
    /// - Parameter isReplaced: another master goes on printing.
    func printAtEnd(isReplaced: Bool) { isReplaced ? reporter.leave() : reporter.end(current()) }

    // MARK: Figures

    func current() -> ClusterFigures {
        let now = EventLoop.monotonicNanoseconds()
        for child in pool.children.values { readPage(of: child, now: now) }
        for slot in 0..<processes.slotCount { ledger.observe(slot: slot, acceptQueue: processes.acceptQueue(slot)) }
        ledger.sharedAcceptQueue = processes.sharedAcceptQueue
        noteQuarantine(now: now)
        (ledger.requests, ledger.waitingRequests) = requests.current(now: now)
        return ledger.figures(now: now)
    }

    /// Takes in what the worker counts, as its shared page has it.
    private func readPage(of child: Child, now: UInt64) {
        guard case .worker(let slot) = child.role, child.phase != .dying else { return }
        var figures = child.page.figures.snapshot()
        // A worker whose loop turns says it itself, from its first look on.
        if figures[.residentBytes] == 0 || child.page.process.isSilent(now: now), let resident = ResidentMemory.byteCount(of: "\(child.pid)") {
            figures[.residentBytes] = resident
        }
        let baseLines = ledger.baseLines
        ledger.refresh(slot: slot, generation: child.generation, figures: figures, now: now)
        if ledger.baseLines != baseLines { noteBaseLine(of: child) }
        ledger.observe(slot: slot, generation: child.generation, process: processes.figures(of: child, now: now), now: now)
    }

    private func noteBaseLine(of child: Child) {
        context.logOfPeer(.baseLine, .figuresRebased, "a worker's figures could not be true: counting from there", about: child)
    }

    /// What quarantine workers do counts for the total, and has no slot of its own.
    private func noteQuarantine(now: UInt64) {
        let living = pool.children.values.filter { $0.role == .quarantine && $0.phase != .dying }
        ledger.apart = living.reduce(into: FigureSnapshot()) { $0.merge($1.page.figures.snapshot()) }
        ledger.apart[.accessLogLost] = ledger.apart[.accessLogLost].addingUpToLimit(lines.rings?.lostByWriter ?? 0)
        ledger.quarantineRefused = ledger.quarantineRefused.addingUpToLimit(quarantine.takeRefusals())
        ledger.quarantine = quarantine.records(now: now)
    }

    func parts() -> [[UInt8]] { current().parts(maximumBytes: Self.partByteCount) }

    // MARK: What workers say

    func received(_ packet: Packet, from child: Child) {
        switch packet.kind {
        case .report: take(packet, from: child)
        case .metricsRequest: if let number = packet.numbered?.number { pool.metrics?.questions.add(number, from: child) }
        case .lineFileTaken: lines.taken(packet, from: child)
        case .figuresRequest: if let number = packet.numbered?.number { questions.add(number, from: child) }
        case .stacksRequest: if let number = packet.numbered?.number { stacks.add(number, from: child) }
        default: pool.ignore(packet, from: child)
        }
    }

    /// A report counts for the worker whose channel it came on. What is no report of it is counted in the ledger and changes nothing else.
    private func take(_ report: Packet, from child: Child) {
        guard case .worker(let slot) = child.role else { return pool.ignore(report, from: child) }
        let baseLines = ledger.baseLines
        _ = ledger.ingest(Array(report.payload), from: (slot, child.generation), now: EventLoop.monotonicNanoseconds())
        if ledger.baseLines != baseLines { noteBaseLine(of: child) }
    }

    /// What came may have been to be a report.
    func takeGarbage(from child: Child) {
        guard case .worker(let slot) = child.role else { return }
        _ = ledger.ingest([], from: (slot, child.generation), now: EventLoop.monotonicNanoseconds())
    }

    private func answer(_ asked: [Questions.Question]) {
        let parts = parts()
        for (child, number) in asked {
            do throws(MessageError) {
                for part in parts { try child.channel.send(bulk: Packet(.figuresPart, number: number, and: part)) }
            } catch {
                context.log(.debug, .figuresNotSent, "could not send figures", about: child, ["reason": "\(error)"])
            }
        }
    }

    // MARK: What becomes of workers

    func wants(_ count: Int) { ledger.wantedWorkers = count }

    func forked(_ child: Child, isPlanned: Bool) {
        guard case .worker(let slot) = child.role else { return }
        ledger.started(slot: slot, generation: child.generation, pid: child.pid, planned: isPlanned, now: child.forkedAt)
    }

    func changed(_ child: Child, to state: WorkerState) {
        guard case .worker(let slot) = child.role else { return }
        ledger.changed(slot: slot, generation: child.generation, to: state)
    }

    /// The slot's next start waits.
    func pauses(_ slot: Int, generation: Int) { ledger.changed(slot: slot, generation: generation, to: .backoff) }

    func disconnected(_ child: Child) {
        switch child.role {
        case .worker(let slot):
            ledger.retire(
                slot: slot, generation: child.generation, final: child.page.figures.snapshot(), usage: child.page.process.usage,
                now: EventLoop.monotonicNanoseconds())
        case .quarantine:
            ledger.retireApart(child.page.figures.snapshot())
        case .auxiliary, .lineWriter:
            break
        }
    }

    func exited(_ exit: WorkerExit) {
        if exit.slot >= 0 { ledger.exited(ExitRecord(exit)) }
        history.exited(exit)
    }

    /// A slot that was scaled away has no row when its last worker is gone.
    func remove(slot: Int) { ledger.remove(slot: slot) }

    /// What the master before this one tells of its workers.
    func carry(_ figures: ClusterFigures) { ledger.carry(figures) }
}
