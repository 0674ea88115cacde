// The trailer section of a chunked body (RFC 9112 §7.1.2): read under the rules of the header
// section, kept apart from it, and rid of fields that frame, route or authorise (RFC 9110
// §6.5.1). Takes memory only when there are trailers. Runs in workers.

import EverycoreStatistics

package struct Trailers: Sendable {
    private var bytes: [UInt8] = []
    private var ranges: [FieldRange] = []

    package init() {}

    package var isEmpty: Bool { ranges.isEmpty }
    package var count: Int { ranges.count }

    /// The value of the first trailer field of that name (any case).
    package func value(of name: String) -> String? {
        let wanted = unsafe name.utf8Span.span.bytes
        let all = unsafe bytes.span.bytes
        for field in ranges where field.name.count == wanted.byteCount {
            if all.equalsIgnoringCase(wanted, from: Int(field.name.start)) { return text(field.value) }
        }
        return nil
    }

    /// Name and value of each field in order.
    package var fields: [(name: String, value: String)] { ranges.map { (text($0.name), text($0.value)) } }

    private func text(_ range: ByteRange) -> String {
        String(decoding: bytes.dropFirst(Int(range.start)).prefix(range.count), as: UTF8.self)
    }

    mutating func append(_ line: [UInt8], _ field: FieldRange) {
        let offset = UInt32(truncatingIfNeeded: bytes.count)
        bytes += line
        ranges.append(
            FieldRange(
                name: ByteRange(field.name.start &+ offset, field.name.end &+ offset),
                value: ByteRange(field.value.start &+ offset, field.value.end &+ offset)))
    }
}

struct TrailerSection: Sendable {
    private(set) var trailers = Trailers()
    private var line: [UInt8] = []
    private var sawCR = false
    private var taken = 0
    private var lines = 0
    private let lineLimit: Int
    private let sectionLimit: Int
    private let countLimit: Int

    init(limits: HTTPLimits) {
        lineLimit = limits.fieldLine
        sectionLimit = limits.trailerSection
        countLimit = limits.fieldCount
    }

    /// Takes a byte after the last chunk; true when it ends the section.
    mutating func take(_ byte: UInt8) throws(Refusal) -> Bool {
        taken &+= 1
        if taken > sectionLimit { throw Refusal(431, "the trailer section is too long", limit: .limitTrailerSection) }
        if sawCR {
            if byte != 0x0A { throw .badRequest("a CR is not followed by LF") }
            sawCR = false
            if line.isEmpty { return true }
            try takeLine()
            return false
        }
        if byte == 0x0D {
            sawCR = true
            return false
        }
        if byte == 0x0A { throw .badRequest("a line ends in LF without CR") }
        if (byte < 0x20 && byte != 0x09) || byte == 0x7F { throw .badRequest("the trailer section has a control byte") }
        if line.count >= lineLimit { throw Refusal(431, "a trailer field line is too long", limit: .limitFieldLine) }
        line.append(byte)
        return false
    }

    private mutating func takeLine() throws(Refusal) {
        if lines >= countLimit { throw Refusal(431, "the request has too many trailer fields", limit: .limitFieldCount) }
        lines &+= 1
        let whole = line
        line = []
        let bytes = unsafe whole.span.bytes
        let field = try FieldLine.parse(bytes, from: 0, to: whole.count)
        if !Self.isForbidden(bytes, field) { trailers.append(whole, field) }
    }

    private static func isForbidden(_ bytes: RawSpan, _ field: FieldRange) -> Bool {
        field.known != .none || forbidden.contains { bytes.range(field.name, equals: $0) }
    }

    /// Besides the known ones: routing, request modifiers, authentication, and what says how the
    /// content is to be processed, which would come too late.
    private static var forbidden: [StaticString] {
        [
            "te", "trailer", "keep-alive", "proxy-connection", "max-forwards", "forwarded", "via",
            "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
            "authorization", "proxy-authorization", "cookie", "cache-control", "pragma", "range",
            "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
            "content-type", "content-encoding", "content-range", "content-location",
        ]
    }
}
