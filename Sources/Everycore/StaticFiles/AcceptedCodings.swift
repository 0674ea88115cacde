// Which content codings a client takes, and which it likes best: the value of Accept-Encoding (RFC 9110 §12.5.3).
//
// Pure; runs in the workers, for files with compressed siblings and for whatever else can be compressed. Allocates nothing.

internal import EverycoreHTTP

/// A content coding that this server can have (RFC 9110 §8.4.1, RFC 7932, RFC 8878).
public enum ContentCoding: UInt8, Sendable, CaseIterable {
    // In the order in which they are taken where a client likes several equally.
    case brotli, zstd, gzip

    /// As it stands in `Content-Encoding`.
    package var name: StaticString {
        switch self {
        case .brotli: "br"
        case .zstd: "zstd"
        case .gzip: "gzip"
        }
    }

    /// What the name of a compressed sibling ends in.
    package var suffix: String {
        switch self {
        case .brotli: ".br"
        case .zstd: ".zst"
        case .gzip: ".gz"
        }
    }
}

/// A set of codings.
package struct CodingSet: Sendable, Equatable {
    private var bits: UInt8 = 0

    package init(_ codings: ContentCoding...) { self.init(codings) }

    package init(_ codings: [ContentCoding]) {
        for coding in codings { insert(coding) }
    }

    package var isEmpty: Bool { bits == 0 }
    package func contains(_ coding: ContentCoding) -> Bool { bits & 1 << coding.rawValue != 0 }
    package mutating func insert(_ coding: ContentCoding) { bits |= 1 << coding.rawValue }
}

/// What a client's `Accept-Encoding` says of each coding. Weights are in thousandths; -1 where nothing is said.
package struct AcceptedCodings: Sendable, Equatable {
    private var brotli = -1
    private var zstd = -1
    private var gzip = -1
    private var identity = -1
    private var others = -1

    /// What a request without the field accepts: it is sent as it is, since nothing is known of the client.
    package init() {}

    package init(parsing field: RawSpan) { add(field) }

    /// Whether it says nothing of any coding.
    var isUnsaid: Bool { brotli & zstd & gzip & identity & others == -1 }

    /// What a request accepts.
    init(_ head: RequestHead) {
        var index = 0
        while let field = head.field(at: index) {
            index &+= 1
            if field.name.count == 15, !field.isHopByHop, RequestedForm.isNamed(head, field, "Accept-Encoding") {
                head.withBytes(field.value) { add($0) }
            }
        }
    }

    /// What is chosen among the identity and what else there is.
    package enum Choice: Sendable, Equatable {
        case identity
        case coding(ContentCoding)
        /// The client refuses all there is: 406.
        case nothing
    }

    /// The coding with the greatest weight among those that are available. The identity is chosen where it is named with a
    /// greater weight, or nothing else is acceptable.
    package func choice(of available: CodingSet) -> Choice {
        var best = Choice.nothing
        // Unless it is excluded, the identity is acceptable, and the least of what is.
        var weight = 0
        let identityWeight = identity >= 0 ? identity : others
        if identityWeight != 0 { best = .identity }
        if identity > 0 { weight = identity &- 1 }
        if !available.isEmpty {
            for coding in ContentCoding.allCases where available.contains(coding) {
                let offered = self.weight(of: coding)
                if offered > weight {
                    weight = offered
                    best = .coding(coding)
                }
            }
        }
        return best
    }

    /// 0 where the coding isn't acceptable.
    package func weight(of coding: ContentCoding) -> Int {
        let own =
            switch coding {
            case .brotli: brotli
            case .zstd: zstd
            case .gzip: gzip
            }
        return max(own >= 0 ? own : others, 0)
    }

    /// Takes one line of the field in. Elements that aren't well formed count for nothing.
    package mutating func add(_ field: RawSpan) {
        var position = 0
        while position < field.byteCount {
            var end = position
            while end < field.byteCount, field[byte: end] != UInt8(ascii: ",") { end &+= 1 }
            note(Self.trimmed(field, position..<end), in: field)
            position = end &+ 1
        }
    }

    private mutating func note(_ element: Range<Int>, in field: RawSpan) {
        var nameEnd = element.lowerBound
        while nameEnd < element.upperBound, field[byte: nameEnd] != UInt8(ascii: ";") { nameEnd &+= 1 }
        let name = Self.trimmed(field, element.lowerBound..<nameEnd)
        guard
            let weight = nameEnd < element.upperBound
                ? Self.weight(field, Self.trimmed(field, nameEnd &+ 1..<element.upperBound)) : 1000
        else { return }
        let text = field.extracting(name)
        if Self.equal(text, "gzip") || Self.equal(text, "x-gzip") {
            gzip = weight
        } else if Self.equal(text, "br") {
            brotli = weight
        } else if Self.equal(text, "zstd") {
            zstd = weight
        } else if Self.equal(text, "identity") {
            identity = weight
        } else if Self.equal(text, "*") {
            others = weight
        }
    }

    /// `q=0.5` as 500: at most three digits after the point, at most 1 (RFC 9110 §12.4.2).
    private static func weight(_ field: RawSpan, _ range: Range<Int>) -> Int? {
        guard range.count >= 3, range.count <= 7, lowercased(field[byte: range.lowerBound]) == UInt8(ascii: "q"),
            field[byte: range.lowerBound &+ 1] == UInt8(ascii: "=")
        else { return nil }
        var value = 0
        var scale = 1000
        for (place, index) in range.dropFirst(2).enumerated() {
            let byte = field[byte: index]
            if place == 1 {
                guard byte == UInt8(ascii: ".") else { return nil }
                continue
            }
            guard 0x30...0x39 ~= byte else { return nil }
            value &+= Int(byte &- 0x30) &* scale
            scale /= 10
        }
        return value <= 1000 ? value : nil
    }

    private static func trimmed(_ field: RawSpan, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isBlank(field[byte: start]) { start &+= 1 }
        while end > start, isBlank(field[byte: end &- 1]) { end &-= 1 }
        return start..<end
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    private static func equal(_ text: RawSpan, _ name: StaticString) -> Bool {
        guard text.byteCount == name.utf8CodeUnitCount else { return false }
        return unsafe text.equalsIgnoringCase(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount).bytes)
    }
}
