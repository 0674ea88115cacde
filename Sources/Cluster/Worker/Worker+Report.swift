// What a worker tells the master about itself: reports at the interval, and as the last thing.
// And the way back: an auxiliary asks the master for the figures of all.
// Runs in the worker process, on its loop.

internal import EverycoreLoop
package import EverycoreStatistics
internal import Glibc
internal import Logging

struct FiguresRequests {
    var last: UInt32 = 0
    var pending: [UInt32: (done: (ClusterFigures?) -> Void, timeout: LoopTimer)] = [:]
    var assembler = ClusterFigures.Assembler()
    var failures = 0

    /// An answer answers all questions that were asked before its own: figures are taken when the last one has come. Numbers wrap around.
    mutating func take(answeredBy number: UInt32) -> [(ClusterFigures?) -> Void] {
        let answered = pending.keys.filter { Int32(bitPattern: number &- $0) >= 0 }
        return answered.compactMap { pending.removeValue(forKey: $0)?.done }
    }
}

extension Worker {
    func startReporting() {
        figures.set(.startedAtNanoseconds, startedAt)
        reportTimer = loop.every(max(options.reportInterval, .milliseconds(10))) { [unowned self] in
            settleReservations()
            report()
        }
    }

    /// Sends the figures as they stand. Never waits: a refused report costs freshness, the next one says it all.
    func report() {
        // The master reads the quarantine worker's figures where they are.
        guard !isAuxiliary, !isQuarantine else { return }
        // What is set and not counted is set each time: another process may have written over it.
        figures.set(.startedAtNanoseconds, startedAt)
        if let resident = ResidentMemory.byteCount() { figures.set(.residentBytes, resident) }
        let now = EventLoop.monotonicNanoseconds()
        let report = Report(
            slot: slot, generation: generation, sequence: reportSequence &+ 1, pid: pid,
            uptimeNanoseconds: now &- min(startedAt, now), monotonicNanoseconds: now, figures: figures.snapshot())
        if channel.sendNow(Packet(.report, payload: report.encoded())) {
            reportSequence &+= 1
        } else {
            figures.add(.reportsRefused, 1)
        }
    }

    /// Asks the master for the figures of the whole cluster as they are now: it reads what every worker counts.
    /// - Parameter done: called on the loop, once; with nil when the master hasn't answered within five seconds.
    package func requestFigures(_ done: @escaping (ClusterFigures?) -> Void) {
        figuresRequests.last &+= 1
        let number = figuresRequests.last
        do throws(MessageError) {
            try channel.send(bulk: Packet(.figuresRequest, number: number))
        } catch {
            figuresRequests.failures += 1
            if figuresRequests.failures.isWorthALine {
                logger.log(
                    .warning, .figuresNotAsked, "could not ask the master for figures",
                    metadata: ["reason": "\(error)", "failures": "\(figuresRequests.failures)"])
            }
            return done(nil)
        }
        let timeout = loop.after(.seconds(5)) { [unowned self] in
            figuresRequests.pending.removeValue(forKey: number)?.done(nil)
        }
        figuresRequests.pending[number] = (done, timeout)
    }

    func receiveFiguresPart(_ packet: Packet) {
        guard let (number, part) = packet.numbered else { return }
        // A part that doesn't fit belongs to an answer that was cut short; its request runs into its timeout.
        guard let complete = try? figuresRequests.assembler.add(Array(part)) else { return }
        for done in figuresRequests.take(answeredBy: number) { done(complete) }
    }
}

/// The memory of a process that is in RAM, shared pages included (proc_pid_statm(5)).
enum ResidentMemory {
    private static let pageSize = UInt64(clamping: sysconf(Int32(_SC_PAGESIZE)))

    /// - Parameter process: a process id.
    static func byteCount(of process: String = "self") -> UInt64? {
        guard let statm = readSmallFile("/proc/\(process)/statm") else { return nil }
        let words = statm.split(separator: " ", maxSplits: 2)
        guard words.count > 1, let pages = UInt64(words[1]) else { return nil }
        return pages.multipliedReportingOverflow(by: pageSize).partialValue
    }
}
