// Heads as nearly all clients send them, in one pass over their bytes: GET, HEAD or POST, a path, HTTP/1.1, and field lines with
// nothing but one space around their values. Refuses nothing: what isn't plain, isn't whole or may be over a limit is left to the
// careful reading, from its first byte on. So both give the same answer wherever this one gives one.
// Process: worker · Thread: loop

package enum PlainHead {
    /// What a head can't exceed without being looked at with care.
    package struct Bounds {
        let bytes: Int
        let fields: Int

        package init(_ limits: HTTPLimits) {
            bytes = min(limits.target, limits.requestLine, limits.fieldLine, limits.headerSection)
            fields = limits.fieldCount
        }
    }

    /// Fills `head` and returns the head's length in bytes; 0 where it says nothing, and `head` holds nothing of use.
    @inline(__always)
    package static func read(_ input: PaddedBytes, _ bounds: Bounds, into head: RequestHead) -> Int {
        let first: UInt64 = input.word(0)
        let methodEnd: Int
        let method: Method
        if UInt32(truncatingIfNeeded: first) == UInt32(truncatingIfNeeded: Bytewise.word("GET ")) {
            (method, methodEnd) = (.get, 3)
        } else if first & 0xFF_FFFF_FFFF == Bytewise.word("POST ") {
            (method, methodEnd) = (.post, 4)
        } else if first & 0xFF_FFFF_FFFF == Bytewise.word("HEAD ") {
            (method, methodEnd) = (.head, 4)
        } else {
            return 0
        }
        let targetStart = methodEnd &+ 1
        guard input.byte(targetStart) == 0x2F else { return 0 }
        var targetEnd = input.endOfTarget(targetStart)
        var pathEnd = -1
        while input.byte(targetEnd) != 0x20 {
            switch input.byte(targetEnd) {
            case 0x3F: if pathEnd < 0 { pathEnd = targetEnd }
            case 0x25: guard pathEnd >= 0 || input.isEscape(at: targetEnd) else { return 0 }
            default: return 0
            }
            targetEnd = input.endOfTarget(targetEnd &+ 1)
        }
        let hasQuery = pathEnd >= 0
        if !hasQuery { pathEnd = targetEnd }
        guard input.word(targetEnd &+ 1) == Bytewise.word("HTTP/1.1"), input.word(targetEnd &+ 9, as: UInt16.self) == 0x0A0D else { return 0 }

        var start = targetEnd &+ 11
        var count = 0
        var framing = FramingFields()
        // A head with more fields makes room for those that follow it.
        let room = unsafe min(bounds.fields, head.fieldCapacity)
        while input.word(start, as: UInt16.self) != 0x0A0D {
            guard count < room else { return 0 }
            var colon = input.endOfName(start)
            while input.byte(colon) != 0x3A {
                guard ByteClass.token.contains(input.byte(colon)) else { return 0 }
                colon = input.endOfName(colon &+ 1)
            }
            let valueStart = colon &+ (input.byte(colon &+ 1) == 0x20 ? 2 : 1)
            var valueEnd = input.endOfValue(valueStart)
            while input.word(valueEnd, as: UInt16.self) != 0x0A0D {
                guard input.byte(valueEnd) == 0x09 else { return 0 }
                valueEnd = input.endOfValue(valueEnd &+ 1)
            }
            // No blank at either end of the value; an empty one has no ends.
            guard colon > start, valueEnd == valueStart || input.byte(valueStart) > 0x20 && input.byte(valueEnd &- 1) > 0x20 else {
                return 0
            }
            let known = KnownField(plain: input, from: start, count: colon &- start)
            let field = FieldRange(name: ByteRange(start, colon), value: ByteRange(valueStart, valueEnd), known: known)
            unsafe head.fieldStorage.advanced(by: count).initialize(to: field)
            if known != .none { framing.note(known, at: count) }
            count &+= 1
            start = valueEnd &+ 2
        }
        let length = start &+ 2
        guard length <= bounds.bytes, let host = framing.soleHost(head), isHost(host, input) else { return 0 }
        head.fill(
            method: method, methodEnd: methodEnd, pathEnd: pathEnd, targetEnd: targetEnd, hasQuery: hasQuery, host: host,
            length: length, fieldCount: count)
        guard framing.isHostAlone || framing.judgeOthers(of: head, input, fieldLimit: bounds.fields) else { return 0 }
        return length
    }

    @inline(__always)
    private static func isHost(_ host: ByteRange, _ input: PaddedBytes) -> Bool {
        let (start, end) = (Int(host.start), Int(host.end))
        return unsafe Authority.isPlain(input, from: start, to: end) || Authority.isValid(input.buffer.bytes, from: start, to: end)
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
                Self.small(input, start &+ 2, 8) == Bytewise.word("nnection")
            else { return }
            self = .connection
        case 14:
            guard Self.small(input, start, 8) == Bytewise.word("content-"),
                Self.small(input, start &+ 6, 8) == Bytewise.word("t-length")
            else { return }
            self = .contentLength
        case 17:
            guard Self.small(input, start, 8) == Bytewise.word("transfer"),
                Self.small(input, start &+ 8, 8) == Bytewise.word("-encodin"), input.byte(start &+ 16) | 0x20 == 0x67
            else { return }
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
