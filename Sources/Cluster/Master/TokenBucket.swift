// How often something may happen: bursts up to a capacity, then at a rate. A pure value: times go in.
// Process: master · Thread: loop

internal import EverycoreStatistics

/// A token bucket (the generic cell rate algorithm: one word of state). All times are monotonic nanoseconds.
package struct TokenBucket: Equatable, Sendable {
    /// How many tokens a full bucket holds.
    package let capacity: UInt64
    /// The time in which one token comes back.
    package let interval: UInt64
    /// When the bucket is full again; in the past where it is full.
    private var fullAt: UInt64 = 0

    /// Full at first.
    /// - Parameters:
    ///   - capacity: at least 1.
    ///   - interval: nanoseconds; 0 for no bound.
    package init(capacity: Int, interval: UInt64) {
        self.capacity = UInt64(max(capacity, 1))
        // Bounded, so that no sum below overflows.
        self.interval = min(interval, UInt64(1) << 40)
    }

    /// Takes a token. False when there is none.
    package mutating func take(now: UInt64) -> Bool {
        guard now >= nextToken else { return false }
        fullAt = max(fullAt, now).addingUpToLimit(interval)
        return true
    }

    /// When `take` succeeds next; in the past where it does now.
    package var nextToken: UInt64 {
        let (slack, overflow) = (capacity - 1).multipliedReportingOverflow(by: interval)
        return overflow ? 0 : fullAt.subtractingDownToZero(slack)
    }
}
