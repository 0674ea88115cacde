// How connections end: refusals, draining, and a close that lets the client read its last answer.
// Worker process, on the loop's thread.

import EverycoreLoop
import Glibc
import EverycoreStatistics

extension Connection {
    /// Answers a request that can't be served with a short text that says what was wrong.
    func refuse(_ refusal: Refusal) {
        guard let exchange = unsafe exchange, unsafe !exchange.isAnswered else { return }
        guard streaming == nil else { return breakOff() }
        if let limit = refusal.limit { service.figures.add(limit, 1) }
        let text = "\(refusal.status) \(refusal.reason)\n"
        let keeps = !refusal.closes && exchange.head.keepAlive && !service.isDraining && !isLastRequest
            && canSkipContent(of: exchange.head)
        if !isProcessing { beginAlone() }
        let request = ResponseEncoder.Request(
            minorVersion: exchange.head.minorVersion, isHead: exchange.head.method == .head, keepsConnection: keeps)
        let body = unsafe text.utf8Span.span.bytes
        // The status and the fields are ours: this can't fail.
        let outcome = unsafe try? service.encoder.appendHead(
            status: refusal.status, contentType: "text/plain; charset=utf-8", content: .length(UInt64(body.byteCount)),
            for: request, to: &service.output)
        if outcome?.body == .identity { unsafe service.output.append(body) }
        if !keeps { lingers = true }
        answered(exchange, status: refusal.status, closes: !keeps)
    }

    /// A body that can't be read to its end.
    func bodyFailed(_ failure: BodyFailure, _ refusal: Refusal) {
        guard let exchange = unsafe exchange else { return }
        unsafe content = .none
        lingers = true
        closesAfterOutput = true
        // The collector learns of it after the client was answered, so that nothing it does can come first.
        let collector = exchange.takeCollector()
        refuse(refusal)
        collector?.fail(failure)
    }

    /// The client has ended its side. A whole request still gets its answer.
    func inputEnd() {
        inputEnded = true
        switch phase {
        case .head where !isBlocked: closeNow(.incomplete)
        case .body: bodyEndedEarly()
        case .head, .answered: pauseReading()
        case .waiting:
            pauseReading()
            watchPeer()
        case .lingering, .closed: closeNow(.incomplete)
        }
    }

    /// The end came before the body's: there is nothing to answer that the client could trust.
    func bodyEndedEarly() {
        closeNow(.incomplete)
    }

    /// The service takes no more requests: an idle connection ends now, unless a request is just arriving. A client that has
    /// connected and sent nothing yet is about to: it has a moment.
    func serviceDrains() {
        guard phase == .head, !isBlocked, unsafe exchange == nil else { return }
        readable()
        guard phase == .head, isBetweenRequests, unsafe exchange == nil, !isBlocked, !closesAfterOutput else { return }
        // Nothing was left unanswered here: a stop doesn't wait long for a client that keeps its end open.
        guard requestsServed == 0 else { return lingerClose(for: Self.drainLingerTime) }
        service.deadlines[slot] = min(service.deadlines[slot], EventLoop.monotonicNanoseconds() &+ Self.drainGrace)
    }

    private static var drainGrace: UInt64 { 1_000_000_000 }

    /// Nothing of a head is here. A CR may be the first half of an empty line, which belongs to no request.
    var isBetweenRequests: Bool { keptCount == 0 || (keptCount == 1 && kept.first == 0x0D) }

    /// Between two requests of a kept connection.
    var isIdle: Bool { phase == .head && isBetweenRequests && requestsServed > 0 && !isBlocked }

    /// Nothing of a request is here, and nothing of an answer is left. What the client sends meanwhile stays in the socket.
    var canBePassedOn: Bool {
        guard unsafe exchange == nil else { return false }
        return phase == .head && keptCount == 0 && !headBegan && !isBlocked && !inputEnded && !closesAfterOutput
    }

