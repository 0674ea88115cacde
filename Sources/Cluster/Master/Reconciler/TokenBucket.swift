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

    /// Takes tokens, no more than the capacity. False when there are too few.
    package mutating func take(_ count: UInt64 = 1, now: UInt64) -> Bool {
        guard now >= time(of: count) else { return false }
        fullAt = max(fullAt, now).addingUpToLimit(time(for: min(count, capacity)))
        return true
    }

    /// When `take` succeeds next; in the past where it does now.
    package func time(of count: UInt64) -> UInt64 { fullAt.subtractingDownToZero(time(for: capacity - min(count, capacity))) }

    private func time(for count: UInt64) -> UInt64 {
        let (time, overflow) = count.multipliedReportingOverflow(by: interval)
        return overflow ? .max : time
    }
}
