// Whether the present plan's workers are good, which decides between growing pauses and prompt starts, and when to give up. A pure value of the supervisor.
// Process: master · Thread: loop
//
// A worker is good when it has been ready for ``RespawnPolicy/youngAge``, or has answered a request.

internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct TrackRecord {
    /// Whether a worker of the present plan was ever good.
    package var isProven = false
    /// When a worker was last good, or ended otherwise than by a failed start.
    package private(set) var lastGood: UInt64
    /// Whether starts have failed since.
    package private(set) var hasFailures = false
    /// Workers that became ready and are too young yet, oldest first.
    private var young: ArraySlice<(slot: Int, generation: Int, readyAt: UInt64)> = []

    package init(now: UInt64) { lastGood = now }

    package mutating func becameReady(_ slot: Int, _ generation: Int, now: UInt64) { young.append((slot, generation, now)) }

    /// The workers that have been ready for long enough.
    package mutating func grownUp(now: UInt64, youngAge: UInt64) -> [(slot: Int, generation: Int)] {
        var grown: [(slot: Int, generation: Int)] = []
        while let next = young.first, now.subtractingDownToZero(next.readyAt) >= youngAge {
            young.removeFirst()
            grown.append((next.slot, next.generation))
        }
        return grown
    }

    /// A worker is good now, or has ended otherwise than by a failed start.
    package mutating func noteGood(now: UInt64) {
        lastGood = max(lastGood, now)
        hasFailures = false
    }

    package mutating func noteFailure() { hasFailures = true }
}
