// The forms of a target (RFC 9112 §3.2): origin, absolute, asterisk. Its bytes have been checked.
// Runs in workers.

enum RequestTarget {
    @inline(__always)
    static func classify(_ input: RawSpan, into facts: inout HeadFacts) throws(Refusal) {
        facts.query.end = facts.target.end
        let pathEnd = facts.hasQuery ? facts.query.start &- 1 : facts.target.end
        facts.path = ByteRange(facts.target.start, pathEnd)
        if input.byte(Int(facts.target.start)) != 0x2F { try classifyOther(input, pathEnd: pathEnd, into: &facts) }
    }

    @inline(never)
    private static func classifyOther(_ input: RawSpan, pathEnd: UInt32, into facts: inout HeadFacts) throws(Refusal) {
        if facts.target.count == 1, input.byte(Int(facts.target.start)) == 0x2A {
            guard facts.method == .options else { throw .badRequest("the target * is for OPTIONS alone") }
            return facts.targetForm = .asterisk
        }
        guard let authorityStart = authorityStart(input, facts.target) else {
            throw .badRequest("the request target is neither a path nor an http URI")
        }
        let end = Int(pathEnd)
        var authorityEnd = authorityStart
        while authorityEnd < end, input.byte(authorityEnd) != 0x2F { authorityEnd &+= 1 }
        guard Authority.isValid(input, from: authorityStart, to: authorityEnd) else {
            throw .badRequest("the request target has an invalid authority")
        }
        facts.targetForm = .absolute
        facts.hasAuthority = true
        facts.authority = ByteRange(authorityStart, authorityEnd)
        // An empty path means "/" (RFC 9110 §4.2.3); the last slash before the authority is one.
        facts.path =
            authorityEnd < end
            ? ByteRange(authorityEnd, end) : ByteRange(authorityStart &- 1, authorityStart)
    }

    private static func authorityStart(_ input: RawSpan, _ target: ByteRange) -> Int? {
        let start = Int(target.start)
        for scheme in ["http://", "https://"] as [StaticString] where target.count >= scheme.utf8CodeUnitCount {
            if unsafe input.equalsIgnoringCase(scheme.rawBytes.bytes, from: start) {
                return start &+ scheme.utf8CodeUnitCount
            }
        }
        return nil
    }
}
