// A request's content: collected, handed over piece by piece, or thrown away. How much of it may come, how fast, and how it ends.
// The bytes are in the worker's input buffer while this runs.
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    /// The application asks for the content after it has returned.
    func contentIsWanted() {
        guard phase == .waiting else { return }
        service.updateDate(at: EventLoop.monotonicNanoseconds())
        var output = service.takeLateOutput()
        wantContent(&output)
        guard phase != .closed else { return }
        flush(&output)
        service.putBack(output)
        goOn()
    }

    func wantContent(_ output: inout OutputBuffer) {
        guard phase == .waiting, let exchange = unsafe exchange, unsafe !http1.contentIsOver else { return }
        if case .length(let length) = unsafe http1.remaining, let limit = unsafe exchange.collector?.limit, content.received == 0,
            length > limit
        {
            return contentFailed(.tooLarge, .contentTooLarge, &output)
        }
        if content.isPaused { content.resume(at: EventLoop.monotonicNanoseconds()) }
        // Not once the final response has begun: it would be in the middle of that. The client sends without it after a while, or never
        // (RFC 9110 §10.1.1).
        if exchange.head.expectContinue, !content.continueSettled, streaming == nil {
            content.continueSettled = true
            if !hasAllContent {
                unsafe service.encoder.appendContinue(to: &output)
                service.figures.recordInterimResponse()
            }
        }
        phase = .body
    }

    /// Whether the client waits for nothing: all of its content has come.
    private var hasAllContent: Bool {
        if content.isHere { return true }
        let kept = input.kept
        return unsafe http1.contentEnds(within: kept.span.bytes)
    }

    /// Notes whether the content is complete, when its head is.
    func noteContent(_ range: Range<Int>) {
        let bytes = unsafe UnsafeRawBufferPointer(start: service.inputStart + range.lowerBound, count: range.count)
        content.isHere = unsafe http1.contentEnds(within: bytes.bytes)
    }

    // MARK: Content that is in hand

    /// Uses bytes of the content. Returns how many; at its end, or where no more is wanted for now, the phase is another.
    func readContent(_ range: Range<Int>) -> Int {
        guard unsafe !http1.contentIsOver else {
            phase = unsafe exchange == nil ? .head : .waiting
            return 0
        }
        var offset = range.lowerBound
        while true {
            let bytes = unsafe UnsafeRawBufferPointer(start: service.inputStart + offset, count: range.upperBound &- offset)
            switch unsafe http1.nextContent(bytes.bytes) {
            case .content(let data):
                guard take(offset &+ data.lowerBound..<offset &+ data.upperBound) else { return range.count }
                offset &+= data.upperBound
                // The end of content of a known length has come with its last byte.
                if content.isPaused, unsafe http1.remaining != .length(0) {
                    phase = .waiting
                    return offset &- range.lowerBound
                }
            case .end(let consumed):
                contentIsOver(unsafe http1.takeTrailers())
                return offset &+ consumed &- range.lowerBound
            case .refused(let refusal):
                service.figures.add(.parseFailures, 1)
                unsafe contentFailed(.malformed, refusal, &service.output)
                return range.count
            case .needMore, .head, .skipped: return range.count
            }
        }
    }

    /// Adds to what is collected, or counts what is thrown away. Returns false where nothing more is to be read.
    private func take(_ range: Range<Int>) -> Bool {
        content.received &+= UInt64(range.count)
        guard let exchange = unsafe exchange, let collector = unsafe exchange.collector else { return discard(range.count) }
        guard content.received <= collector.limit else {
            unsafe contentFailed(.tooLarge, .contentTooLarge, &service.output)
            return false
        }
        let bytes = unsafe UnsafeRawBufferPointer(rebasing: service.input[range])
        guard let piece = collector.piece else {
            unsafe collector.bytes.append(contentsOf: bytes)
            return true
        }
        var wantsMore = true
        tell(exchange) { wantsMore = unsafe piece(bytes.bytes) }
        // One that has answered meanwhile won't ask for more: the rest is thrown away.
        if !wantsMore, unsafe self.exchange === exchange { content.pause(at: EventLoop.monotonicNanoseconds()) }
        return phase != .closed
    }

    private func discard(_ count: Int) -> Bool {
        content.discarded &+= count
        guard content.discarded <= service.limits.body else {
            unsafe contentFailed(.tooLarge, .contentTooLarge, &service.output)
            return false
        }
        return true
    }

    private func contentIsOver(_ trailers: Trailers) {
        content.end()
        phase = unsafe exchange == nil ? .head : .waiting
        guard let exchange = unsafe exchange, let collector = exchange.takeCollector() else { return }
        unsafe exchange.trailers = trailers
        tell(exchange) { collector.succeed() }
        unsafe exchange.trailers = Trailers()
    }

    /// Calls the application while this connection is at work: what it says is noted, and seen to afterwards.
    private func tell(_ exchange: Exchange, _ call: () -> Void) {
        let phase = phase
        unsafe exchange.connection = nil
        if let streaming {
            let sendsContent = if case .omitted = streaming.framing { false } else { true }
            unsafe exchange.note = .more(EarlyContent(), sendsContent: sendsContent)
        }
        call()
        guard unsafe self.exchange === exchange else { return }
        _ = takeNote(of: exchange)
        // Nothing was said, or a response has begun.
        if unsafe self.exchange === exchange, self.phase == .waiting, unsafe !http1.contentIsOver { self.phase = phase }
    }

    /// Content that can't be read to its end.
    func contentFailed(_ failure: BodyFailure, _ refusal: Refusal, _ output: inout OutputBuffer) {
        content.end()
        unsafe http1.reset()
        ending.lingers = true
        ending.closes = true
        guard let exchange = unsafe exchange else { return }
        // The collector learns of it after the client was answered, so that nothing it does can come first.
        let collector = exchange.takeCollector()
        refuse(refusal, exchange.head.facts, since: exchange.start, LogEntry(head: exchange.head, start: exchange.start), to: &output)
        collector?.fail(failure)
    }

    // MARK: Time

    /// The next piece of content is due within the time for content, and before the average falls below the minimum rate.
    func setBodyDeadline() {
        if let collected = unsafe exchange?.collector?.bytes.capacity, collected > 0 { content.hold(collected, of: service.held) }
        setDeadline(service.timeouts.body, from: life.readAt)
        guard let due = content.due(rate: service.connectionLimits.bodyMinimumRate) else { return }
        service.deadlines[slot] = min(service.deadlines[slot], due)
    }

    /// Whether it was the average that ran out, and not the time between two pieces.
    func bodyIsTooSlow(_ now: UInt64) -> Bool {
        service.timeouts.body == 0 || now &- min(life.readAt, now) < service.timeouts.body
    }
}
