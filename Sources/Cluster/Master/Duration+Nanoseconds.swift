// Durations as the nanoseconds and milliseconds that clocks and the wire use, without overflow.

extension Duration {
    /// 0 for negative durations, the largest number for those beyond 584 years.
    package var nanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product.addingUpToLimit(UInt64(attoseconds / 1_000_000_000))
    }

    /// Rounded down, at most 49 days.
    package var wholeMilliseconds: UInt32 { UInt32(clamping: nanoseconds / 1_000_000) }

    package static func nanoseconds(since start: UInt64, until now: UInt64) -> Duration {
        .nanoseconds(Int64(clamping: now &- min(start, now)))
    }

    /// Such as `1.250s`, for log lines.
    package var inSeconds: String {
        let milliseconds = nanoseconds / 1_000_000
        let rest = milliseconds % 1000
        return "\(milliseconds / 1000).\(rest < 10 ? "00" : rest < 100 ? "0" : "")\(rest)s"
    }
}

extension UInt64 {
    func addingUpToLimit(_ other: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
