// From a response to bytes in an output buffer, and what is left of its request then.
//
// Responses that the application returns are gathered in the worker's `output`, and leave together when all requests in hand are
// answered. One that comes later is written to another buffer and leaves at once: it meets no other.
//
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    /// Answers a request that is in hand.
    func answer(_ exchange: Exchange, _ response: CheckedResponse) { unsafe _ = encode(response, for: exchange, to: &service.output) }

    /// The response comes later.
    func respond(to exchange: Exchange, _ response: CheckedResponse) {
        guard unsafe self.exchange === exchange, streaming == nil else { return }
        service.updateDate(at: EventLoop.monotonicNanoseconds())
        var output = service.takeLateOutput()
        let isOver = encode(response, for: exchange, to: &output)
        flush(&output, moreFollows: streaming?.file != nil)
        service.putBack(output)
        if isOver { return goOn() }
        guard let streaming, phase != .closed else { return }
        // The time of a client that doesn't read earlier answers runs on, and so does that of content which is still to come.
        if !queue.isBlocked, phase != .body { stopTime() }
        if streaming.file != nil, !queue.isBlocked { sendFile() }
    }

    /// Appends a response. False where its content follows: the exchange is held until then.
    private func encode(_ response: CheckedResponse, for exchange: Exchange, to output: inout OutputBuffer) -> Bool {
        let facts = exchange.head.facts
        let outcome = unsafe HTTP1.append(response, to: facts, keeps: keepsConnection(after: facts), with: service.encoder, &output)
        switch response.content {
        case .none, .constant, .text, .bytes: break
        case .file(let file):
            if outcome.body == .omitted || file.remaining <= 0 || append(file, to: &output) { break }
            stream(exchange, response, outcome, .omitted)
            streaming?.file = file
            return false
        case .stream(let length):
            let framing = HTTP1.ContentFraming(outcome.body, length: length)
            if framing == .untilClose { ending.endsContent = true }
            stream(exchange, response, outcome, framing)
            return false
        }
        finish(exchange, status: response.status, closes: outcome.closes, response)
        return true
    }

    private func stream(
        _ exchange: Exchange, _ response: CheckedResponse, _ outcome: ResponseEncoder.Outcome, _ framing: HTTP1.ContentFraming
    ) {
        streaming = StreamingResponse(status: response.status, closes: outcome.closes, framing: framing)
        let isReadingContent = phase == .body
        hold(exchange)
        if isReadingContent { phase = .body }
    }

    /// Appends a small file. False when it isn't small, or couldn't be read whole; nothing was appended then.
    private func append(_ file: FileTransfer, to output: inout OutputBuffer) -> Bool {
        guard file.remaining <= StreamBounds.copiedFileBound else { return false }
        let count = Int(file.remaining)
        return unsafe output.appendInPlace(count) { room in
            let read = unsafe file.read(into: room)
            return read == count ? count : 0
        } == count
    }

    /// Whether the server lets the connection go on after the response to a request.
    private func keepsConnection(after facts: HeadFacts) -> Bool { !service.isDraining && !isLastRequest && canSkipContent(facts) }

    /// Whether the next request can be found behind content that the application left unread.
    private func canSkipContent(_ facts: HeadFacts) -> Bool {
        switch unsafe http1.remaining {
        case .none: true
        // A client that was never told to send its content may or may not send it (RFC 9110 §10.1.1); much of it isn't worth reading.
        case .length(let length): (!facts.expectContinue || content.continueSettled) && length <= UInt64(service.limits.body)
        case .chunked: !facts.expectContinue || content.continueSettled
        }
    }

    var isLastRequest: Bool {
        let bound = service.connectionLimits.requestsPerConnection
        return bound > 0 && life.served &+ 1 >= bound
    }

    /// A request has its response: it is booked, and the exchange is free.
    func finish(
        _ exchange: Exchange, status: Int, closes: Bool, _ response: CheckedResponse? = nil, streaming: StreamingResponse? = nil
    ) {
        exchange.close()
        if let log = service.accessLog {
            count(status, for: exchange, response, streaming, in: log)
        } else {
            service.figures.recordResponse(status: status)
        }
        if unsafe self.exchange === exchange { unsafe self.exchange = nil }
        finish(exchange.head.facts, since: exchange.start, closes: closes)
        if let collector = exchange.takeCollector() { collector.fail(.incomplete) }
    }

    /// What is left of a request's content is thrown away at the client's pace.
    private func finish(_ facts: HeadFacts, since start: UInt64, closes: Bool) {
        if !latencies.takes(start) { recordLatency() }
        latencies.add(start)
        content.stopPausing()
        if closes {
            ending.closes = true
            ending.isUnasked = facts.keepAlive
            ending.mayHaveInput = ending.isUnasked || facts.hasContent
            if ending.isUnasked, !service.isDraining, isLastRequest { service.figures.add(.limitRequestsPerConnection, 1) }
            if unsafe !http1.contentIsOver { ending.lingers = true }
        }
        life.served &+= 1
        phase = unsafe http1.contentIsOver ? .head : .body
    }

    /// Constants that are in the output buffer.
    @inline(__always)
    func book(_ constants: Int) {
        service.figures.recordResponse(status: 200, count: UInt64(truncatingIfNeeded: constants))
        if !latencies.takes(life.readAt) { recordLatency() }
        latencies.add(life.readAt, count: constants)
    }

    func recordLatency() {
        guard latencies.count > 0 else { return }
        let now = HTTPService.now
        service.figures.recordLatency(nanoseconds: now &- min(latencies.start, now), count: UInt64(latencies.count))
        latencies.end()
    }

    /// Answers a request that can't be served with a short text that says what was wrong.
    /// - Parameter entry: what the access log says of the request.
    func refuse(_ refusal: Refusal, _ facts: HeadFacts, since start: UInt64, _ entry: LogEntry, to output: inout OutputBuffer) {
        guard streaming == nil else { return breakOff(flushing: &output) }
        if let limit = refusal.limit { service.figures.add(limit, 1) }
        let text = "\(refusal.status) \(refusal.reason)\n"
        let request = HTTP1.request(facts, keeps: !refusal.closes && keepsConnection(after: facts))
        let body = unsafe text.utf8Span.span.bytes
        // The status and the fields are the program's: this can't fail.
        let outcome = unsafe try? service.encoder.appendHead(
            status: refusal.status, contentType: "text/plain; charset=utf-8", content: .length(UInt64(body.byteCount)),
            for: request, to: &output)
        if outcome?.body == .identity { output.append(body) }
        if !request.keepsConnection { ending.lingers = true }
        if let exchange = unsafe exchange.take() { exchange.close() }
        if let log = service.accessLog {
            var entry = entry
            entry.status = refusal.status
            entry.sent = outcome?.body == .identity ? UInt64(body.byteCount) : 0
            log.count(entry, from: peer)
        } else {
            service.figures.recordResponse(status: refusal.status)
        }
        finish(facts, since: start, closes: !request.keepsConnection)
    }
}
