// How the number of workers is written: `auto`, `4`, or `2..16` for as many as the load needs.
// Pure; runs in the process that reads the configuration, before any fork.

extension ValueFormat where Value == ServerConfiguration.Workers {
    package static func workers(_ range: ClosedRange<Int>) -> Self {
        ValueFormat(
            scalar: .word,
            expectation: "auto or a whole number from \(range.lowerBound) to \(range.upperBound), or two of them such as 2..16",
            parse: { text in
                if text == "auto" { return .auto }
                if let count = parsedDecimal(text.utf8[...]) { return range.contains(count) ? .count(count) : nil }
                return parsedBounds(text).flatMap { range.contains($0.lowerBound) && range.contains($0.upperBound) ? .range($0) : nil }
            },
            render: { workers in
                switch workers {
                case .auto: "auto"
                case .count(let count): String(count)
                case .range(let bounds): "\(bounds.lowerBound)..\(bounds.upperBound)"
                }
            },
            accepts: { workers in
                switch workers {
                case .auto: true
                case .count(let count): range.contains(count)
                case .range(let bounds): range.contains(bounds.lowerBound) && range.contains(bounds.upperBound)
                }
            })
    }
}

private func parsedBounds(_ text: String) -> ClosedRange<Int>? {
    let bytes = Array(text.utf8)
    guard let dot = bytes.firstIndex(of: UInt8(ascii: ".")), bytes[dot...].starts(with: "..".utf8) else { return nil }
    let ends = [text.utf8.prefix(dot), text.utf8.dropFirst(dot + 2)].map { parsedDecimal($0) }
    guard let lower = ends[0], let upper = ends[1], lower <= upper else { return nil }
    return lower...upper
}
