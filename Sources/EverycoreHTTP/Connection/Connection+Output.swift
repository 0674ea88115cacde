// A connection's answers: encoded into the worker's output buffer, written at once; only what the socket doesn't take waits for it.
// Worker process, on the loop's thread.

import EverycoreLoop
import Glibc
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
        switch unsafe content {
        case .none: true
        // A client that was never told to send its content may or may not send it (RFC 9110 §10.1.1); much of it isn't worth reading.
        case .length(let length): (!head.expectContinue || continueSettled) && length <= UInt64(service.limits.body)
        case .chunked: !head.expectContinue || continueSettled
        }
    }

    var isLastRequest: Bool {
        let bound = service.connectionLimits.requestsPerConnection
        guard bound > 0, requestsServed &+ 1 >= bound else { return false }
        service.figures.add(.limitRequestsPerConnection, 1)
        return true
    }

    /// Books an answer that is in the output buffer.
    func answered(_ exchange: Exchange, status: Int, closes: Bool) {
        unsafe exchange.isAnswered = true
        unsafe exchange.onCancel = nil
        unsafe exchange.connection = nil
        service.figures.recordResponse(status: status)
        // What is left of the request's content is thrown away at the client's pace.
        bodyPaused = false
        if closes {
            closesAfterOutput = true
            closesUnasked = exchange.head.keepAlive
            if case .none = unsafe content {} else { lingers = true }
        }
        if unrecordedAnswers > 0, unsafe unrecordedStart != exchange.start { recordLatency() }
        unrecordedStart = unsafe exchange.start
        unrecordedAnswers &+= 1
        if unsafe exchange.collector != nil, let collector = exchange.takeCollector() { collector.fail(.incomplete) }
        guard !isProcessing else { return }
        // The answer came on its own: send it, and go on with what the client sent meanwhile.
        advance()
        if unsafe service.busy != nil { writeOutput() }
        processKept()
    }

    /// Before the output buffer is used for an answer that comes on its own, not while the connection's input is processed.
    func beginAlone() {
        service.updateDate()
        service.lendOutput()
    }

    private func recordLatency() {
        guard unrecordedAnswers > 0 else { return }
        let now = EventLoop.monotonicNanoseconds()
        service.figures.recordLatency(nanoseconds: now &- min(unrecordedStart, now), count: unrecordedAnswers)
        unrecordedAnswers = 0
    }

    /// Writes what the output buffer holds. What the socket doesn't take is kept, and nothing more is read until it is gone.
    ///
    /// - Parameter moreFollows: keeps the kernel from sending a short last segment before the next bytes come (MSG_MORE, send(2)).
    func flush(moreFollows: Bool = false) {
        writeOutput(moreFollows: moreFollows)
        guard phase != .closed, !isBlocked else { return }
        recordLatency()
        if closesAfterOutput { finishClosing() }
    }

    /// As `flush`, and the connection goes on whatever it has answered.
    @inline(__always)
    func writeOutput(moreFollows: Bool = false) {
        guard unsafe !service.output.isEmpty else { return }
        if isBlocked { return keepUnsent() }
        unsafe write(&service.output, moreFollows: moreFollows)
        guard phase != .closed else { return unsafe service.output.removeAll() }
        guard unsafe service.output.isEmpty else {
            keepUnsent()
            isBlocked = true
            return waitForRoom()
        }
    }

    /// Moves the output buffer's bytes behind those that wait already.
    private func keepUnsent() {
        if var rest = unsent.take() {
            unsafe rest.append(moving: &service.output)
            unsent = consume rest
        } else {
            var rest = OutputBuffer(keptCapacity: 0)
            unsafe rest.append(moving: &service.output)
            unsent = consume rest
        }
    }

    /// One write(2); consumes what went. A failed connection is closed.
    @discardableResult
    private func write(_ buffer: inout OutputBuffer, moreFollows: Bool = false) -> Int {
        let flags = Int32(MSG_NOSIGNAL) | (moreFollows ? Int32(MSG_MORE) : 0)
        let count = unsafe buffer.withUnsafeBytes { bytes in
            unsafe send(descriptor, bytes.baseAddress, bytes.count, flags)
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

    func waitForRoom() {
        // The time of a client that takes its answer portion by portion runs on.
        guard writeWatch == nil else { return }
        beginWriteTime(EventLoop.monotonicNanoseconds())
        do {
            writeWatch = try service.loop.watch(descriptor, for: .write) { [unowned self] _ in writable() }
        } catch {
            closeNow(.incomplete)
        }
    }

    private func beginWriteTime(_ now: UInt64) {
        setDeadline(service.timeouts.write, from: now)
        undelivered = bytesInKernel
        sentSince = 0
    }

    /// The time for some progress is over. What counts is what the client's side took, not what the kernel's buffer did: that one
    /// takes more only when much of it is free, which for a slow client can be minutes.
    func writeTimePassed(_ now: UInt64) {
        let left = bytesInKernel
        let taken = undelivered &+ sentSince &- min(left, undelivered &+ sentSince)
        let (wanted, overflow) = service.connectionLimits.bodyMinimumRate.multipliedReportingOverflow(by: service.timeouts.write)
        if !overflow, taken > 0, taken >= wanted / 1_000_000_000 {
            if isFast, taken / Self.fastBytes < service.timeouts.write / 1_000_000_000 { setFast(false) }
            return beginWriteTime(now)
        }
        service.figures.add(.timeoutsWrite, 1)
        // A proper end would wait behind the bytes that the client doesn't take, in the kernel's memory.
        resetsOnClose()
        closeNow(.incomplete)
    }

    /// Bytes that were sent and not acknowledged by the client's side (SIOCOUTQ, tcp(7)).
    private var bytesInKernel: UInt64 {
        var count: Int32 = 0
        let result = unsafe ioctl(descriptor, UInt(TIOCOUTQ), &count)
        return result == 0 ? UInt64(max(count, 0)) : 0
    }

    // MARK: Pace

    /// Bytes that the kernel takes beyond what it has sent. A bound costs whoever reads fast: there is room again each few ten KB, and
    /// a large response is sent in as many steps. So it holds for a client until that has shown to be fast, and again when it no
    /// longer is.
    static var unsentBound: Int32 { 65_536 }
    /// In a second. More than a client's buffer holds by default that nobody reads from (`net.core.rmem_max`, tcp(7)).
    private static var fastBytes: UInt64 { 1 << 19 }
    /// So many connections of a worker are without the bound at a time: what all clients together can make the kernel hold has one.
    private static var fastConnections: Int { 128 }

    /// There is room again. As long as the bound holds, that means that the client's side took half of it.
    private func measurePace() {
        guard !isFast else { return }
        if wakes == 0 { firstWake = EventLoop.monotonicNanoseconds() }
        wakes &+= 1
        guard UInt64(wakes) &* UInt64(Self.unsentBound / 2) >= Self.fastBytes else { return }
        wakes = 0
        if EventLoop.monotonicNanoseconds() &- firstWake < 1_000_000_000 { setFast(true) }
    }

    func setFast(_ isFast: Bool) {
        guard !isFast || service.fastConnections < Self.fastConnections else { return }
        self.isFast = isFast
        service.fastConnections &+= isFast ? 1 : -1
        // 0 is the system's own bound, usually none (tcp_notsent_lowat).
        var bytes = isFast ? 0 : Self.unsentBound
        _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &bytes, socklen_t(MemoryLayout<Int32>.size))
    }

    private func writable() {
        guard phase != .closed else { return }
        if unsent != nil || streaming != nil { measurePace() }
        if var buffer = unsent.take() {
            sentSince &+= UInt64(write(&buffer, moreFollows: streaming?.file != nil))
            guard phase != .closed else { return }
            guard buffer.isEmpty else {
                unsent = consume buffer
                return
            }
        }
        isBlocked = false
        if streaming?.file != nil {
            sendFile()
            guard phase != .closed, !isBlocked else { return }
        }
        writeWatch?.cancel()
        writeWatch = nil
        recordLatency()
        if closesAfterOutput { return finishClosing() }
        resumeReading()
        if let streaming {
            stopTime()
            streaming.wakeWaiters()
            guard phase != .closed, !isBlocked else { return }
        }
        processKept()
    }
}
