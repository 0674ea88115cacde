// One field line, of a header or a trailer section (RFC 9112 §5). The caller has found the line's
// end and that no control byte but the tab is in it. Runs in workers.

enum FieldLine {
    /// The name and the trimmed value of the line from `start` to `end`, its CRLF excluded.
    @inline(__always)
    static func parse(_ input: RawSpan, from start: Int, to end: Int) throws(Refusal) -> FieldRange {
        let colon = input.firstNonToken(from: start, to: end)
        if colon >= end || colon == start || input.byte(colon) != 0x3A {
            throw refusal(input, from: start, to: end, nameEnd: colon)
        }
        var valueStart = colon &+ 1
        while valueStart < end, isBlank(input.byte(valueStart)) { valueStart &+= 1 }
        var valueEnd = end
        while valueEnd > valueStart, isBlank(input.byte(valueEnd &- 1)) { valueEnd &-= 1 }
        let name = ByteRange(start, colon)
        return FieldRange(
            name: name, value: ByteRange(valueStart, valueEnd), known: KnownField(name, in: input))
    }

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

    @inline(never)
    private static func refusal(_ input: RawSpan, from start: Int, to end: Int, nameEnd: Int) -> Refusal {
        if nameEnd >= end { return .badRequest("a field line has no colon") }
        let byte = input.byte(nameEnd)
        if nameEnd == start, isBlank(byte) { return .badRequest("a field line begins with whitespace") }
        if nameEnd == start, byte == 0x3A { return .badRequest("a field line has no name") }
        if isBlank(byte) { return .badRequest("a field name is followed by whitespace") }
        return .badRequest("a field name is not a token")
    }
}

extension KnownField {
    /// Recognises a token by its length and its letters' words.
    @inline(__always)
    init(_ name: ByteRange, in input: RawSpan) {
        self = .none
        let start = Int(name.start)
        let count = name.count
        guard count >= 4, count <= 17 else { return }
        let head = Bytewise.lowercased(input.partialWord(start, end: Int(name.end)))
        switch count {
        case 4: if head == Bytewise.word("host") { self = .host }
        case 6: if head == Bytewise.word("expect") { self = .expect }
        case 7: if head == Bytewise.word("upgrade") { self = .upgrade }
        case 10:
            guard head == Bytewise.word("connecti") else { return }
            if input.range(name, equals: "connection") { self = .connection }
        case 14:
            guard head == Bytewise.word("content-") else { return }
            if input.range(name, equals: "content-length") { self = .contentLength }
        case 17:
            guard head == Bytewise.word("transfer") else { return }
            if input.range(name, equals: "transfer-encoding") { self = .transferEncoding }
        default: return
        }
    }
}
