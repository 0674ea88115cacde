// How one kind of value is written in the file, the environment and the options: one grammar for all three.
// Pure; runs in the process that reads the configuration, before any fork.

/// The written form of a setting's value and the values that it may take.
package struct ValueFormat<Value: Sendable>: Sendable {
    /// What a YAML file has to give. Numbers and flags are never quoted there; a word may be.
    package enum Scalar: Sendable { case word, number, flag }

    package let scalar: Scalar
    /// What is wanted, as the end of "… is not".
    package let expectation: String
    /// `nil` for what isn't of this form or out of range.
    package let parse: @Sendable (String) -> Value?
    /// The shortest text that `parse` turns into the value again.
    package let render: @Sendable (Value) -> String
    /// Whether a program may set the value.
    package let accepts: @Sendable (Value) -> Bool
}

extension ValueFormat where Value == Bool {
    package static let flag = ValueFormat(
        scalar: .flag, expectation: "true or false",
        parse: { $0 == "true" ? true : $0 == "false" ? false : nil },
        render: { $0 ? "true" : "false" },
        accepts: { _ in true })
}

extension ValueFormat where Value == ServerConfiguration.LogFormat {
    package static let logFormat = ValueFormat(
        scalar: .word, expectation: Value.allCases.map(\.rawValue).joined(separator: " or "),
        parse: Value.init(rawValue:), render: \.rawValue, accepts: { _ in true })
}

extension ValueFormat where Value == Int {
    /// A whole number in decimal digits.
    package static func number(_ range: ClosedRange<Int>) -> Self {
        ValueFormat(
            scalar: .number, expectation: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { text in parsedDecimal(text.utf8[...]).flatMap { range.contains($0) ? $0 : nil } },
            render: String.init, accepts: range.contains)
    }

    /// A number of bytes: digits, and `k`, `m` or `g` for 2¹⁰, 2²⁰ or 2³⁰ of them.
    package static func size(_ range: ClosedRange<Int>) -> Self {
        ValueFormat(
            scalar: .word,
            expectation: "a size from \(sizeText(range.lowerBound)) to \(sizeText(range.upperBound)) bytes, such as 65536, 64k or 1m",
            parse: { text in parsedSize(text).flatMap { range.contains($0) ? $0 : nil } },
            render: sizeText, accepts: range.contains)
    }
}

extension ValueFormat where Value == Int? {
    /// A whole number, or `auto` for nil.
    package static func automaticNumber(_ range: ClosedRange<Int>) -> Self {
        ValueFormat(
            scalar: .word, expectation: "auto or a whole number from \(range.lowerBound) to \(range.upperBound)",
            parse: { text -> Int?? in
                if text == "auto" { return .some(nil) }
                return parsedDecimal(text.utf8[...]).flatMap { range.contains($0) ? .some($0) : nil }
            },
            render: { $0.map(String.init) ?? "auto" },
            accepts: { number in number.map(range.contains) ?? true })
    }
}

extension ValueFormat where Value == String? {
    /// A directory's path, or `off`.
    package static let directory = ValueFormat(
        scalar: .word, expectation: "the path of a directory (at most 4095 bytes), or off",
        parse: { text -> String?? in
            if text == "off" { return .some(nil) }
            return isPath(text, atMost: 4095) ? .some(text) : nil
        },
        render: { $0 ?? "off" },
        accepts: { path in path.map { isPath($0, atMost: 4095) } ?? true })
}

/// Decimal digits alone: no sign, no separator, no leading zero (which YAML 1.1 would take for octal).
func parsedDecimal(_ digits: Substring.UTF8View) -> Int? {
    guard let first = digits.first, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    guard first != 0x30 || digits.count == 1 else { return nil }
    return Int(Substring(digits))
}

func parsedSize(_ text: String) -> Int? {
    var digits = text.utf8[...]
    var unit = 1
    switch digits.last {
    case 0x6B, 0x4B: unit = 1 << 10
    case 0x6D, 0x4D: unit = 1 << 20
    case 0x67, 0x47: unit = 1 << 30
    default: break
    }
    if unit != 1 { digits.removeLast() }
    guard let count = parsedDecimal(digits) else { return nil }
    let (bytes, overflow) = count.multipliedReportingOverflow(by: unit)
    return overflow ? nil : bytes
}

func sizeText(_ bytes: Int) -> String {
    guard bytes != 0 else { return "0" }
    for (unit, letter) in [(1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k")] where bytes % unit == 0 {
        return "\(bytes / unit)\(letter)"
    }
    return String(bytes)
}

func isPath(_ text: String, atMost bytes: Int) -> Bool {
    !text.isEmpty && text.utf8.count <= bytes && !text.utf8.contains(0)
}
