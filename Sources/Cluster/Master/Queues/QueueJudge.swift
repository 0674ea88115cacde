// What is known of one queue of connections: whether something waits in it, and whether anything is taken from it.
// A pure value of the master, one for each queue.
// Process: master · Thread: loop

/// All times are nanoseconds.
package struct QueueJudge: Equatable {
    package enum Verdict: Equatable {
        case fine
        /// Connections wait since the last look: does the worker's loop turn?
        case waits
        /// Connections wait for so long that a worker whose loop turns would have taken them: it doesn't accept from this queue.
        case unattended
        /// Nothing has come for some time.
        case quiet
    }

    private var taken: UInt32 = 0
    /// How long something has waited while nothing was taken.
    private var waited: UInt64 = 0
    /// How long the queue was never seen empty, although something may have been taken from it or from another of the worker's queues.
    private var filled: UInt64 = 0
    private var quietLooks = 0

    /// So long something may wait while nothing is taken.
    private static let patience: UInt64 = 1_000_000_000
    /// So long the queue may never be empty.
    private static let longPatience: UInt64 = 5_000_000_000
    private static let retention = 10

    package init() {}

    /// Whether the queue itself is to be looked at: what is taken all the time needs no look, but for the one that the caller makes of
    /// every queue now and then.
    package func needsLook(taken: UInt32) -> Bool { taken == self.taken }

    /// - Parameters:
    ///   - isWaiting: whether something waits; nil where that wasn't looked at.
    ///   - taken: what the queue's worker has taken; wraps around.
    ///   - elapsed: since the look before.
    package mutating func looked(isWaiting: Bool?, taken: UInt32, elapsed: UInt64) -> Verdict {
        let isTaken = taken != self.taken
        self.taken = taken
        if isTaken { waited = 0 }
        guard let isWaiting else {
            quietLooks = 0
            if filled > 0 { filled += elapsed }
            return .fine
        }
        guard isWaiting else {
            waited = 0
            filled = 0
            quietLooks = isTaken ? 0 : min(quietLooks + 1, Self.retention)
            return quietLooks == Self.retention ? .quiet : .fine
        }
        quietLooks = 0
        filled += elapsed
        if !isTaken { waited += elapsed }
        guard waited >= Self.patience || filled >= Self.longPatience else { return isTaken ? .fine : .waits }
        // Once for each such time.
        waited = 0
        filled = 0
        return .unattended
    }
}
