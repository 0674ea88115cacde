// host [":" port], as `Host` and an absolute target carry it (RFC 9110 §7.2, RFC 3986 §3.2).
// User information is no part of it: RFC 9110 §4.2.4. Runs in workers.

enum Authority {
    /// Whether the bytes from `start` to `end` are a host that isn't empty, and maybe a port.
    static func isValid(_ input: RawSpan, from start: Int, to end: Int) -> Bool {
        guard start < end else { return false }
        var index = start
        if input.byte(start) == 0x5B {
            guard let closing = closingBracket(input, from: start &+ 1, to: end) else { return false }
            index = closing &+ 1
        } else {
            let name = ByteClass.registeredName
            while index < end {
                let letters = Bytewise.hostByte(input.partialWord(index, end: end))
                index &+= (~letters & Bytewise.tops).trailingZeroBitCount &>> 3
                if index >= end { break }
                let byte = input.byte(index)
                if name.contains(byte) {
                    index &+= 1
                } else if byte == 0x25, index &+ 2 < end, input.isEscape(at: index) {
                    index &+= 3
                } else {
                    break
                }
            }
            if index == start { return false }
        }
        return index == end || (input.byte(index) == 0x3A && isPort(input, from: index &+ 1, to: end))
    }

    /// Whether the host is a name or an IPv4 address without anything rare in it. False says nothing.
    @inline(__always)
    static func isPlain(_ input: PaddedBytes, from start: Int, to end: Int) -> Bool {
        var index = input.endOfHost(start)
        guard index > start, index < end else { return index == end && index > start }
        guard input.byte(index) == 0x3A, end &- index <= 5 else { return false }
        // Four digits at most: no port that is too large.
        repeat { index &+= 1 } while index < end && input.byte(index) &- 0x30 <= 9
        return index == end
    }

    /// Digits up to 65535, or none (`port = *DIGIT`).
    private static func isPort(_ input: RawSpan, from start: Int, to end: Int) -> Bool {
        guard end &- start <= 5 else { return false }
        var port = 0
        var index = start
        while index < end {
            let digit = input.byte(index) &- 0x30
            if digit > 9 { return false }
            port = port &* 10 &+ Int(digit)
            index &+= 1
        }
        return port <= 65535
    }

    /// Where the bracket of an IPv6 address closes; nil when what it holds is none. A future
    /// address form (`[v1.…]`) is refused, since no client could connect to it.
    private static func closingBracket(_ input: RawSpan, from start: Int, to end: Int) -> Int? {
        var index = start
        var groups = 0
        var digits = 0
        var compressed = false
        while index < end {
            let byte = input.byte(index)
            if byte == 0x5D {
                if digits > 0 { groups &+= 1 }
                return (compressed ? groups < 8 : groups == 8) ? index : nil
            }
            if byte == 0x3A {
                let next = index &+ 1 < end ? input.byte(index &+ 1) : 0
                if next == 0x3A {
                    if compressed { return nil }
                    compressed = true
                    if digits > 0 { groups &+= 1 }
                    index &+= 2
                } else {
                    // A single colon stands between two groups.
                    if digits == 0 || !ByteClass.hexadecimal.contains(next) { return nil }
                    groups &+= 1
                    index &+= 1
                }
                digits = 0
                if groups > 8 || (index < end && input.byte(index) == 0x3A) { return nil }
                continue
            }
            if byte == 0x2E {
                return dottedTail(input, from: index &- digits, to: end, groups: groups, compressed: compressed)
            }
            digits &+= 1
            if digits > 4 || !ByteClass.hexadecimal.contains(byte) { return nil }
            index &+= 1
        }
        return nil
    }

    /// The IPv4 address that may stand for the last two groups.
    private static func dottedTail(
        _ input: RawSpan, from start: Int, to end: Int, groups: Int, compressed: Bool
    ) -> Int? {
        guard groups == 6 || (compressed && groups < 6) else { return nil }
        var index = start
        for part in 0..<4 {
            var value = 0
            var digits = 0
            while index < end, input.byte(index) &- 0x30 <= 9, digits < 4 {
                value = value &* 10 &+ Int(input.byte(index) &- 0x30)
                digits &+= 1
                index &+= 1
            }
            guard digits > 0, digits < 4, value <= 255, digits == 1 || value > 9, index < end else { return nil }
            if digits == 3, value < 100 { return nil }
            let closes = input.byte(index) == 0x5D
            if part == 3 { return closes ? index : nil }
            guard input.byte(index) == 0x2E else { return nil }
            index &+= 1
        }
        return nil
    }
}

extension RawSpan {
    /// Whether a percent sign at `offset` is followed by two hexadecimal digits.
    @inline(__always)
    func isEscape(at offset: Int) -> Bool {
        offset &+ 2 < byteCount && ByteClass.hexadecimal.contains(byte(offset &+ 1))
            && ByteClass.hexadecimal.contains(byte(offset &+ 2))
    }
}
