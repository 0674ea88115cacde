// What becomes of a connection when its time is over.
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    func deadlinePassed(_ now: UInt64) {
        service.deadlines[slot] = DeadlineTable.never
        if queue.isBlocked { return writeTimePassed(now) }
        switch phase {
        case .head where isBetweenRequests:
            // Also where nothing was ever sent: an answer that no request asked for could be taken for that of the next one.
            // A drain ends them before their time.
            if service.isDraining { return lingerClose(for: Self.drainLingerTime) }
            service.figures.add(.timeoutsIdle, 1)
            lingerClose()
        case .head:
            service.figures.add(.timeoutsHeader, 1)
            timeOut(.timeout)
        case .body:
            service.figures.add(bodyIsTooSlow(now) ? .limitBodyRate : .timeoutsBody, 1)
            timeOut(.timeout)
        case .waiting where hasOwnPace:
            if unsafe transport.isReset { return closeNow(.incomplete) }
            stopTime()
        case .waiting where input.isPaused && life.handlerDue > now:
            if unsafe transport.isReset { return closeNow(.incomplete) }
            setNextLook(now)
        case .waiting:
            service.figures.add(.timeoutsHandler, 1)
            if let timedOut = service.handlerTimedOut, let exchange = unsafe exchange { timedOut(exchange) }
            timeOut(Refusal(503, "the server did not answer in time"))
        case .lingering, .closed:
            closeNow(.incomplete)
        }
    }

    /// What the worker holds for this client, if it waits for it.
    func holding(at now: UInt64) -> Holding? {
        if queue.isBlocked, let holding = queue.holding(at: now) { return holding }
        return phase == .body ? content.holding(at: now) : nil
    }

    /// All clients together make the worker hold too much, and this one is among the slowest.
    func giveUp(_ now: UInt64) {
        service.deadlines[slot] = DeadlineTable.never
        if queue.isBlocked { return giveUpWriting() }
        guard phase == .body else { return }
        service.figures.add(.limitBodyRate, 1)
        timeOut(.timeout)
    }

    /// The handler takes the content, or makes its answer, in its own time.
    var hasOwnPace: Bool { streaming != nil || content.isPaused }

    /// No deadline runs, but for looks at a connection that isn't read.
    func stopTime() {
        input.isPaused ? setDeadline(Self.lookInterval, from: EventLoop.monotonicNanoseconds()) : setDeadline(0, from: 0)
    }

    /// A connection that isn't read while a handler has its request is polled, so that a handler whose client has gone is cancelled.
    /// The loop doesn't tell: what libevent reports without reading (EV_CLOSED) is the end of input, and a reset would wake it
    /// without end and without a word. The end of input alone doesn't say that the client has gone (RFC 9112 §9.6): a reset does,
    /// which is what keep-alive probes lead to.
    func watchPeer() {
        guard phase == .waiting, input.isPaused, !queue.isBlocked else { return }
        if hasOwnPace { return stopTime() }
        life.handlerDue = service.deadlines[slot]
        setNextLook(EventLoop.monotonicNanoseconds())
    }

    private func setNextLook(_ now: UInt64) { service.deadlines[slot] = min(life.handlerDue, now &+ Self.lookInterval) }

    private static var lookInterval: UInt64 { 1_000_000_000 }

    /// Answers with `refusal` where no answer was given yet, and closes.
    func timeOut(_ refusal: Refusal) {
        let exchange = unsafe exchange
        // What is left of an answered request's content didn't come.
        if phase == .body, exchange == nil { return lingerClose() }
        var facts = HeadFacts()
        if let exchange {
            facts = exchange.head.facts
        } else {
            let kept = input.kept
            if unsafe RequestParser.isHead(kept.span.bytes) { facts.method = .head }
        }
        ending.lingers = true
        let cancel = unsafe exchange?.onCancel
        unsafe exchange?.onCancel = nil
        let collector = exchange?.takeCollector()
        content.end()
        unsafe http1.reset()
        let now = EventLoop.monotonicNanoseconds()
        service.updateDate(at: now)
        var output = service.takeLateOutput()
        let entry = exchange.map { LogEntry(head: $0.head, start: $0.start) } ?? entry(ofUnread: input.kept)
        refuse(refusal, facts, since: now, entry, to: &output)
        if phase != .closed { flush(&output) }
        service.putBack(output)
        collector?.fail(.incomplete)
        cancel?()
    }
}