    /// Forgets the connection. The kernel's epoll set knows the open file, which lives on: the watch has to go before the descriptor.
    func wasPassedOn() {
        isPassedOn = true
        phase = .closed
        // The socket's options go with it, and whoever has it now takes it for a new one.
        if isFast { setFast(false) }
        readWatch?.cancel()
        writeWatch?.cancel()
        readWatch = nil
        writeWatch = nil
        close(descriptor)
        service.remove(self)
    }

    /// Closes an idle connection, unless a request is just arriving.
    func giveWay() {
        readable()
        if isIdle { closeNow(.incomplete) }
    }

    // MARK: The end

    /// Ends a response in its middle, which only a close can tell the client. Whole answers before it still go out.
    func breakOff() {
        if !isProcessing { service.lendOutput() }
        // Else what goes out would be followed by a proper end.
        closesAfterOutput = false
        flush()
        closeNow(.incomplete)
    }

    /// Where the connection's end is the content's, a proper one would make it whole (RFC 9112 §8).
    func resetsOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// After the last answer was written.
    func finishClosing() {
        guard phase != .closed, phase != .lingering else { return }
        guard !inputEnded else { return closeNow(.incomplete) }
        if lingers || hasUnreadInput { return lingerClose() }
        guard closesUnasked else { return closeNow(.incomplete) }
        // A stop doesn't wait long for a client that keeps its end open.
        service.isDraining ? lingerClose(for: Self.drainLingerTime) : lingerClose()
    }

    /// Whether bytes came that nobody has looked at. The first of them is thrown away, into no buffer that others use: heads may
    /// still be in the worker's.
    private var hasUnreadInput: Bool {
        var byte: UInt8 = 0
        guard unsafe recv(descriptor, &byte, 1, 0) > 0 else { return false }
        service.figures.add(.bytesIn, 1)
        return true
    }

    /// Ends our side, and reads on for a bounded time and amount: a close with unread input would make the kernel reset the
    /// connection, and the client could lose the answer it has not read yet (RFC 9112 §9.6).
    func lingerClose(for time: UInt64 = 2_000_000_000) {
        guard phase != .closed, phase != .lingering else { return }
        releaseExchange(.incomplete)
        phase = .lingering
        kept = []
        keptCount = 0
        discarded = 0
        shutdown(descriptor, Int32(SHUT_WR))
        setDeadline(time, from: EventLoop.monotonicNanoseconds())
        if isReadPaused { resumeReading() }
        discardInput()
    }

    static var drainLingerTime: UInt64 { 200_000_000 }
    private static var lingerBytes: Int { 1 << 24 }

    func discardInput() {
        // A part of it in one go, then others have their turn.
        for _ in 0..<16 {
            let count = unsafe read(descriptor, service.inputStart, service.inputCapacity)
            if count < 0, errno == EAGAIN || errno == EINTR { return }
            guard count > 0 else { return closeNow(.incomplete) }
            service.figures.add(.bytesIn, UInt64(count))
            discarded &+= count
            // Beyond the bound the client has to wait; until the time is over it can still read its answer.
            if discarded >= Self.lingerBytes { return pauseReading() }
        }
    }

    private func releaseExchange(_ failure: BodyFailure) {
        guard let exchange = unsafe exchange else { return }
        unsafe self.exchange = nil
        unsafe parser.reset()
        exchange.head.detach()
        if unsafe !exchange.isAnswered { exchange.abandon(failure) }
    }

    /// Closes the socket and forgets the connection. An unanswered request learns that nobody waits for it.
    func closeNow(_ failure: BodyFailure) {
        guard phase != .closed else { return }
        phase = .closed
        readWatch?.cancel()
        writeWatch?.cancel()
        readWatch = nil
        writeWatch = nil
        if endsContent, streaming != nil || unsent != nil { resetsOnClose() }
        unsent = nil
        isBlocked = false
        if isFast { service.fastConnections &-= 1 }
        let streaming = streaming.take()
        kept = []
        keptCount = 0
        close(descriptor)
        releaseExchange(failure)
        service.remove(self)
        streaming?.wakeWaiters()
    }
}
