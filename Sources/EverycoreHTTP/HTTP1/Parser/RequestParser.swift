// Bytes in, request heads out. Lines are taken one by one as their CRLF arrives; what spans
// several lines is judged at the blank line. A head that comes in one piece is read once; one
// that came in pieces is read once more when it is whole, since the RequestHead belongs to the
// worker and other connections use it meanwhile. One per connection, in workers.

import EverycoreStatistics

package struct RequestParser: Sendable {
    package enum Progress: Sendable, Equatable {
        /// The head isn't whole; come back with the same bytes and more.
        case needMore
        /// An empty line before the request line, of so many bytes. It belongs to no request: drop it and go on behind it
        /// (RFC 9112 §2.2).
        case emptyLine(Int)
        /// The head is whole, sound, and in the `RequestHead`; the body begins at `headLength`.
        case complete(headLength: Int)
        /// Answer and close. The `RequestHead` says no more than whether the method was HEAD, to which no content is sent.
        case refused(Refusal)
    }

    enum Section: UInt8 { case requestLine, fields }

    package let limits: HTTPLimits
    private(set) var section = Section.requestLine
    /// The first byte of the line that isn't whole yet.
    private(set) var lineStart = 0
    /// Up to here that line has no control byte.
    private var scanned = 0
    private(set) var sectionStart = 0
    package private(set) var fieldCount = 0

    package init(limits: HTTPLimits) { self.limits = limits }

    /// Whether bytes of an unfinished head have been seen.
    package var isInHead: Bool { scanned > 0 }

    /// As the other, faster: a plain head is read in one pass over its bytes (PlainHead).
    package mutating func parse(_ input: PaddedBytes, into head: RequestHead) -> Progress {
        if !isInHead, let plain = readPlain(input, into: head) { return plain }
        return unsafe parse(input.buffer.bytes, padded: input, into: head)
    }

    private func readPlain(_ input: PaddedBytes, into head: RequestHead) -> Progress? {
        let length = PlainHead.read(input, PlainHead.Bounds(limits), into: head)
        return length > 0 ? .complete(headLength: length) : nil
    }

    /// Reads a head. `input` holds all bytes kept of it, its first byte first, and whatever came
    /// after; call again with the same bytes and more after `.needMore`. Work over all calls is
    /// linear in the head's length, and the answer is the same however the bytes are split.
    /// After `.complete` the parser is ready for the next head; after `.refused` the head is
    /// empty, and the parser is of no use before a `reset`.
    package mutating func parse(_ input: RawSpan, into head: RequestHead) -> Progress {
        parse(input, padded: nil, into: head)
    }

    private mutating func parse(_ input: RawSpan, padded: PaddedBytes?, into head: RequestHead) -> Progress {
        if isEmptyLine(input) { return .emptyLine(2) }
        do throws(Refusal) {
            var facts = HeadFacts()
            var framing = FramingFields()
            if isInHead {
                guard try readLines(input, into: head, &facts, &framing) != nil else { return .needMore }
                reset()
                if let padded, let plain = readPlain(padded, into: head) { return plain }
                facts = HeadFacts()
                framing = FramingFields()
            }
            guard let end = try readLines(input, into: head, &facts, &framing) else { return .needMore }
            try framing.judge(input, head, fieldCount: fieldCount, limits: limits, into: &facts)
            facts.headLength = end
            head.fill(facts, fieldCount: fieldCount)
            reset()
            return .complete(headLength: end)
        } catch {
            head.reset()
            if Self.isHead(input) { head.facts.method = .head }
            return .refused(error)
        }
    }

    @inline(__always)
    private func isEmptyLine(_ input: RawSpan) -> Bool {
        !isInHead && input.byteCount > 1 && input.byte(0) == 0x0D && input.byte(1) == 0x0A
    }

    /// Whether a head that isn't sound, or isn't whole, has HEAD for its method.
    package static func isHead(_ input: RawSpan) -> Bool {
        input.byteCount > 4 && input.partialWord(0, end: 5) == Bytewise.word("HEAD ")
    }

    /// Forgets a head that was read in part.
    package mutating func reset() {
        section = .requestLine
        lineStart = 0
        scanned = 0
        sectionStart = 0
        fieldCount = 0
    }

    /// Takes lines until the head's end, which it returns, or until no whole line is left.
    private mutating func readLines(
        _ input: RawSpan, into head: RequestHead, _ facts: inout HeadFacts, _ framing: inout FramingFields
    ) throws(Refusal) -> Int? {
        while true {
            guard let lineEnd = try nextLine(input) else { return nil }
            let start = lineStart
            lineStart = lineEnd &+ 2
            scanned = lineStart
            switch section {
            case .fields:
                if lineEnd == start { return lineStart }
                if fieldCount >= limits.fieldCount { throw Refusal(431, "the request has too many header fields", limit: .limitFieldCount) }
                let field = try FieldLine.parse(input, from: start, to: lineEnd)
                head.store(field, at: fieldCount)
                if field.known != .none { framing.note(field.known, at: fieldCount) }
                fieldCount &+= 1
            case .requestLine:
                try RequestLine.parse(input, from: start, to: lineEnd, limits: limits, into: &facts)
                section = .fields
                sectionStart = lineStart
            }
        }
    }

    /// The offset of the CR that ends the current line, or nil while it isn't in. A line longer
    /// than its limit is refused before anything else is said about it.
    @inline(__always)
    private mutating func nextLine(_ input: RawSpan) throws(Refusal) -> Int? {
        let bound =
            section == .fields
            ? min(lineStart &+ limits.fieldLine &+ 2, sectionStart &+ limits.headerSection)
            : lineStart &+ limits.requestLine &+ 2
        let visible = min(input.byteCount, bound)
        let stop = input.firstControl(from: scanned, to: visible)
        if stop &+ 1 < visible, input.byte(stop) == 0x0D, input.byte(stop &+ 1) == 0x0A { return stop }
        scanned = stop
        let isUndecided = stop == visible || (stop &+ 1 == visible && input.byte(stop) == 0x0D)
        if !isUndecided { throw badLineEnd(input, at: stop) }
        if visible < bound { return nil }
        throw tooLong(input, bound)
    }

    @inline(never)
    private func badLineEnd(_ input: RawSpan, at offset: Int) -> Refusal {
        switch input.byte(offset) {
        case 0x0A: .badRequest("a line ends in LF without CR")
        case 0x0D: .badRequest("a CR is not followed by LF")
        default: .badRequest("the request head has a control byte")
        }
    }

    @inline(never)
    private func tooLong(_ input: RawSpan, _ bound: Int) -> Refusal {
        if section == .requestLine { return RequestLine.tooLong(input, to: bound) }
        return bound == sectionStart &+ limits.headerSection
            ? Refusal(431, "the header section is too long", limit: .limitHeaderSection)
            : Refusal(431, "a header field line is too long", limit: .limitFieldLine)
    }
}
