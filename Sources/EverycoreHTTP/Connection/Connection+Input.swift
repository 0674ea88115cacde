// A connection's input: from the socket into the worker's buffer, from there to the parser, the body and the application.
// Worker process, on the loop's thread. What can't be used yet is kept by the connection; the buffer belongs to all.

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    func readable() {
        guard phase != .closed else { return }
        guard phase != .lingering else { return discardInput() }
        // Not while the answers before it wait for room. Most clients send nothing then, so that this comes first when they do.
        guard !queue.isBlocked else { return pauseReading() }
        guard input.count < service.inputCapacity else { return pauseReading() }
        life.readAt = EventLoop.monotonicNanoseconds()
        let room = unsafe UnsafeMutableRawBufferPointer(start: service.inputStart + input.count, count: service.inputCapacity &- input.count)
        switch unsafe transport.receive(into: room) {
        case .bytes(let count):
            service.figures.add(.bytesIn, UInt64(count))
            if case .waiting = phase { keepForLater(count) } else { process(restoreKept() &+ count) }
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

    /// Bytes that come while a request is with the application: they belong to its body or to the next requests.
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

    /// Goes on with bytes that were kept, after an answer or when a body is wanted.
    func processKept() {
        guard phase != .closed, phase != .lingering else { return }
        guard unsafe service.busy == nil else { return service.later { self.processKept() } }
        life.readAt = EventLoop.monotonicNanoseconds()
        // A body's time runs from when it is wanted, not from when its head came.
        if phase == .body, content.received == 0 { content.began = life.readAt }
        process(restoreKept())
    }

    /// Uses the first `count` bytes of the input buffer: as many requests as are whole, each answered in order.
    func process(_ count: Int) {
        unsafe service.busy = self
        service.updateDate()
        var parser = partialHead.map(\.parser) ?? RequestParser(limits: service.limits)
        if partialHead != nil { partialHead = nil }
        var offset = 0
        var isTurnOver = false
        processing: while !queue.isBlocked, !ending.closes {
            switch phase {
            case .head:
                guard offset < count, let length = readHead(offset..<count, &parser) else { break processing }
                offset &+= length
                // A client that sends many requests and reads no answers must not fill the memory.
                if unsafe service.output.count > Self.outputBound { flush() }
            case .answered:
                recycleExchange()
                guard offset < count else { break processing }
                // A look at the clock costs as much as a hundredth of a small request.
                guard life.served & 3 == 0, hasHadItsTurn else { continue processing }
                isTurnOver = true
                break processing
            case .body:
                offset &+= readBody(offset..<count)
                if phase == .body { break processing }
            case .waiting, .diverted, .lingering, .closed:
                break processing
            }
        }
        unsafe service.busy = nil
        guard phase != .closed else { return unsafe service.output.removeAll() }
        if parser.isInHead, phase == .head { partialHead = PartialHead(parser) }
        if offset < count {
            if ending.closes { ending.lingers = true } else { keep(offset..<count) }
        }
        exchangeOutlivesInput()
        flush()
        guard phase != .closed, phase != .lingering, !queue.isBlocked else { return forgetDiversion() }
        if case .wanted(let mover) = diversion { return move(with: mover) }
        isTurnOver ? standBack() : settle()
    }

    /// A client that sends many requests at once must not hold up the others: it has five milliseconds in a row, or four requests.
    private var hasHadItsTurn: Bool {
        @inline(never) get { EventLoop.coarseNanoseconds() > life.readAt &+ 5_000_000 }
    }

    /// Bytes of answers that are gathered before they are written.
    static var outputBound: Int { 131_072 }

    /// The buffer is about to be reused: a head that is still needed gets its own bytes, and between requests nothing is held.
    private func exchangeOutlivesInput() {
        if phase == .answered { recycleExchange() }
        guard unsafe exchange != nil else { return }
        if phase == .head {
            service.keepSpare(unsafe exchange.take())
        } else {
            unsafe exchange?.head.detach()
        }
    }

    /// The request was answered: the next one may use its exchange, unless somebody kept it.
    @inline(__always)
    private func recycleExchange() {
        phase = .head
        input.headBegan = false
        life.served &+= 1
        if unsafe isKnownUniquelyReferenced(&exchange) {
            unsafe exchange?.recycle()
        } else {
            unsafe exchange?.head.detach()
            unsafe exchange = nil
        }
    }

    /// After everything in hand was used: the right deadline, and the end of input if that came.
    private func settle() {
        let timeouts = service.timeouts
        switch phase {
        case .head:
            if input.hasEnded { return closeNow(.incomplete) }
            if isBetweenRequests {
                if service.isDraining, life.served > 0 { return lingerClose(for: Self.drainLingerTime) }
                if service.isPassingOn, canBePassedOn, service.pass(self) { return }
                if life.served != life.idleSince {
                    life.idleSince = life.served
                    unsafe service.idle.append(slot)
                    setDeadline(timeouts.idle, from: life.readAt)
                }
            } else if !input.headBegan {
                // The first request's time runs from the connection's start.
                input.headBegan = true
                if life.served > 0 {
                    setDeadline(timeouts.header, from: life.readAt)
                    unsafe service.awaiting.append(slot)
                }
            }
        case .body:
            setBodyDeadline()
            if input.hasEnded { return bodyEndedEarly() }
        case .waiting:
            // An answer that has begun, or a body that the handler takes at its own pace, has no deadline of its own.
            if hasOwnPace { stopTime() } else { setDeadline(timeouts.handler, from: life.readAt) }
        case .answered, .diverted, .lingering, .closed:
            return
        }
        // Only a connection that is read tells that its client has gone.
        if phase != .waiting || input.count < service.inputCapacity / 2 { resumeReading() }
        if input.isPaused { watchPeer() }
    }

    // MARK: Head

    /// Reads one head and hands the request over, or drops an empty line before one. Returns the length of either, or nil when
    /// the head isn't whole or was refused.
    @inline(__always)
    private func readHead(_ range: Range<Int>, _ parser: inout RequestParser) -> Int? {
        let exchange = currentExchange()
        let bytes = unsafe PaddedBytes(service.inputStart + range.lowerBound, count: range.count)
        switch parser.parse(bytes, into: exchange.head) {
        case .needMore:
            return nil
        case .emptyLine(let length):
            return length
        case .refused(let refusal):
            parser.reset()
            service.figures.add(.parseFailures, 1)
            unsafe exchange.start = life.readAt
            unsafe exchange.connection = self
            refuse(refusal)
            // So that the exchange is made ready for reuse before another connection gets it.
            phase = .answered
            return nil
        case .complete(let length):
            unsafe exchange.head.rebase(onto: service.inputStart + range.lowerBound, count: length)
            unsafe exchange.start = life.readAt
            unsafe exchange.connection = self
            receive(exchange, before: range.lowerBound &+ length..<range.upperBound)
            return phase == .diverted ? unread() : length
        }
    }

    @inline(__always)
    private func currentExchange() -> Exchange {
        if let exchange = unsafe exchange { return exchange }
        let taken = service.takeExchange()
        unsafe exchange = taken
        return taken
    }

    /// - Parameter following: where in the input buffer the bytes are that came together with the head.
    @inline(__always)
    private func receive(_ exchange: Exchange, before following: Range<Int>) {
        content.begin(exchange.head.framing, limits: service.limits, at: life.readAt)
        if exchange.head.expectContinue { noteContent(following) }
        phase = .waiting
        if exchange.head.facts.hasUnmetExpectation, let refusal = exchange.head.refusal {
            refuse(refusal)
        } else {
            switch service.application.respond(to: exchange) {
            case .constant(let type, let text):
                guard !respondInFull(to: exchange, with: text, type) else { return }
            case .later: break
            }
        }
        advance()
    }
}
