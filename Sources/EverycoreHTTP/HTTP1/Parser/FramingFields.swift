// What the whole header section says together: host, length of the content, persistence,
// expectation, upgrade. Noted while lines are read, judged at the blank line. Runs in workers.

import EverycoreStatistics

struct FramingFields {
    private var present: UInt8 = 0
    private var repeated: UInt8 = 0
    private var hostIndex = 0
    private var connectionIndex = 0

    @inline(__always)
    mutating func note(_ field: KnownField, at index: Int) {
        let bit = 1 &<< field.rawValue
        repeated |= present & bit
        present |= bit
        if field == .host { hostIndex = index } else if field == .connection { connectionIndex = index }
    }

    private func has(_ field: KnownField) -> Bool { present & (1 &<< field.rawValue) != 0 }
    private func isRepeated(_ field: KnownField) -> Bool { repeated & (1 &<< field.rawValue) != 0 }

    // MARK: For plain heads

    /// The value of the one `Host`, unless it is empty.
    @inline(__always)
    func soleHost(_ head: RequestHead) -> ByteRange? {
        guard has(.host), !isRepeated(.host) else { return nil }
        let host = head.storedField(hostIndex).value
        return host.isEmpty ? nil : host
    }

    /// Whether no other field means anything for the message.
    var isHostAlone: Bool {
        @inline(__always) get { present == 1 &<< KnownField.host.rawValue }
    }

    /// Completes the facts of a head whose `Host` is sound. False where something contradicts itself.
    @inline(never)
    func judgeOthers(of head: RequestHead, _ input: PaddedBytes, fieldLimit: Int) -> Bool {
        var facts = head.facts
        do throws(Refusal) {
            try unsafe judgeOthers(input.buffer.bytes, head, fieldCount: head.fieldCount, fieldLimit: fieldLimit, into: &facts)
            head.facts = facts
            return true
        } catch {
            return false
        }
    }

    // MARK: For all

    /// Completes the facts, or refuses what contradicts itself.
    func judge(
        _ input: RawSpan, _ head: RequestHead, fieldCount: Int, limits: HTTPLimits, into facts: inout HeadFacts
    ) throws(Refusal) {
        try judgeHost(input, head, into: &facts)
        facts.keepAlive = facts.minorVersion == 1
        try judgeOthers(input, head, fieldCount: fieldCount, fieldLimit: limits.fieldCount, into: &facts)
    }

    @inline(__always)
    private func judgeOthers(
        _ input: RawSpan, _ head: RequestHead, fieldCount: Int, fieldLimit: Int, into facts: inout HeadFacts
    ) throws(Refusal) {
        try judgeLength(input, head, fieldCount, into: &facts)
        try judgeConnection(input, head, fieldCount, fieldLimit, into: &facts)
        judgeExpectation(input, head, fieldCount, into: &facts)
    }

    /// RFC 9112 §3.2: exactly one in 1.1, and valid wherever it is.
    @inline(__always)
    private func judgeHost(_ input: RawSpan, _ head: RequestHead, into facts: inout HeadFacts) throws(Refusal) {
        guard has(.host) else {
            if facts.minorVersion == 1 { throw .badRequest("an HTTP/1.1 request needs a Host field") }
            return
        }
        if isRepeated(.host) { throw .badRequest("the request has more than one Host field") }
        let host = head.storedField(hostIndex).value
        // Legal where the target has no authority (RFC 9110 §7.2); an absolute target outranks it (RFC 9112 §3.2.2).
        if host.isEmpty { return }
        guard Authority.isValid(input, from: Int(host.start), to: Int(host.end)) else {
            throw .badRequest("the Host field is not a host with an optional port")
        }
        if !facts.hasAuthority {
            facts.hasAuthority = true
            facts.authority = host
        }
    }

