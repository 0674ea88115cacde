// The request line: method SP target SP version (RFC 9112 §3), judged when its CRLF is in. The
// caller has found the line's end and that no control byte but the tab is in it. Runs in workers.

import EverycoreStatistics

enum RequestLine {
    /// A line that is longer than its limit, of which the bytes up to `end` are here (RFC 9112 §3).
    @inline(never)
    static func tooLong(_ input: RawSpan, to end: Int) -> Refusal {
        let methodEnd = input.firstNonToken(from: 0, to: end)
        if methodEnd >= end {
            return Refusal(501, "the method is longer than any that this server knows", limit: .limitRequestLine)
        }
        if methodEnd == 0 || input.byte(methodEnd) != 0x20 { return .badRequest("the method is not a token") }
        return Refusal(414, "the request line is too long", limit: .limitRequestLine)
    }

    static func parse(
        _ input: RawSpan, from start: Int, to end: Int, limits: HTTPLimits, into facts: inout HeadFacts
    ) throws(Refusal) {
        let methodEnd = input.firstNonToken(from: start, to: end)
        if methodEnd == start { throw .badRequest("the request line does not begin with a method") }
        if methodEnd >= end { throw .badRequest("the request line has no target") }
        if input.byte(methodEnd) != 0x20 { throw .badRequest("the method is not a token") }
        facts.methodRange = ByteRange(start, methodEnd)
        facts.method = Method(facts.methodRange, in: input)

        let targetStart = methodEnd &+ 1
        let targetEnd = try scanTarget(input, from: targetStart, to: end, into: &facts)
        facts.target = ByteRange(targetStart, targetEnd)
        try readVersion(input, from: targetEnd &+ 1, to: end, into: &facts)
        if targetEnd &- targetStart > limits.target { throw Refusal(414, "the request target is too long", limit: .limitTarget) }
        if facts.method == .connect { throw Refusal(501, "this server is no proxy: CONNECT is not supported") }
        try RequestTarget.classify(input, into: &facts)
    }

    /// Checks the target's bytes up to the space after it and notes where its query begins.
    @inline(__always)
    private static func scanTarget(
        _ input: RawSpan, from start: Int, to end: Int, into facts: inout HeadFacts
    ) throws(Refusal) -> Int {
        var index = start
        while true {
            index = input.firstTargetStop(from: index, to: end)
            if index >= end { throw .badRequest("the request line has no version") }
            switch input.byte(index) {
            case 0x20:
                if index == start { throw .badRequest("the request line has no target between its spaces") }
                return index
            case 0x3F:
                if !facts.hasQuery {
                    facts.hasQuery = true
                    facts.query.start = UInt32(truncatingIfNeeded: index &+ 1)
                }
                index &+= 1
            case 0x25:
                if input.isEscape(at: index) {
                    index &+= 3
                } else {
                    // In a query it is data: browsers send `?q=100%` as it was typed.
                    guard facts.hasQuery else { throw .badRequest("the path has a malformed percent escape") }
                    index &+= 1
                }
            case 0x23: throw .badRequest("the request target has a fragment")
            default: throw .badRequest("the request target has a byte that must be percent-encoded")
            }
        }
    }

    @inline(__always)
    private static func readVersion(
        _ input: RawSpan, from start: Int, to end: Int, into facts: inout HeadFacts
    ) throws(Refusal) {
        if end &- start == 8 {
            let version = input.word(start)
            if version == Bytewise.word("HTTP/1.1") { return facts.minorVersion = 1 }
            if version == Bytewise.word("HTTP/1.0") { return facts.minorVersion = 0 }
        }
        try readOtherVersion(input, from: start, to: end)
        facts.minorVersion = 1
    }

    /// A later 1.x is served as 1.1 (RFC 9112 §2.3).
    @inline(never)
    private static func readOtherVersion(_ input: RawSpan, from start: Int, to end: Int) throws(Refusal) {
        guard end &- start == 8, input.partialWord(start, end: start &+ 5) == Bytewise.word("HTTP/"),
            input.byte(start &+ 5) &- 0x30 <= 9, input.byte(start &+ 6) == 0x2E, input.byte(start &+ 7) &- 0x30 <= 9
        else { throw .badRequest("the request line does not end in a version such as HTTP/1.1") }
        if input.byte(start &+ 5) != 0x31 { throw Refusal(505, "only HTTP/1.1 and HTTP/1.0 are supported") }
    }
}

extension Method {
    @inline(__always)
    init(_ range: ByteRange, in input: RawSpan) {
        // Seven letters at most: the word's last byte is zero.
        let word = range.count < 8 ? input.partialWord(Int(range.start), end: Int(range.end)) : 0
        if word == Bytewise.word("GET") { self = .get; return }
        if word == Bytewise.word("POST") { self = .post; return }
        self = .other
        for method in Method.allCases where method != .other && word == Bytewise.word(method.name) { self = method }
    }
}
