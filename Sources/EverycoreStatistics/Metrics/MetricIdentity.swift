// What a metric of the application's is known by: its kind, its label and its dimensions. The same dimensions in another order are the same
// series. Encoded into the shared page by the process that counts, decoded by the master, which trusts none of it.
//
// Encoding, little-endian: UInt16 bytes of the label, the label, then for each dimension UInt16 bytes of its name, the name, UInt16 bytes of
// its value, the value. Dimensions are in ascending order.
// Process: any · Thread: any

/// The numbers are those of the shared page and of the wire.
package enum MetricKind: UInt8, Sendable, CaseIterable {
    case counter = 1
    case floatingCounter = 2
    case gauge = 3
    case timer = 4
    case recorder = 5

    /// Stays in the totals when its process has ended.
    package var isCumulative: Bool { self != .gauge }
    package var isHistogram: Bool { self == .timer || self == .recorder }
}

/// How the gauges of several processes become one.
package enum GaugeMerge: UInt8, Sendable, CaseIterable {
    case sum = 0
    case minimum = 1
    case maximum = 2
    case latest = 3
}

package struct MetricDimension: Hashable, Comparable, Sendable {
    package let name: String
    package let value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }

    package static func < (a: MetricDimension, b: MetricDimension) -> Bool { a.name == b.name ? a.value < b.value : a.name < b.name }
}

package struct MetricIdentity: Hashable, Sendable {
    package let kind: MetricKind
    /// Of gauges; zero for others.
    package let merge: GaugeMerge
    package let label: String
    /// In ascending order.
    package let dimensions: [MetricDimension]

    /// The most that label and dimensions can take.
    package static let maximumByteCount = 510

    package init(_ kind: MetricKind, _ label: String, _ dimensions: [MetricDimension] = [], merge: GaugeMerge = .sum) {
        self.kind = kind
        self.merge = kind == .gauge ? merge : .sum
        self.label = label
        self.dimensions = dimensions.count < 2 ? dimensions : dimensions.sorted()
    }

    /// Nil where it is longer than a page has room for.
    package func encoded() -> [UInt8]? {
        var writer = ByteWriter(capacity: 64)
        for text in [label] + dimensions.flatMap({ [$0.name, $0.value] }) {
            let bytes = Array(text.utf8)
            guard writer.bytes.count + 2 + bytes.count <= Self.maximumByteCount else { return nil }
            writer.append(UInt16(truncatingIfNeeded: bytes.count))
            writer.append(bytes)
        }
        return writer.bytes
    }

    /// Nil when the bytes are no encoding.
    package init?(_ kind: MetricKind, merge: GaugeMerge, decoding bytes: [UInt8]) {
        guard bytes.count <= Self.maximumByteCount, kind == .gauge || merge == .sum else { return nil }
        var texts: [String] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 2 else { return nil }
            let count = Int(rest[rest.startIndex]) | Int(rest[rest.startIndex + 1]) << 8
            rest = rest.dropFirst(2)
            guard rest.count >= count, let text = String(validating: rest.prefix(count), as: UTF8.self) else { return nil }
            texts.append(text)
            rest = rest.dropFirst(count)
        }
        guard let label = texts.first, texts.count % 2 == 1 else { return nil }
        let dimensions = stride(from: 1, to: texts.count, by: 2).map { MetricDimension(texts[$0], texts[$0 + 1]) }
        guard dimensions == dimensions.sorted() else { return nil }
        self.kind = kind
        self.merge = merge
        self.label = label
        self.dimensions = dimensions
    }

    /// A stable order for the pages.
    package static func isBefore(_ a: MetricIdentity, _ b: MetricIdentity) -> Bool {
        if a.label != b.label { return a.label < b.label }
        if a.kind != b.kind { return a.kind.rawValue < b.kind.rawValue }
        if a.dimensions != b.dimensions { return a.dimensions.lexicographicallyPrecedes(b.dimensions) }
        return a.merge.rawValue < b.merge.rawValue
    }
}
