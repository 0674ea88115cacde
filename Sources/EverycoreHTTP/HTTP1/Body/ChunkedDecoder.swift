// Chunked content (RFC 9112 §7.1): a byte automaton that consumes everything it is given, so a
// connection keeps nothing back between reads. Data is passed on as ranges of the input, not
// copied. One per connection while such a body comes in. Runs in workers.

package struct ChunkedDecoder: Sendable {
    package enum Event: Sendable, Equatable {
        /// All of the input is consumed; nothing of it needs to be kept.
        case needMore
        /// Content, at these offsets of the input. Consumed up to the range's upper bound.
        case data(Range<Int>)
        /// The body with its trailer section has ended; what follows `consumed` is the next request's.
        case end(consumed: Int)
        /// Answer and close.
        case refused(Refusal)
    }

    private enum State {
        case size, sizeLF
        case chunkExtension(ChunkExtension)
        case data, dataCR, dataLF
        case trailer, ended
        case failed(Refusal)
    }

    private var state = State.size
    /// Of the current chunk, bytes still to come.
    private var remaining: UInt64 = 0
    private var sizeDigits = 0
    private var extensionBytes = 0
    private let extensionLimit: Int
    private var trailerSection: TrailerSection

    /// The trailer fields, complete at `.end`; those that frame or route a message are dropped.
    package var trailers: Trailers { trailerSection.trailers }

    package init(limits: HTTPLimits) {
        extensionLimit = limits.chunkExtensions
        trailerSection = TrailerSection(limits: limits)
    }

    /// Decodes from the input's first byte, which is the first one not consumed before.
    package mutating func next(_ input: RawSpan) -> Event {
        var index = 0
        while index < input.byteCount {
            switch state {
            case .data:
                let available = UInt64(input.byteCount &- index)
                let count = min(remaining, available)
                remaining &-= count
                if remaining == 0 { state = .dataCR }
                return .data(index..<(index &+ Int(count)))
            case .ended: return .end(consumed: index)
            case .failed(let refusal): return .refused(refusal)
            default:
                do throws(Refusal) {
                    try take(input.byte(index))
                } catch {
                    state = .failed(error)
                    return .refused(error)
                }
                index &+= 1
            }
        }
        if case .ended = state { return .end(consumed: index) }
        return .needMore
    }

    private mutating func take(_ byte: UInt8) throws(Refusal) {
        switch state {
        case .size: try takeSize(byte)
        case .chunkExtension(var syntax):
            if byte == 0x0D, syntax.mayEnd { return state = .sizeLF }
            extensionBytes &+= 1
            if extensionBytes > extensionLimit { throw .extensionsTooLong }
            if !syntax.take(byte) { throw .badRequest("a chunk extension is malformed") }
            state = .chunkExtension(syntax)
        case .sizeLF:
            if byte != 0x0A { throw .badRequest("a chunk size is not followed by CR LF") }
            sizeDigits = 0
            state = remaining == 0 ? .trailer : .data
        case .dataCR:
            if byte != 0x0D { throw .badRequest("a chunk's data is not followed by CR LF") }
            state = .dataLF
        case .dataLF:
            if byte != 0x0A { throw .badRequest("a chunk's data is not followed by CR LF") }
            state = .size
        case .trailer:
            if try trailerSection.take(byte) { state = .ended }
        case .data, .ended, .failed: break
        }
    }

    /// `1*HEXDIG`, at most 16 of them, below 2⁶³; whitespace after it where an extension follows.
    private mutating func takeSize(_ byte: UInt8) throws(Refusal) {
        if let digit = Self.hexadecimalValue(byte) {
            sizeDigits &+= 1
            if sizeDigits > 16 { throw .badRequest("a chunk size has more than 16 digits") }
            remaining = remaining &<< 4 | UInt64(digit)
            return
        }
        guard sizeDigits > 0, byte == 0x0D || byte == 0x3B || FieldLine.isBlank(byte) else {
            throw .badRequest("a chunk size is not a hexadecimal number")
        }
        if remaining > UInt64(Int64.max) { throw .badRequest("a chunk size is not below 2^63") }
        if byte == 0x0D { return state = .sizeLF }
        extensionBytes &+= 1
        if extensionBytes > extensionLimit { throw .extensionsTooLong }
        state = .chunkExtension(byte == 0x3B ? .beforeName : .beforeSemicolon)
    }

    static func hexadecimalValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte &- 0x30
        case 0x41...0x46: byte &- 0x37
        case 0x61...0x66: byte &- 0x57
        default: nil
        }
    }
}
