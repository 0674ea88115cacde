// How connections end: draining, eviction, and a close that lets the client read its last answer.
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    /// The client has ended its side. A whole request still gets its answer.
    func inputEnd() {
        input.hasEnded = true
        switch phase {
        case .head where !isBlocked && !input.goesOn: closeNow(.incomplete)
        // There is nothing to answer that the client could trust.
        case .body where !input.goesOn: closeNow(.incomplete)
        case .head, .body: pauseReading()
        case .waiting:
            pauseReading()
            watchPeer()
        case .lingering, .closed: closeNow(.incomplete)
        }
    }

    /// The service takes no more requests: an idle connection ends now, unless a request is just arriving. A client that has
    /// connected and sent nothing yet is about to: it has a moment.
    func serviceDrains() {
        guard phase == .head, !queue.isBlocked, unsafe exchange == nil else { return }
        readable()
        guard phase == .head, isBetweenRequests, unsafe exchange == nil, !queue.isBlocked, !ending.closes else { return }
        // Nothing was left unanswered here: a stop doesn't wait long for a client that keeps its end open.
        guard life.served == 0 else { return lingerClose(for: Self.drainLingerTime) }
        service.deadlines[slot] = min(service.deadlines[slot], EventLoop.monotonicNanoseconds() &+ Self.drainGrace)
    }

    private static var drainGrace: UInt64 { 500_000_000 }

    /// Nothing of a head is here. A CR may be the first half of an empty line, which belongs to no request.
    var isBetweenRequests: Bool { input.count == 0 || (input.count == 1 && input.kept.first == 0x0D) }

    /// Between two requests of a kept connection.
    var isIdle: Bool { phase == .head && isBetweenRequests && life.served > 0 && !queue.isBlocked }

    /// Nothing of a request is here, and nothing of an answer is left. What the client sends meanwhile stays in the socket.
    var canBePassedOn: Bool {
        guard unsafe exchange == nil else { return false }
        return unsafe transport.mayMove && phase == .head && input.count == 0 && !input.headBegan && !queue.isBlocked && !input.hasEnded && !ending.closes
    }

    /// Forgets the connection. The kernel's epoll set knows the open file, which lives on: the watch has to go before the descriptor.
    func wasPassedOn() {
        phase = .closed
        // The socket's options go with it, and the process that has it now takes it for a new one.
        if queue.isFast { setFast(false) }
        let watches = watches
        self.watches = ConnectionWatches()
        watches.cancel()
        unsafe transport.close()
        service.remove(self, isPassedOn: true)
    }

    /// Closes a connection that is idle, or whose head is overdue, unless a request is just arriving.
    func evict() {
        readable()
        if isIdle || headIsOverdue(at: EventLoop.monotonicNanoseconds()) { closeNow(.incomplete) }
    }

    /// Whether a head is expected and isn't complete after a second: enough for a client far away, too little for one that holds
    /// connections by sending half a head, or nothing.
    func headIsOverdue(at now: UInt64) -> Bool {
        guard awaitsHead else { return false }
        // The time that it has runs from there.
        let began = service.deadlines[slot] &- service.timeouts.header
        return now &- min(began, now) >= Self.overdueTime
    }

    var awaitsHead: Bool { phase == .head && (life.served == 0 || input.headBegan) && !queue.isBlocked }

    private static var overdueTime: UInt64 { 1_000_000_000 }

    // MARK: The end

    /// Ends a response in its middle, which only a close can tell the client. Whole answers before it still go out.
    func breakOff() { closeNow(.incomplete) }

    /// - Parameter output: holds whole answers to earlier requests.
    func breakOff(flushing output: inout OutputBuffer) {
        // Else what goes out would be followed by a proper end.
        ending.closes = false
        flush(&output)
        closeNow(.incomplete)
    }

    /// After the last answer was written.
    func finishClosing() {
        guard phase != .closed, phase != .lingering else { return }
        guard !input.hasEnded else { return endAndClose() }
        if ending.lingers || (ending.mayHaveInput && hasUnreadInput) { return lingerClose() }
        guard ending.isUnasked else { return endAndClose() }
        // A stop doesn't wait long for a client that keeps its end open.
        service.isDraining ? lingerClose(for: Self.drainLingerTime) : lingerClose()
    }

    /// The last answer may wait for this end, to travel with it: a close alone would throw it away where the client has sent more meanwhile.
    private func endAndClose() {
        unsafe transport.endSending()
        closeNow(.incomplete)
    }

    /// Whether bytes came that were not looked at. The first of them is thrown away, into no buffer that others use: heads may
    /// still be in the worker's.
    private var hasUnreadInput: Bool {
        var byte: UInt8 = 0
        let received = unsafe withUnsafeMutableBytes(of: &byte) { unsafe transport.receive(into: $0) }
        guard case .bytes = received else { return false }
        service.figures.add(.bytesIn, 1)
        return true
    }

    /// Ends our side, and reads on for a bounded time and amount: a close with unread input would make the kernel reset the
    /// connection, and the client could lose the answer it has not read yet (RFC 9112 §9.6).
    func lingerClose(for time: UInt64 = 2_000_000_000) {
        guard phase != .closed, phase != .lingering else { return }
        releaseExchange(.incomplete, streaming)
        phase = .lingering
        (input.kept, input.count) = ([], 0)
        unsafe http1.reset()
        content.end()
        unsafe transport.endSending()
        setDeadline(time, from: EventLoop.monotonicNanoseconds())
        if input.isPaused { resumeReading() }
        readOnIfPending()
    }

    static var drainLingerTime: UInt64 { 200_000_000 }
    private static var lingerBytes: Int { 1 << 24 }

    func discardInput() {
        // A part of it in one go, then others have their turn.
        for _ in 0..<16 {
            let count: Int
            switch unsafe transport.receive(into: service.input) {
            case .bytes(let received): count = received
            case .notNow: return
            case .ended, .refused, .failed: return closeNow(.incomplete)
            }
            service.figures.add(.bytesIn, UInt64(count))
            content.discarded &+= count
            // Beyond the bound the client has to wait; until the time is over it can still read its answer.
            if content.discarded >= Self.lingerBytes { return pauseReading() }
        }
        readOnIfPending()
    }

    /// - Parameter streaming: its response that had begun.
    private func releaseExchange(_ failure: BodyFailure, _ streaming: StreamingResponse? = nil) {
        guard let exchange = unsafe exchange else { return }
        unsafe self.exchange = nil
        exchange.head.detach()
        noteAborted(exchange, streaming)
        guard unsafe exchange.isAnswered else { return exchange.abandon(failure) }
        // The application has ended it, and content that it has announced is missing.
        exchange.close()
        exchange.takeCollector()?.fail(failure)
    }

    /// Closes the socket and forgets the connection. An unanswered request learns that its client no longer waits.
    func closeNow(_ failure: BodyFailure) {
        guard phase != .closed else { return }
        phase = .closed
        let watches = watches
        self.watches = ConnectionWatches()
        watches.cancel()
        if ending.endsContent, streaming != nil || queue.unsentCount > 0 { unsafe transport.resetOnClose() }
        _ = queue.takeUnsent()
        queue.isBlocked = false
        if queue.isFast { service.fastConnections &-= 1 }
        let streaming = streaming.take()
        (input.kept, input.count) = ([], 0)
        unsafe http1.reset()
        unsafe transport.close()
        releaseExchange(failure, streaming)
        service.remove(self)
        streaming?.wakeWaiters()
    }
}
