// A connection's input: from the transport into the worker's buffer, from there to the parser, the content and the application, and
// from the application's answer into the output buffer. `process` is the one loop over all requests in hand.
//
// What can't be used yet is kept by the connection: the input buffer belongs to all of the worker's connections.
//
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    func descriptorIsReady() { readable() }

    func readable() {
        guard phase != .closed else { return }
        guard phase != .lingering else { return discardInput() }
        // Not while the answers before it wait for room. Most clients send nothing then, so that this comes first when they do.
        guard !queue.isBlocked else { return pauseReading() }
        guard input.count < service.inputCapacity else { return pauseReading() }
        life.readAt = HTTPService.now
        let room = unsafe UnsafeMutableRawBufferPointer(start: service.inputStart + input.count, count: service.inputCapacity &- input.count)
        switch unsafe transport.receive(into: room) {
        case .bytes(let count):
            service.figures.add(.bytesIn, UInt64(count))
            if case .waiting = phase { keepForLater(count) } else { process(input.count == 0 ? count : restoreKept() &+ count) }
        case .notNow: return
        case .ended: return inputEnd()
        case .refused, .failed: return closeNow(.incomplete)
        }
        if unsafe transport.hasPendingInput { readOnIfPending() }
    }

    /// Bytes that the transport holds don't make its descriptor readable: they are taken on the loop's next iteration.
    func readOnIfPending() {
        guard unsafe transport.hasPendingInput, phase != .closed, !input.isPaused, !input.readsOn else { return }
        input.readsOn = true
        service.later { [weak self] in
            guard let self else { return }
            input.readsOn = false
            if unsafe transport.hasPendingInput, !input.isPaused { readable() }
        }
    }

    /// Bytes that come while a request is with the application: they belong to its content or to the next requests.
    private func keepForLater(_ count: Int) {
        keep(input.count..<input.count &+ count)
        guard input.count >= service.inputCapacity / 2 else { return }
        pauseReading()
        watchPeer()
    }

    /// Copies a part of the input buffer to what the connection keeps.
    private func keep(_ range: Range<Int>) {
        var kept = input.kept
        input.kept = []
        unsafe kept.append(contentsOf: UnsafeRawBufferPointer(rebasing: service.input[range]))
        input.count = kept.count
        input.kept = kept
    }

    /// Moves what is kept to the front of the input buffer, and says how much that is.
    func restoreKept() -> Int {
        let count = input.count
        guard count > 0 else { return 0 }
        let kept = input.kept
        unsafe kept.withUnsafeBytes { unsafe service.input.copyMemory(from: $0) }
        (input.kept, input.count) = ([], 0)
        return count
    }

    /// Goes on after an answer that came later, or when content is wanted: on the loop's next iteration where bytes were kept, so that
    /// nothing here calls itself.
    func goOn() {
        guard phase != .closed, phase != .lingering, !queue.isBlocked else { return }
        life.readAt = EventLoop.monotonicNanoseconds()
        // The time of content runs from when it is wanted or nothing else is left to do, not from when its head came.
        if phase == .body, content.received == 0 { content.began = life.readAt }
        guard input.count > 0, phase != .waiting else { return settle() }
        input.goesOn = true
        service.later { self.processKept() }
    }

    func processKept() {
        input.goesOn = false
        guard phase == .head || phase == .body, !queue.isBlocked, input.count > 0 else { return }
        life.readAt = EventLoop.monotonicNanoseconds()
        process(restoreKept())
    }

    /// Uses the first `count` bytes of the input buffer: as many requests as are whole, each answered in order.
    func process(_ count: Int) {
        service.updateDate(at: life.readAt)
        var batch = Batch(count: count, mayMove: unsafe transport.mayMove && diversion == nil)
        if diversion != nil { diversion = nil }
        let servedBefore = life.served
        var goesOn = true
        while goesOn, !queue.isBlocked, !ending.closes {
            switch phase {
            case .head:
                goesOn = service.withExchange { answerRequests(&batch, $0, $0.head) }
            case .body:
                batch.offset &+= readContent(batch.offset..<count)
                // The application may keep one whose request is answered.
                service.recycleExchange(unlessHeldBy: self)
                if phase == .body { goesOn = false }
            case .waiting, .lingering, .closed:
                goesOn = false
            }
        }
        if batch.constants > 0 { book(batch.constants) }
        if life.served != servedBefore { input.headBegan = false }
        guard phase != .closed else { return unsafe service.output.removeAll() }
        if batch.offset < count {
            if ending.closes { ending.lingers = true } else { keep(batch.offset..<count) }
        }
        endOfBatch(batch.exceededTimeSlice)
    }

    /// Answers one request after the other for as long as the application returns their responses, with the same exchange.
    /// False where nothing more can be done with what is in hand.
    private func answerRequests(_ batch: inout Batch, _ exchange: Exchange, _ head: RequestHead) -> Bool {
        unsafe exchange.mayMove = batch.mayMove
        while batch.offset < batch.count {
            let start = unsafe service.inputStart + batch.offset
            let length: Int
            switch unsafe http1.next(PaddedBytes(start, count: batch.count &- batch.offset), service.rules, into: head) {
            case .head(let bytes): length = bytes
            case .skipped(let bytes):
                batch.offset &+= bytes
                continue
            case .refused(let refusal):
                unsafe refuseHead(refusal, head, UnsafeRawBufferPointer(start: start, count: batch.count &- batch.offset))
                return false
            case .needMore, .content, .end: return false
            }
            unsafe head.rebase(onto: start, count: length)
            exchange.start = life.readAt
            switch head.facts.hasUnmetExpectation ? .later : service.application.respond(to: exchange) {
            case .constant(let type, let text):
                guard keepsGoing(after: head),
                    unsafe service.encoder.appendConstant(type, text, isHead: head.method == .head, to: &service.output)
                else { return conclude(.constant(type: type, text: text), exchange, length, &batch) }
            case .whole(let whole):
                guard keepsGoing(after: head), unsafe service.encoder.append(whole, isHead: head.method == .head, to: &service.output)
                else { return conclude(.whole(whole), exchange, length, &batch) }
            case .response(let response): return conclude(.response(response), exchange, length, &batch)
            case .later: return conclude(.later, exchange, length, &batch)
            }
            batch.constants &+= 1
            life.served &+= 1
            batch.offset &+= length
            guard service.ownsExchangeAlone else {
                service.recycleExchange(unlessHeldBy: self)
                return !mustPause(&batch)
            }
            if mustPause(&batch) { return false }
        }
        return false
    }

    @inline(never)
    private func conclude(_ outcome: Outcome, _ exchange: Exchange, _ length: Int, _ batch: inout Batch) -> Bool {
        let isTaken = conclude(outcome, exchange, following: batch.offset &+ length..<batch.count)
        service.recycleExchange(unlessHeldBy: self)
        guard isTaken else { return false }
        batch.offset &+= length
        return !mustPause(&batch)
    }

    /// Bounds what a client that sends many requests at once can take.
    @inline(__always)
    private func mustPause(_ batch: inout Batch) -> Bool {
        // One that reads no answers must not fill the memory.
        if unsafe service.output.count > Self.outputBound {
            unsafe flush(&service.output)
            if queue.isBlocked || phase == .closed { return true }
        }
        // A look at the clock costs as much as a hundredth of a small request.
        guard life.served & 3 == 0, batch.offset < batch.count, phase == .head, exceededTimeSlice else { return false }
        batch.exceededTimeSlice = true
        return true
    }

    /// After everything in hand was used: what was answered is sent, then what takes more than that is begun.
    @inline(__always)
    private func endOfBatch(_ exceededTimeSlice: Bool) {
        // The input buffer is about to be reused.
        if let exchange = unsafe exchange { release(exchange) }
        unsafe flush(&service.output, moreFollows: streaming?.file != nil)
        guard phase != .closed, phase != .lingering else { return }
        if let streaming { return goOnStreaming(streaming) }
        guard !queue.isBlocked else { return }
        if let diversion { return move(with: diversion.value) }
        exceededTimeSlice ? yieldToLoop() : settle()
    }

    @inline(never)
    private func release(_ exchange: Exchange) {
        exchange.head.detach()
        service.leaveExchange(exchange)
    }

    /// Fairness: a client that sends many requests at once yields to others after five milliseconds, checked every four requests.
    private var exceededTimeSlice: Bool {
        @inline(never) get { EventLoop.coarseNanoseconds() > life.readAt &+ 5_000_000 }
    }

    /// Bytes of answers that are gathered before they are written.
    static var outputBound: Int { 131_072 }

    /// Whether nothing of the request is left once it is answered, so that the next one may be read; and nothing is to be noted of it.
    @inline(__always)
    private func keepsGoing(after head: RequestHead) -> Bool {
        head.keepAlive && head.minorVersion == 1 && head.framing == .none && service.answersInPlace && !isLastRequest
    }

    /// After everything in hand was used: the right deadline, and the end of input if that came.
    func settle() {
        let timeouts = service.timeouts
        switch phase {
        case .head:
            if input.hasEnded { return closeNow(.incomplete) }
            if isBetweenRequests {
                if service.isDraining, life.served > 0 { return lingerClose(for: Self.drainLingerTime) }
                if service.isPassingOn, canBePassedOn, service.pass(self) { return }
                let served = UInt32(truncatingIfNeeded: life.served)
                if served != input.idleSince {
                    input.idleSince = served
                    service.idle.append(slot)
                    setDeadline(timeouts.idle, from: life.readAt)
                }
            } else if !input.headBegan {
                // The first request's time runs from the connection's start.
                input.headBegan = true
                if life.served > 0 {
                    setDeadline(timeouts.header, from: life.readAt)
                    service.awaiting.append(slot)
                }
            }
        case .body:
            setBodyDeadline()
            if input.hasEnded { return closeNow(.incomplete) }
        case .waiting:
            // An answer that has begun, or content that the handler takes at its own pace, has no deadline of its own.
            if hasOwnPace { stopTime() } else { setDeadline(timeouts.handler, from: life.readAt) }
        case .lingering, .closed:
            return
        }
        // Only a connection that is read tells that its client has gone.
        if phase != .waiting || input.count < service.inputCapacity / 2 { resumeReading() }
        if input.isPaused { watchPeer() }
    }
}
