// Durations as log lines and the wire give them. Any process.

internal import EverycoreLoop

extension Duration {
    /// Rounded down, at most 49 days.
    var wholeMilliseconds: UInt32 { UInt32(clamping: wholeNanoseconds / 1_000_000) }

    /// Between two readings of the monotonic clock.
    static func from(_ start: UInt64, to end: UInt64) -> Duration {
        .nanoseconds(Int64(clamping: end &- min(start, end)))
    }

    /// Such as `1.250s`.
    package var inSeconds: String {
        let milliseconds = wholeNanoseconds / 1_000_000
        let rest = milliseconds % 1000
        return "\(milliseconds / 1000).\(rest < 10 ? "00" : rest < 100 ? "0" : "")\(rest)s"
    }
}
