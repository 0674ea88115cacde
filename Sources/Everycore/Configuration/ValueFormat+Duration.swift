// Durations as they are written: a whole number and its unit, `250ms`, `10s`, `2m`, `1h`.
// A bare number is refused: the reader of a file shouldn't have to know whether 30 means seconds or milliseconds.
// Pure; runs in the process that reads the configuration, before any fork.

extension ValueFormat where Value == Duration {
    package static func duration(_ range: ClosedRange<Duration>) -> Self {
        ValueFormat(
            scalar: .word, expectation: durationExpectation(range),
            parse: { text in parsedDuration(text).flatMap { range.contains($0) ? $0 : nil } },
            render: durationText, accepts: range.contains)
    }
}

extension ValueFormat where Value == Duration? {
    /// A duration, or `off` (also written `0`) for none.
    package static func durationOrOff(_ range: ClosedRange<Duration>) -> Self {
        ValueFormat(
            scalar: .word, expectation: durationExpectation(range) + ", or off",
            parse: { text -> Duration?? in
                if text == "off" || text == "0" { return .some(nil) }
                return parsedDuration(text).flatMap { range.contains($0) ? .some($0) : nil }
            },
            render: { $0.map(durationText) ?? "off" },
            accepts: { value in value.map(range.contains) ?? true })
    }
}

private let units: [(suffix: String, milliseconds: Int)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]

private func durationExpectation(_ range: ClosedRange<Duration>) -> String {
    "a duration from \(durationText(range.lowerBound)) to \(durationText(range.upperBound)), such as 250ms, 10s or 2m"
}

private func parsedDuration(_ text: String) -> Duration? {
    let suffix = text.drop { $0.isASCII && $0.isNumber }
    guard let unit = units.first(where: { $0.suffix == suffix }),
        let count = parsedDecimal(text.utf8.prefix(text.utf8.count - suffix.utf8.count))
    else { return nil }
    let (milliseconds, overflow) = count.multipliedReportingOverflow(by: unit.milliseconds)
    return overflow ? nil : .milliseconds(milliseconds)
}

private func durationText(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1000)
    let (milliseconds, overflowOfSum) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000_000)
    guard !overflow, !overflowOfSum, attoseconds % 1_000_000_000_000_000 == 0 else { return String(describing: duration) }
    for unit in units.reversed() where milliseconds % Int64(unit.milliseconds) == 0 && milliseconds != 0 {
        return "\(milliseconds / Int64(unit.milliseconds))\(unit.suffix)"
    }
    return "0s"
}

extension ValueFormat where Value == ServerConfiguration.ReportInterval {
    /// A duration, `auto` or `off`.
    package static let reportInterval: Self = {
        let range: ClosedRange<Duration> = .milliseconds(100) ... .seconds(3600)
        return ValueFormat(
            scalar: .word, expectation: durationExpectation(range) + ", auto, or off",
            parse: { text in
                switch text {
                case "auto": .automatic
                case "off", "0": .off
                default: parsedDuration(text).flatMap { range.contains($0) ? .every($0) : nil }
                }
            },
            render: { interval in
                switch interval {
                case .automatic: "auto"
                case .off: "off"
                case .every(let duration): durationText(duration)
                }
            },
            accepts: { interval in if case .every(let duration) = interval { range.contains(duration) } else { true } })
    }()
}

extension ValueFormat where Value == ServerConfiguration.Stuck.Limit {
    /// A duration, `auto` or `off`.
    package static let stuckLimit: Self = {
        let range: ClosedRange<Duration> = .milliseconds(100) ... .seconds(86400)
        return ValueFormat(
            scalar: .word, expectation: durationExpectation(range) + ", auto, or off",
            parse: { text in
                switch text {
                case "auto": .automatic
                case "off", "0": .off
                default: parsedDuration(text).flatMap { range.contains($0) ? .after($0) : nil }
                }
            },
            render: { limit in
                switch limit {
                case .automatic: "auto"
                case .off: "off"
                case .after(let duration): durationText(duration)
                }
            },
            accepts: { limit in if case .after(let duration) = limit { range.contains(duration) } else { true } })
    }()
}
