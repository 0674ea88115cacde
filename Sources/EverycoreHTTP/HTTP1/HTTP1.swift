// HTTP/1.1 on one connection, without I/O: bytes in, events out (HTTP1+Responses: responses in, bytes out). A connection asks it
// with what it has received; tests and the fuzzer ask it with bytes in memory.
//
// Knows where it is between two heads, and nothing of time, limits on content, or what becomes of a request. A value.
// Process: worker · Thread: loop

package struct HTTP1 {
    package enum Event {
        /// All of the input was used, or it is a part of a head: come back with it and more.
        case needMore
        /// So many bytes belong to no message: an empty line before a head (RFC 9112 §2.2).
        case skipped(Int)
        /// A head of so many bytes is whole, and in the `RequestHead`. Its content comes next, if it has any.
        case head(length: Int)
        /// Content, at these offsets of the input. What is behind them comes next.
        case content(Range<Int>)
        /// The content ended after so many bytes, with its trailer section: `takeTrailers` has that.
        case end(consumed: Int)
        /// Answer and close. Of a head, the `RequestHead` says no more than whether its method was HEAD.
        case refused(Refusal)
    }

    /// Content that hasn't come yet.
    package enum Remaining: Equatable {
        case none
        case length(UInt64)
        case chunked
    }

    private enum Reading {
        case head
        /// A part of a head has come. Few connections have one, and only for a moment.
        case partialHead(Box<RequestParser>)
        case length(UInt64)
        case chunked(Box<ChunkedDecoder>)
        /// The same, at its end: the trailers are still there.
        case ended(Box<ChunkedDecoder>)
    }

    private final class Box<Value> {
        var value: Value
        init(_ value: Value) { self.value = value }
    }

    private var reading = Reading.head

    package init() {}

    /// What a service's connections share.
    package struct Rules {
        let limits: HTTPLimits
        let plain: PlainHead.Bounds

        package init(_ limits: HTTPLimits) {
            self.limits = limits
            plain = PlainHead.Bounds(limits)
        }
    }

    // MARK: Bytes in, events out

    /// The next event. The input begins with a head's first byte, or with the first byte of content that wasn't used.
    @inline(__always)
    package mutating func next(_ input: PaddedBytes, _ rules: Rules, into head: RequestHead) -> Event {
        switch reading {
        case .head:
            // A head that is plain and came whole is read in one pass; any other, line by line.
            let length = PlainHead.read(input, rules.plain, into: head)
            guard length > 0 else { return readLines(input, rules.limits, RequestParser(limits: rules.limits), into: head) }
            if head.framing != .none { beginContent(head.framing, rules.limits) }
            return .head(length: length)
        case .ended: return readLines(input, rules.limits, RequestParser(limits: rules.limits), into: head)
        case .partialHead(let parser): return readLines(input, rules.limits, parser.value, into: head)
        case .length, .chunked: return unsafe nextContent(input.buffer.bytes)
        }
    }

    @inline(never)
    private mutating func readLines(_ input: PaddedBytes, _ limits: HTTPLimits, _ state: RequestParser, into head: RequestHead) -> Event {
        var parser = state
        reading = .head
        switch parser.parse(input, into: head) {
        case .needMore:
            if parser.isInHead { reading = .partialHead(Box(parser)) }
            return .needMore
        case .emptyLine(let bytes): return .skipped(bytes)
        case .refused(let refusal): return .refused(refusal)
        case .complete(let length):
            beginContent(head.framing, limits)
            return .head(length: length)
        }
    }

    @inline(never)
    private mutating func beginContent(_ framing: MessageFraming, _ limits: HTTPLimits) {
        switch framing {
        case .none: reading = .head
        case .length(let length): reading = length > 0 ? .length(length) : .head
        case .chunked: reading = .chunked(Box(ChunkedDecoder(limits: limits)))
        }
    }

    /// The next event where content is to come. Uses all of the input that it doesn't return as offsets.
    package mutating func nextContent(_ input: RawSpan) -> Event {
        switch reading {
        case .head, .partialHead, .ended: return .end(consumed: 0)
        case .length(let left):
            if left == 0 {
                reading = .head
                return .end(consumed: 0)
            }
            let count = Int(min(left, UInt64(input.byteCount)))
            guard count > 0 else { return .needMore }
            reading = .length(left &- UInt64(count))
            return .content(0..<count)
        case .chunked(let decoder):
            switch decoder.value.next(input) {
            case .needMore: return .needMore
            case .data(let range): return .content(range)
            case .end(let consumed):
                reading = .ended(decoder)
                return .end(consumed: consumed)
            case .refused(let refusal): return .refused(refusal)
            }
        }
    }

    /// What came behind chunked content, once, before the next head is asked for.
    package mutating func takeTrailers() -> Trailers {
        guard case .ended(let decoder) = reading else { return Trailers() }
        reading = .head
        return decoder.value.trailers
    }

    // MARK: Where it is

    /// A part of a head has been read.
    package var isInHead: Bool { if case .partialHead = reading { true } else { false } }

    package var remaining: Remaining {
        switch reading {
        case .head, .partialHead, .ended: .none
        case .length(let left): .length(left)
        case .chunked: .chunked
        }
    }

    /// No more content is to come.
    package var contentIsOver: Bool {
        @inline(__always) get {
            switch reading {
            case .head, .partialHead, .ended: true
            case .length, .chunked: false
            }
        }
    }

    /// Whether the content that is to come ends within these bytes.
    package func contentEnds(within bytes: RawSpan) -> Bool {
        var rest = self
        // The decoder is shared between copies of this value.
        if case .chunked(let decoder) = reading { rest.reading = .chunked(Box(decoder.value)) }
        var offset = 0
        while true {
            switch rest.nextContent(bytes.extracting(offset..<bytes.byteCount)) {
            case .content(let range): offset &+= range.upperBound
            case .end, .refused: return true
            case .needMore, .head, .skipped: return false
            }
        }
    }

    /// Forgets what was begun: the message isn't read to its end here.
    package mutating func reset() { reading = .head }
}
