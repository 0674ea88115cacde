// A connection's answers: encoded into the worker's output buffer, written at once; only what the socket doesn't take waits for it.
// Worker process, on the loop's thread.

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    func respond(
        to exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)],
        prepared: PreparedFields? = nil, body: RawSpan
    ) throws(ResponseEncoder.Failure) {
        let outcome = try encodeHead(
            of: exchange, status: status, contentType: contentType, fields: fields, prepared: prepared,
            content: body.isEmpty ? .none : .length(UInt64(body.byteCount)))
        if outcome.body != .omitted { unsafe service.output.append(body) }
        answered(exchange, status: status, closes: outcome.closes)
    }

    /// Answers with constants of the program. True where nothing of the request is left: the next one may be read.
    @inline(__always)
    func respondInFull(to exchange: Exchange, with text: StaticString, _ type: StaticString) -> Bool {
        let facts = exchange.head.facts
        guard content.isOver, facts.keepAlive, facts.minorVersion == 1, unsafe !exchange.isAnswered, !service.isDraining,
            !isLastRequest, unsafe service.encoder.appendConstant(type, text, isHead: facts.method == .head, to: &service.output)
        else {
            respond(to: exchange, with: text, type)
            return false
        }
        unsafe exchange.isAnswered = true
        book(exchange, status: 200)
        phase = .answered
        return true
    }

    @inline(never)
    private func respond(to exchange: Exchange, with text: StaticString, _ type: StaticString) {
        guard unsafe !exchange.isAnswered else { return }
        // The status and the type are the program's: this can't fail.
        text.withUTF8Buffer { bytes in
            unsafe try? respond(to: exchange, status: 200, contentType: type, fields: [], body: UnsafeRawBufferPointer(bytes).bytes)
        }
    }

    @inline(__always)
    func encodeHead(
        of exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)],
        prepared: PreparedFields? = nil, content length: ResponseEncoder.Content
    ) throws(ResponseEncoder.Failure) -> ResponseEncoder.Outcome {
        if !isProcessing { beginAlone() }
        let head = exchange.head
        let keeps = head.keepAlive && !service.isDraining && !isLastRequest && canSkipContent(of: head)
        return try unsafe service.encoder.appendHead(
            status: status, contentType: contentType, fields: fields, prepared: prepared, content: length,
            for: ResponseEncoder.Request(minorVersion: head.minorVersion, isHead: head.method == .head, keepsConnection: keeps),
            to: &service.output)
    }

    /// Whether the next request can be found behind content that the application left unread.
    @inline(__always)
    func canSkipContent(of head: RequestHead) -> Bool {
        switch content.remaining {
        case .none: true
        // A client that was never told to send its content may or may not send it (RFC 9110 §10.1.1); much of it isn't worth reading.
        case .length(let length): (!head.expectContinue || content.continueSettled) && length <= UInt64(service.limits.body)
        case .chunked: !head.expectContinue || content.continueSettled
        }
    }

    var isLastRequest: Bool {
        let bound = service.connectionLimits.requestsPerConnection
        return bound > 0 && life.served &+ 1 >= bound
    }

    /// Books an answer that is in the output buffer.
    func answered(_ exchange: Exchange, status: Int, closes: Bool) {
        unsafe exchange.isAnswered = true
        unsafe exchange.onCancel = nil
        unsafe exchange.connection = nil
        book(exchange, status: status)
        // What is left of the request's content is thrown away at the client's pace.
        content.stopPausing()
        if closes {
            ending.closes = true
            ending.isUnasked = exchange.head.keepAlive
            ending.mayHaveInput = ending.isUnasked || exchange.head.hasBody
            if ending.isUnasked, !service.isDraining, isLastRequest { service.figures.add(.limitRequestsPerConnection, 1) }
            if !content.isOver { ending.lingers = true }
        }
        if unsafe exchange.collector != nil, let collector = exchange.takeCollector() { collector.fail(.incomplete) }
        guard !isProcessing else { return }
        // The answer came on its own: send it, and go on with what the client sent meanwhile.
        advance()
        if unsafe service.busy != nil { writeOutput() }
        processKept()
    }

    /// Counts an answer, and has its latency recorded with those of its batch.
    @inline(__always)
    private func book(_ exchange: Exchange, status: Int) {
        service.figures.recordResponse(status: status)
        let start = unsafe exchange.start
        if !latencies.takes(start) { recordLatency() }
        latencies.add(start)
    }

    /// Before the output buffer is used for an answer that comes on its own, not while the connection's input is processed.
    func beginAlone() {
        service.updateDate()
        service.lendOutput()
    }

    private func recordLatency() {
        guard latencies.count > 0 else { return }
        let now = EventLoop.monotonicNanoseconds()
        service.figures.recordLatency(nanoseconds: now &- min(latencies.start, now), count: latencies.count)
        latencies.end()
    }

    /// Writes what the output buffer holds. What the socket doesn't take is kept, and nothing more is read until it is gone.
    ///
    /// - Parameter moreFollows: keeps the kernel from sending a short last segment before the next bytes come (MSG_MORE, send(2)).
    func flush(moreFollows: Bool = false) {
        writeOutput(moreFollows: moreFollows)
        guard phase != .closed, !queue.isBlocked else { return }
        recordLatency()
        if ending.closes { finishClosing() }
    }

    /// As `flush`, and the connection goes on whatever it has answered.
    @inline(__always)
    func writeOutput(moreFollows: Bool = false) {
        guard unsafe !service.output.isEmpty else { return }
        if queue.isBlocked { return unsafe queue.keep(&service.output) }
        unsafe write(&service.output, moreFollows: moreFollows)
        guard phase != .closed else { return unsafe service.output.removeAll() }
        guard unsafe service.output.isEmpty else {
            unsafe queue.keep(&service.output)
            queue.isBlocked = true
            return waitForRoom()
        }
    }

    /// One attempt to send; consumes what went. A failed connection is closed.
    @discardableResult
    private func write(_ buffer: inout OutputBuffer, moreFollows: Bool = false) -> Int {
        switch unsafe buffer.withUnsafeBytes({ unsafe transport.send($0, moreFollows: moreFollows) }) {
        case .bytes(let count):
            service.figures.add(.bytesOut, UInt64(count))
            buffer.consume(count)
            return count
        case .notNow: return 0
        case .ended, .refused, .failed:
            closeNow(.incomplete)
            return 0
        }
    }

    func waitForRoom() {
        // The time of a client that takes its answer portion by portion runs on.
        guard watches.write == nil else { return }
        beginWriteTime(EventLoop.monotonicNanoseconds())
        do {
            watches.write = try service.loop.watch(unsafe transport.descriptor, for: .write) { [unowned self] _ in writable() }
        } catch {
            closeNow(.incomplete)
        }
    }

    private func beginWriteTime(_ now: UInt64) {
        setDeadline(service.timeouts.write, from: now)
        queue.progress.begin(undelivered: unsafe transport.unacknowledgedBytes)
    }

    /// The time for some progress is over.
    func writeTimePassed(_ now: UInt64) {
        let taken = queue.progress.taken(undelivered: unsafe transport.unacknowledgedBytes)
        let (wanted, overflow) = service.connectionLimits.bodyMinimumRate.multipliedReportingOverflow(by: service.timeouts.write)
        if !overflow, taken > 0, taken >= wanted / 1_000_000_000 {
            if queue.pace.hasBecomeSlow(taken: taken, in: service.timeouts.write) { setFast(false) }
            return beginWriteTime(now)
        }
        service.figures.add(.timeoutsWrite, 1)
        // A proper end would wait behind the bytes that the client doesn't take, in the kernel's memory.
        unsafe transport.resetOnClose()
        closeNow(.incomplete)
    }

    // MARK: Pace

    /// Bytes that the kernel takes beyond what it has sent have a bound. It costs a client that reads fast: there is room again each
    /// few ten KB, and a large response is sent in as many steps. So it holds until the client has shown to be fast, and again when
    /// it no longer is. So many connections of a worker are without it at a time: what all of them can make the kernel hold has one.
    private static var fastConnections: Int { 128 }

    /// There is room again. As long as the bound holds, that means that the client's side took half of it.
    private func measurePace() {
        guard !queue.isFast else { return }
        if queue.pace.hasRoom(at: EventLoop.monotonicNanoseconds()) { setFast(true) }
    }

    func setFast(_ isFast: Bool) {
        guard !isFast || service.fastConnections < Self.fastConnections else { return }
        queue.pace.isFast = isFast
        service.fastConnections &+= isFast ? 1 : -1
        unsafe transport.boundUnsent(isFast ? 0 : Pace.unsentBound)
    }

    private func writable() {
        guard phase != .closed else { return }
        if queue.unsentCount > 0 || streaming != nil { measurePace() }
        if var buffer = queue.takeUnsent() {
            queue.sent(write(&buffer, moreFollows: streaming?.file != nil))
            guard phase != .closed else { return }
            guard buffer.isEmpty else {
                return queue.putBack(buffer)
            }
        }
        queue.isBlocked = false
        if streaming?.file != nil {
            sendFile()
            guard phase != .closed, !queue.isBlocked else { return }
        }
        watches.write?.cancel()
        watches.write = nil
        recordLatency()
        if ending.closes { return finishClosing() }
        resumeReading()
        if let streaming {
            stopTime()
            streaming.wakeWaiters()
            guard phase != .closed, !queue.isBlocked else { return }
        }
        processKept()
    }
}
