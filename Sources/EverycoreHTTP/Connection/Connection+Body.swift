// A request's content: collected, handed over piece by piece, or thrown away. Worker process, on the loop's thread.
// How much of it may come, how fast, and how it ends. The bytes are in the worker's input buffer while this runs.

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    /// Decides what comes after the application was called, or a body has ended.
    func advance() {
        guard phase == .waiting || phase == .body, let exchange = unsafe exchange else { return }
        if content.isOver {
            phase = unsafe exchange.isAnswered ? .answered : .waiting
        } else if unsafe exchange.isAnswered || exchange.collector != nil {
            phase = .body
        } else {
            phase = .waiting
        }
    }

    /// The application asks for the content, inside `receive` or later.
    func bodyIsWanted() {
        guard let exchange = unsafe exchange, case .waiting = phase else { return }
        if case .length(let length) = content.remaining, let limit = unsafe exchange.collector?.limit, content.received == 0,
            length > limit
        {
            return bodyFailed(.tooLarge, .contentTooLarge)
        }
        if content.isPaused { content.resume(at: EventLoop.monotonicNanoseconds()) }
        // Not once the final response has begun: it would be in the middle of that. The client sends without it after a while, or never
        // (RFC 9110 §10.1.1).
        if exchange.head.expectContinue, !content.continueSettled, streaming == nil {
            content.continueSettled = true
            if !hasAllContent { sendContinue() }
        }
        guard phase == .waiting else { return }
        phase = .body
        if !isProcessing { processKept() }
    }

    private func sendContinue() {
        if !isProcessing { service.lendOutput() }
        unsafe service.encoder.appendContinue(to: &service.output)
        service.figures.recordInterimResponse()
        flush()
    }

    /// Whether the client waits for nothing: all of its content has come.
    private var hasAllContent: Bool {
        guard !isProcessing else { return content.isHere }
        let kept = input.kept
        return unsafe completesContent(kept.span.bytes)
    }

    /// Notes whether the content is complete, when its head is.
    func noteContent(_ range: Range<Int>) {
        let bytes = unsafe UnsafeRawBufferPointer(start: service.inputStart + range.lowerBound, count: range.count)
        content.isHere = unsafe completesContent(bytes.bytes)
    }

    /// Whether the content that is still to come ends within these bytes.
    private func completesContent(_ bytes: RawSpan) -> Bool {
        switch content.remaining {
        case .none: return true
        case .length(let length): return UInt64(bytes.byteCount) >= length
        case .chunked(let chunked):
            var (decoder, offset) = (chunked.decoder, 0)
            while true {
                switch decoder.next(bytes.extracting(offset..<bytes.byteCount)) {
                case .needMore: return false
                case .data(let range): offset &+= range.upperBound
                case .end, .refused: return true
                }
            }
        }
    }

    /// Uses bytes of a body. Returns how many; on its end the phase has moved on.
    func readBody(_ range: Range<Int>) -> Int {
        switch content.remaining {
        case .none:
            advance()
            return 0
        case .length(let remaining):
            let count = Int(min(remaining, UInt64(range.count)))
            guard take(range.prefix(count)) else { return count }
            guard UInt64(count) < remaining else {
                bodyDone()
                return count
            }
            content.remaining = .length(remaining - UInt64(count))
            if content.isPaused { phase = .waiting }
            return count
        case .chunked(let chunked):
            return readChunks(range, chunked)
        }
    }

    private func readChunks(_ range: Range<Int>, _ chunked: ContentIntake.ChunkedContent) -> Int {
        var offset = range.lowerBound
        while true {
            let bytes = unsafe UnsafeRawBufferPointer(
                start: service.inputStart + offset, count: range.upperBound &- offset)
            switch unsafe chunked.decoder.next(bytes.bytes) {
            case .needMore:
                return range.count
            case .data(let data):
                guard take(offset &+ data.lowerBound..<offset &+ data.upperBound) else { return range.count }
                offset &+= data.upperBound
                if content.isPaused {
                    phase = .waiting
                    return offset &- range.lowerBound
                }
            case .end(let consumed):
                bodyDone(chunked.decoder.trailers)
                return offset &+ consumed &- range.lowerBound
            case .refused(let refusal):
                service.figures.add(.parseFailures, 1)
                bodyFailed(.malformed, refusal)
                return range.count
            }
        }
    }

    /// Adds to what is collected, or counts what is thrown away. Returns false when the body went over its limit.
    private func take(_ range: Range<Int>) -> Bool {
        guard let exchange = unsafe exchange else { return false }
        content.received &+= UInt64(range.count)
        if let limit = unsafe exchange.collector?.limit {
            guard content.received <= limit else {
                bodyFailed(.tooLarge, .contentTooLarge)
                return false
            }
            if let piece = unsafe exchange.collector?.piece {
                let bytes = unsafe UnsafeRawBufferPointer(start: service.inputStart + range.lowerBound, count: range.count)
                // Whoever has answered meanwhile won't ask for more: the rest is thrown away.
                let wantsMore = unsafe piece(bytes.bytes)
                if unsafe !wantsMore && !exchange.isAnswered { content.pause(at: EventLoop.monotonicNanoseconds()) }
                return true
            }
            unsafe exchange.collector?.bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: service.input[range]))
            return true
        }
        content.discarded &+= range.count
        guard content.discarded <= service.limits.body else {
            bodyFailed(.tooLarge, .contentTooLarge)
            return false
        }
        return true
    }

    private func bodyDone(_ trailers: Trailers = Trailers()) {
        content.end()
        if let exchange = unsafe exchange, let collector = exchange.takeCollector() {
            unsafe exchange.trailers = trailers
            collector.succeed()
            unsafe exchange.trailers = Trailers()
        }
        advance()
    }

    // MARK: Time

    /// The next piece of content is due within the body's time, and before the average falls below the minimum rate.
    func setBodyDeadline() {
        setDeadline(service.timeouts.body, from: life.readAt)
        guard let due = content.due(rate: service.connectionLimits.bodyMinimumRate) else { return }
        unsafe service.deadlines[slot] = min(service.deadlines[slot], due)
    }

    /// Whether it was the average that ran out, and not the time between two pieces.
    func bodyIsTooSlow(_ now: UInt64) -> Bool {
        service.timeouts.body == 0 || now &- min(life.readAt, now) < service.timeouts.body
    }
}
