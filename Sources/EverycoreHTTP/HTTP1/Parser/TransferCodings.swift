// Transfer-Encoding: a list of codings with parameters, maybe over several field lines
// (RFC 9112 §6.1, §7). This server decodes `chunked` alone. Runs in workers.

struct TransferCodings {
    private var chunkedCount = 0
    private var isChunkedLast = false
    private var hasUnknown = false

    /// Reads one field's value.
    mutating func read(_ input: RawSpan, _ range: ByteRange) throws(Refusal) {
        let end = Int(range.end)
        var index = Int(range.start)
        while true {
            while index < end, input.byte(index) == 0x2C || FieldLine.isBlank(input.byte(index)) { index &+= 1 }
            if index >= end { return }
            let nameEnd = input.firstNonToken(from: index, to: end)
            if nameEnd == index { throw Self.malformed }
            let name = ByteRange(index, nameEnd)
            index = nameEnd
            let hasParameters = try skipParameters(input, &index, end)
            isChunkedLast = input.range(name, equals: "chunked")
            if isChunkedLast {
                if hasParameters { throw .badRequest("the chunked coding has no parameters") }
                chunkedCount &+= 1
            } else {
                hasUnknown = true
            }
        }
    }

    /// Judges the whole list.
    func check() throws(Refusal) {
        if !isChunkedLast { throw .badRequest("the last transfer coding of a request must be chunked") }
        if chunkedCount > 1 { throw .badRequest("the chunked coding is applied twice") }
        if hasUnknown { throw Refusal(501, "only the chunked transfer coding is supported") }
    }

    private static var malformed: Refusal { .badRequest("the Transfer-Encoding field is malformed") }

    /// `*( OWS ";" OWS token BWS "=" BWS ( token / quoted-string ) )`, up to a comma or the end.
    private func skipParameters(_ input: RawSpan, _ index: inout Int, _ end: Int) throws(Refusal) -> Bool {
        var found = false
        while true {
            skipBlanks(input, &index, end)
            if index >= end || input.byte(index) == 0x2C { return found }
            if input.byte(index) != 0x3B { throw Self.malformed }
            found = true
            index &+= 1
            skipBlanks(input, &index, end)
            try skipToken(input, &index, end)
            skipBlanks(input, &index, end)
            if index >= end || input.byte(index) != 0x3D { throw Self.malformed }
            index &+= 1
            skipBlanks(input, &index, end)
            if index < end, input.byte(index) == 0x22 {
                try skipQuoted(input, &index, end)
            } else {
                try skipToken(input, &index, end)
            }
        }
    }

    private func skipBlanks(_ input: RawSpan, _ index: inout Int, _ end: Int) {
        while index < end, FieldLine.isBlank(input.byte(index)) { index &+= 1 }
    }

    private func skipToken(_ input: RawSpan, _ index: inout Int, _ end: Int) throws(Refusal) {
        var last = index
        while last < end, ByteClass.token.contains(input.byte(last)) { last &+= 1 }
        if last == index { throw Self.malformed }
        index = last
    }

    private func skipQuoted(_ input: RawSpan, _ index: inout Int, _ end: Int) throws(Refusal) {
        index &+= 1
        while index < end {
            let byte = input.byte(index)
            index &+= byte == 0x5C ? 2 : 1
            if byte == 0x22 { return }
        }
        throw Self.malformed
    }
}
