// The coding of one streamed response: the client can decode each piece at once.
//
// Made in the workers when the response begins, used on its loop's thread, gone when the response is done.

internal import EverycoreHTTP

final class StreamCoding {
    private let encoder: any ContentEncoder
    /// Of the length that was announced before coding, where one was.
    private var remaining: UInt64?
    private var output: [UInt8] = []
    private var hasFailed = false

    init(_ encoder: any ContentEncoder, length: UInt64?) {
        self.encoder = encoder
        remaining = length
    }

    /// At most so many bytes are coded before they are handed on: what one write costs in memory is this and a little more.
    private static let portion = 262_144

    /// Codes a piece and writes it. Bytes beyond the announced length are dropped, as they are without a coding.
    func write(_ bytes: RawSpan, to exchange: some RequestExchange) {
        let count = remaining.map { Int(clamping: min($0, UInt64(bytes.byteCount))) } ?? bytes.byteCount
        if let remaining { self.remaining = remaining - UInt64(count) }
        var start = 0
        while start < count, !hasFailed {
            let end = min(start + Self.portion, count)
            send(bytes.extracting(start..<end), isLast: false, to: exchange)
            start = end
        }
    }

    /// Completes the content. False if less was written than announced: then the response has to look incomplete.
    func finish(to exchange: some RequestExchange) -> Bool {
        if let remaining, remaining > 0 { return false }
        if !hasFailed { send(RawSpan(), isLast: true, to: exchange) }
        return !hasFailed
    }

    private func send(_ bytes: RawSpan, isLast: Bool, to exchange: some RequestExchange) {
        var coded: [UInt8] = []
        swap(&coded, &output)
        hasFailed = !encoder.encode(bytes, isLast: isLast, into: &coded)
        if hasFailed { return }
        unsafe exchange.write(coded.span.bytes)
        // A small buffer is kept, a large one is freed.
        guard coded.capacity <= 16384 else { return }
        coded.removeAll(keepingCapacity: true)
        output = coded
    }
}
