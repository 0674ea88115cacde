// A connection's answers: encoded into the worker's output buffer, written at once; only what the socket doesn't take waits for it.
// Worker process, on the loop's thread.

import EventLoop
import Glibc
import Statistics

extension Connection {
    func respond(
        to exchange: Exchange, status: Int, contentType: StaticString?, fields: [(name: String, value: String)], body: RawSpan
    ) throws(ResponseEncoder.Failure) {
        let head = exchange.head
        let unreadBody = if case .none = unsafe content { false } else { true }
        // A client that was never told to send its body may or may not send it: only a close is certain (RFC 9110 §10.1.1).
        let keeps =
            head.keepAlive && !service.isDraining && !isLastRequest
            && !(unreadBody && head.expectContinue && !continueSent)
        let outcome = try unsafe service.encoder.appendHead(
            status: status, contentType: contentType, fields: fields,
            content: body.isEmpty ? .none : .length(UInt64(body.byteCount)),
            for: ResponseEncoder.Request(minorVersion: head.minorVersion, isHead: head.method == .head, keepsConnection: keeps),
            to: &service.output)
        if outcome.body != .omitted { unsafe service.output.append(body) }
        answered(exchange, status: status, closes: outcome.closes)
    }

    private var isLastRequest: Bool {
        let bound = service.connectionLimits.requestsPerConnection
        return bound > 0 && requestsServed &+ 1 >= bound
    }

    /// Books an answer that is in the output buffer.
    func answered(_ exchange: Exchange, status: Int, closes: Bool) {
        unsafe exchange.isAnswered = true
        unsafe exchange.onCancel = nil
        unsafe exchange.connection = nil
        service.figures.recordResponse(status: status)
        if closes {
            closesAfterOutput = true
            if case .none = unsafe content {} else { lingers = true }
        }
        if unrecordedAnswers > 0, unsafe unrecordedStart != exchange.start { recordLatency() }
        unrecordedStart = unsafe exchange.start
        unrecordedAnswers &+= 1
        guard !isProcessing else { return }
        // The answer came on its own: send it, and go on with what the client sent meanwhile.
        advance()
        processKept()
    }

    private func recordLatency() {
        guard unrecordedAnswers > 0 else { return }
        let now = EventLoop.monotonicNanoseconds()
        service.figures.recordLatency(nanoseconds: now &- min(unrecordedStart, now), count: unrecordedAnswers)
        unrecordedAnswers = 0
    }

    /// Writes what the output buffer holds. What the socket doesn't take is kept, and nothing more is read until it is gone.
    func flush() {
        if unsafe !service.output.isEmpty {
            if isBlocked {
                unsafe unsent?.append(moving: &service.output)
                return
            }
            let count = unsafe write(&service.output)
            guard phase != .closed else { return unsafe service.output.removeAll() }
            guard unsafe service.output.isEmpty else {
                var rest = OutputBuffer(keptCapacity: 0)
                unsafe rest.append(moving: &service.output)
                unsent = consume rest
                isBlocked = true
                return waitForRoom(madeProgress: count > 0)
            }
        }
        guard !isBlocked else { return }
        recordLatency()
        if closesAfterOutput { finishClosing() }
    }

    /// One write(2); consumes what went. A failed connection is closed.
    private func write(_ buffer: inout OutputBuffer) -> Int {
        let count = unsafe buffer.withUnsafeBytes { bytes in
            unsafe send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        }
        guard count < 0 else {
            service.figures.add(.bytesOut, UInt64(count))
            buffer.consume(count)
            return count
        }
        switch errno {
        case EAGAIN, EINTR: break
        default: closeNow(.incomplete)
        }
        return 0
    }

    private func waitForRoom(madeProgress: Bool) {
        setDeadline(service.timeouts.write, from: EventLoop.monotonicNanoseconds())
        pauseReading()
        do {
            writeWatch = try service.loop.watch(descriptor, for: .write) { [unowned self] _ in writable() }
        } catch {
            closeNow(.incomplete)
        }
    }

    private func writable() {
        guard phase != .closed, var buffer = unsent.take() else { return }
        let count = write(&buffer)
        guard phase != .closed else { return }
        guard buffer.isEmpty else {
            unsent = consume buffer
            if count > 0 { setDeadline(service.timeouts.write, from: EventLoop.monotonicNanoseconds()) }
            return
        }
        isBlocked = false
        writeWatch?.cancel()
        writeWatch = nil
        recordLatency()
        if closesAfterOutput { return finishClosing() }
        resumeReading()
        processKept()
    }
}