    /// RFC 9112 §6.3, the strict choice wherever there is one.
    private func judgeLength(
        _ input: RawSpan, _ head: RequestHead, _ fieldCount: Int, into facts: inout HeadFacts
    ) throws(Refusal) {
        if has(.transferEncoding) {
            if has(.contentLength) {
                throw .badRequest("the request has both Transfer-Encoding and Content-Length")
            }
            if facts.minorVersion == 0 { throw .badRequest("HTTP/1.0 has no Transfer-Encoding") }
            var codings = TransferCodings()
            for index in 0..<fieldCount where head.storedField(index).known == .transferEncoding {
                try codings.read(input, head.storedField(index).value)
            }
            try codings.check()
            facts.framing = .chunked
        } else if has(.contentLength) {
            if isRepeated(.contentLength) { throw .badRequest("the request has more than one Content-Length field") }
            for index in 0..<fieldCount where head.storedField(index).known == .contentLength {
                facts.framing = .length(try contentLength(input, head.storedField(index).value))
            }
        }
    }

    /// `1*DIGIT` up to 2⁶³−1; at most 19 digits, zeros in front included.
    private func contentLength(_ input: RawSpan, _ range: ByteRange) throws(Refusal) -> UInt64 {
        var length: UInt64 = 0
        var index = Int(range.start)
        while index < Int(range.end), input.byte(index) &- 0x30 <= 9, range.count <= 19 {
            length = length &* 10 &+ UInt64(input.byte(index) &- 0x30)
            index &+= 1
        }
        guard index == Int(range.end), !range.isEmpty, length <= UInt64(Int64.max) else {
            throw .badRequest("the Content-Length field is not a decimal number below 2^63")
        }
        return length
    }

    /// RFC 9110 §7.6.1, RFC 9112 §9.3: persistence, upgrade, and which fields are hop-by-hop.
    private func judgeConnection(
        _ input: RawSpan, _ head: RequestHead, _ fieldCount: Int, _ fieldLimit: Int, into facts: inout HeadFacts
    ) throws(Refusal) {
        guard has(.connection) else { return }
        if !isRepeated(.connection), let keepAlive = soleOption(input, head.storedField(connectionIndex).value) {
            facts.keepAlive = keepAlive
            if keepAlive { head.hideKeepAlive(input, fieldCount: fieldCount) }
            return
        }
        var close = false
        var keepAlive = false
        var upgrade = false
        var options = 0
        for index in 0..<fieldCount where head.storedField(index).known == .connection {
            var elements = ListElements(head.storedField(index).value)
            while let option = elements.next(in: input) {
                options &+= 1
                // Each option is compared with each field: the product must stay small.
                if options > fieldLimit { throw Refusal(431, "the Connection field has too many options", limit: .limitFieldCount) }
                if input.range(option, equals: "close") {
                    close = true
                    continue
                }
                if input.range(option, equals: "keep-alive") { keepAlive = true }
                if input.range(option, equals: "upgrade") { upgrade = true }
                head.markHopByHop(option, input, fieldCount: fieldCount)
            }
        }
        facts.keepAlive = !close && (facts.minorVersion == 1 || keepAlive)
        guard upgrade, facts.minorVersion == 1 else { return }
        for index in 0..<fieldCount where head.storedField(index).known == .upgrade {
            if !head.storedField(index).value.isEmpty { facts.hasUpgrade = true }
        }
    }

    /// What nearly every client's field says: whether the connection persists, and nothing else; nil where it says more.
    @inline(__always)
    private func soleOption(_ input: RawSpan, _ value: ByteRange) -> Bool? {
        switch value.count {
        case 5 where input.range(value, equals: "close"): false
        case 10 where input.isKeepAlive(value): true
        default: nil
        }
    }

    /// RFC 9110 §10.1.1. A 100 is for 1.1 alone, and for requests with content.
    private func judgeExpectation(
        _ input: RawSpan, _ head: RequestHead, _ fieldCount: Int, into facts: inout HeadFacts
    ) {
        guard has(.expect) else { return }
        var expectsOther = false
        for index in 0..<fieldCount where head.storedField(index).known == .expect {
            var elements = ListElements(head.storedField(index).value)
            while let expectation = elements.next(in: input) {
                if input.range(expectation, equals: "100-continue") {
                    let hasContent = facts.framing != .none && facts.framing != .length(0)
                    facts.expectContinue = facts.minorVersion == 1 && hasContent
                } else {
                    expectsOther = true
                }
            }
        }
        facts.hasUnmetExpectation = expectsOther
    }
}
