// Which of a worker's requests is to be logged as slow, and when. A pure value of the master, one for each worker: what its black box
// says at each look goes in.
// Process: master · Thread: loop
//
// A request is logged when it is older than the limit, and again when it is twice as old as then. Of each worker at most one a second.

internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct SlowWatch {
    package struct Request: Hashable {
        package let since: UInt64
        package let endpoint: UInt64

        package init(since: UInt64, endpoint: UInt64) {
            self.since = since
            self.endpoint = endpoint
        }
    }

    package enum Verdict: Equatable {
        /// It holds the loop.
        /// - Parameter isFirst: it hasn't been logged before.
        case runs(Request, isFirst: Bool)
        /// Its handler waits.
        case waits(Request)
    }

    private let limit: UInt64
    /// The age at which those that were logged are to be logged again.
    private var dueAges: [Request: UInt64] = [:]
    private var ran: Request?
    private var lastLine: UInt64?

    private static let interval: UInt64 = 1_000_000_000

    package init(limit: UInt64) { self.limit = limit }

    /// - Parameters:
    ///   - running: what has the loop. What goes on after a wait counts once it has it at two looks.
    ///   - waiting: whose handlers wait, without those whose responses have begun.
    package mutating func looked(running: Request?, waiting: [Request], now: UInt64) -> Verdict? {
        let hasStayed = running != nil && running == ran
        ran = running
        if !dueAges.isEmpty {
            let present = Set(waiting + (running.map { [$0] } ?? []))
            dueAges = dueAges.filter { present.contains($0.key) }
        }
        guard lastLine.map({ now.subtractingDownToZero($0) >= Self.interval }) ?? true else { return nil }
        if let running, hasStayed, isDue(running, now: now) {
            let isFirst = dueAges[running] == nil
            note(running, now: now)
            return .runs(running, isFirst: isFirst)
        }
        guard let slow = waiting.filter({ $0 != running && isDue($0, now: now) }).min(by: { $0.since < $1.since }) else { return nil }
        note(slow, now: now)
        return .waits(slow)
    }

    private func isDue(_ request: Request, now: UInt64) -> Bool { now.subtractingDownToZero(request.since) >= dueAges[request] ?? limit }

    private mutating func note(_ request: Request, now: UInt64) {
        dueAges[request] = now.subtractingDownToZero(request.since).addingUpToLimit(now.subtractingDownToZero(request.since))
        lastLine = now
    }
}
