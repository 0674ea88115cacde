// When a line of figures is due where no terminal shows a table: at each interval, or at longer ones. A pure value.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct LinePace: Equatable {
    private var last: UInt64

    /// The first line is due an interval from now.
    package init(now: UInt64) { last = now }

    /// - Parameter interval: nil for always.
    package mutating func isDue(every interval: Duration?, now: UInt64) -> Bool {
        guard let interval else { return true }
        // Timers are a little early or late: the nearest one will do.
        guard now.subtractingDownToZero(last).addingUpToLimit(500_000_000) >= interval.wholeNanoseconds else { return false }
        last = now
        return true
    }
}
