// Heads as nearly all clients send them, in one pass over their bytes: GET, HEAD or POST, a path, HTTP/1.1, and
// field lines with nothing but one space around their values. Refuses nothing: what isn't plain, isn't whole or is over a limit
// is left to the careful reading, from its line's first byte on. So both give the same answer wherever this one gives one.
// Process: worker · Thread: loop

extension RequestParser {
    /// Takes lines for as long as they are plain. Returns the head's end if its blank line is among them.
    @inline(__always)
    mutating func readPlainLines(
        _ input: PaddedBytes, into head: RequestHead, _ facts: inout HeadFacts, _ framing: inout FramingFields
    ) -> Int? {
        if section != .fields {
            guard let end = readPlainRequestLine(input, into: &facts) else { return nil }
            beginFields(at: end)
        }
        return readPlainFields(input, into: head, &framing)
    }

    /// Returns the offset behind the line, or nil where it isn't plain.
    @inline(__always)
    private func readPlainRequestLine(_ input: PaddedBytes, into facts: inout HeadFacts) -> Int? {
        let start = lineStart
        let first: UInt64 = input.word(start)
        let methodEnd: Int
        let method: Method
        if UInt32(truncatingIfNeeded: first) == UInt32(truncatingIfNeeded: Bytewise.word("GET ")) {
            (method, methodEnd) = (.get, start &+ 3)
        } else if first & 0xFF_FFFF_FFFF == Bytewise.word("POST ") {
            (method, methodEnd) = (.post, start &+ 4)
        } else if first & 0xFF_FFFF_FFFF == Bytewise.word("HEAD ") {
            (method, methodEnd) = (.head, start &+ 4)
        } else {
            return nil
        }
        let targetStart = methodEnd &+ 1
        guard input.byte(targetStart) == 0x2F else { return nil }
        var targetEnd = input.endOfTarget(targetStart)
        var pathEnd = -1
        while input.byte(targetEnd) != 0x20 {
            switch input.byte(targetEnd) {
            case 0x3F: if pathEnd < 0 { pathEnd = targetEnd }
            case 0x25: guard pathEnd >= 0 || input.isEscape(at: targetEnd) else { return nil }
            default: return nil
            }
            targetEnd = input.endOfTarget(targetEnd &+ 1)
        }
        let hasQuery = pathEnd >= 0
        if !hasQuery { pathEnd = targetEnd }
        guard input.word(targetEnd &+ 1) == Bytewise.word("HTTP/1.1"),
            input.word(targetEnd &+ 9, as: UInt16.self) == 0x0A0D,
            targetEnd &- targetStart <= limits.target, targetEnd &+ 9 &- start <= limits.requestLine
        else { return nil }
        facts.method = method
        facts.methodRange = ByteRange(start, methodEnd)
        facts.target = ByteRange(targetStart, targetEnd)
        facts.path = ByteRange(targetStart, pathEnd)
        facts.query = ByteRange(hasQuery ? pathEnd &+ 1 : 0, targetEnd)
        facts.hasQuery = hasQuery
        facts.minorVersion = 1
        return targetEnd &+ 11
    }

    @inline(__always)
    private mutating func readPlainFields(_ input: PaddedBytes, into head: RequestHead, _ framing: inout FramingFields) -> Int? {
        var start = lineStart
        var count = fieldCount
        let sectionEnd = sectionStart &+ limits.headerSection
        // Up to here neither limit can be exceeded.
        let near = min(sectionStart &+ limits.fieldLine, sectionEnd &- 2)
        var room = min(limits.fieldCount, unsafe head.fieldCapacity)
        defer { takeFields(upTo: start, count: count) }
        while input.word(start, as: UInt16.self) != 0x0A0D {
            // A head of which a part has come may be read on in another `RequestHead`, with less room.
            if count >= room {
                guard count < limits.fieldCount else { return nil }
                head.growFields(to: count)
                room = min(limits.fieldCount, unsafe head.fieldCapacity)
            }
            var colon = input.endOfName(start)
            while input.byte(colon) != 0x3A {
                guard ByteClass.token.contains(input.byte(colon)) else { return nil }
                colon = input.endOfName(colon &+ 1)
            }
            let valueStart = colon &+ (input.byte(colon &+ 1) == 0x20 ? 2 : 1)
            var valueEnd = input.endOfValue(valueStart)
            while input.word(valueEnd, as: UInt16.self) != 0x0A0D {
                guard input.byte(valueEnd) == 0x09 else { return nil }
                valueEnd = input.endOfValue(valueEnd &+ 1)
            }
            if valueEnd > near { guard valueEnd &- start <= limits.fieldLine, valueEnd &+ 2 <= sectionEnd else { return nil } }
            // No blank at either end of the value; an empty one has no ends.
            guard colon > start, valueEnd == valueStart || input.byte(valueStart) > 0x20 && input.byte(valueEnd &- 1) > 0x20 else {
                return nil
            }
            let known = KnownField(plain: input, from: start, count: colon &- start)
            let field = FieldRange(name: ByteRange(start, colon), value: ByteRange(valueStart, valueEnd), known: known)
            unsafe head.fieldStorage.advanced(by: count).initialize(to: field)
            if known != .none { framing.note(known, at: count) }
            count &+= 1
            start = valueEnd &+ 2
        }
        guard start &+ 2 <= sectionEnd else { return nil }
        start &+= 2
        return start
    }
}

extension KnownField {
    /// Recognises a token by its length and its letters. Setting the bit that tells small letters from capitals makes nothing else
    /// of a token's bytes into a letter or a hyphen.
    @inline(__always)
    fileprivate init(plain input: PaddedBytes, from start: Int, count: Int) {
        self = .none
        switch count {
        case 4: if Self.small(input, start, 4) == Bytewise.word("host") { self = .host }
        case 6: if Self.small(input, start, 6) == Bytewise.word("expect") { self = .expect }
        case 7: if Self.small(input, start, 7) == Bytewise.word("upgrade") { self = .upgrade }
        case 10:
            guard Self.small(input, start, 8) == Bytewise.word("connecti"),
                Self.small(input, start &+ 2, 8) == Bytewise.word("nnection") else { return }
            self = .connection
        case 14:
            guard Self.small(input, start, 8) == Bytewise.word("content-"),
                Self.small(input, start &+ 6, 8) == Bytewise.word("t-length") else { return }
            self = .contentLength
        case 17:
            guard Self.small(input, start, 8) == Bytewise.word("transfer"),
                Self.small(input, start &+ 8, 8) == Bytewise.word("-encodin"), input.byte(start &+ 16) | 0x20 == 0x67 else { return }
            self = .transferEncoding
        default: return
        }
    }

    /// `count` bytes, at most eight, with letters made small; zero fills the rest.
    @inline(__always)
    private static func small(_ input: PaddedBytes, _ offset: Int, _ count: Int) -> UInt64 {
        (input.word(offset) | Bytewise.ones &* 0x20) & (UInt64.max &>> UInt64(64 &- count &* 8))
    }
}
