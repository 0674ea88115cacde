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

extension ValueFormat where Value: Equatable {
    /// A duration, `auto` or `off`.
    fileprivate static func automaticDuration(
        _ range: ClosedRange<Duration>, automatic: Value, off: Value, value: @escaping @Sendable (Duration) -> Value,
        duration: @escaping @Sendable (Value) -> Duration?
    ) -> Self where Value: Sendable {
        ValueFormat(
            scalar: .word, expectation: durationExpectation(range) + ", auto, or off",
            parse: { text in
                switch text {
                case "auto": automatic
                case "off", "0": off
                default: parsedDuration(text).flatMap { range.contains($0) ? value($0) : nil }
                }
            },
            render: { duration($0).map(durationText) ?? ($0 == off ? "off" : "auto") },
            accepts: { duration($0).map(range.contains) ?? true })
    }
}

extension ValueFormat where Value == ServerConfiguration.ReportInterval {
    package static let reportInterval = automaticDuration(
        .milliseconds(100) ... .seconds(3600), automatic: .automatic, off: .off, value: { .every($0) },
        duration: { interval in if case .every(let duration) = interval { duration } else { nil } })
}

extension ValueFormat where Value == ServerConfiguration.Stuck.Limit {
    package static let stuckLimit = automaticDuration(
        .milliseconds(100) ... .seconds(86400), automatic: .automatic, off: .off, value: { .after($0) },
        duration: { limit in if case .after(let duration) = limit { duration } else { nil } })
}
