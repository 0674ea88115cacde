// A connection's input: from the transport into the worker's buffer, from there to the parser, the content and the application, and
// from the application's answer into the output buffer. `process` is the one loop over all requests in hand.
//
// What can't be used yet is kept by the connection: the input buffer belongs to all of the worker's connections.
//
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

/// Moves a connection, with bytes that begin with a request's head and when they were read, to another process: true when that has it.
package typealias ConnectionMover = (_ connection: Int32, _ bytes: RawSpan, _ readAt: UInt64) -> Bool

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
        let (service, application, start) = unsafe (service, service.application, service.inputStart)
        service.updateDate(at: life.readAt)
        var parser = takeParser()
        var spare = service.takeExchange()
        unsafe spare.mayMove = transport.mayMove && diversion == nil
        diversion = nil
        let servedBefore = life.served
        var (offset, constants, exceeded) = (0, 0, false)
        processing: while !queue.isBlocked, !ending.closes {
            switch phase {
            case .head:
                guard offset < count else { break processing }
                switch unsafe parser.parse(PaddedBytes(start + offset, count: count &- offset), into: spare.head) {
                case .needMore: break processing
                case .emptyLine(let length): offset &+= length
                case .refused(let refusal):
                    refuseHead(refusal, spare, &parser)
                    break processing
                case .complete(let length):
                    unsafe spare.head.rebase(onto: start + offset, count: length)
                    unsafe spare.start = life.readAt
                    let outcome = spare.head.facts.hasUnmetExpectation ? .later : application.respond(to: spare)
                    if keepsGoing(after: spare.head.facts, service), append(outcome, isHead: spare.head.facts.method == .head, service) {
                        service.figures.recordResponse(status: 200)
                        constants &+= 1
                        life.served &+= 1
                    } else if !conclude(outcome, spare, following: offset &+ length..<count) {
                        break processing
                    }
                    offset &+= length
                    if unsafe exchange !== spare { reuse(&spare) }
                    // A client that sends many requests and reads no answers must not fill the memory.
                    if unsafe service.output.count > Self.outputBound { unsafe flush(&service.output) }
                    // A look at the clock costs as much as a hundredth of a small request.
                    guard life.served & 3 == 0, offset < count, phase == .head, exceededTimeSlice else { continue processing }
                    exceeded = true
                    break processing
                }
            case .body:
                offset &+= readContent(offset..<count)
                // The application may keep one whose request is answered.
                if unsafe exchange !== spare { reuse(&spare) }
                if phase == .body { break processing }
            case .waiting, .lingering, .closed:
                break processing
            }
        }
        if constants > 0 { book(constants) }
        if life.served != servedBefore { input.headBegan = false }
        service.keepSpare(consume spare)
        guard phase != .closed else { return unsafe service.output.removeAll() }
        if parser.isInHead, phase == .head { input.partial = PartialHead(parser) }
        if offset < count {
            if ending.closes { ending.lingers = true } else { keep(offset..<count) }
        }
        endOfBatch(exceeded)
    }

    /// After everything in hand was used: what was answered is sent, then what takes more than that is begun.
    @inline(__always)
    private func endOfBatch(_ exceededTimeSlice: Bool) {
        // The input buffer is about to be reused.
        if let exchange = unsafe exchange { exchange.head.detach() }
        unsafe flush(&service.output, moreFollows: streaming?.file != nil)
        guard phase != .closed, phase != .lingering else { return }
        if let streaming { return goOnStreaming(streaming) }
        guard !queue.isBlocked else { return diversion = nil }
        if let diversion { return move(with: diversion) }
        exceededTimeSlice ? yieldToLoop() : settle()
    }

    private func takeParser() -> RequestParser {
        guard let partial = input.partial else { return RequestParser(limits: service.limits) }
        input.partial = nil
        return partial.parser
    }

    /// Fairness: a client that sends many requests at once yields to others after five milliseconds, checked every four requests.
    private var exceededTimeSlice: Bool {
        @inline(never) get { EventLoop.coarseNanoseconds() > life.readAt &+ 5_000_000 }
    }

    /// Bytes of answers that are gathered before they are written.
    static var outputBound: Int { 131_072 }

    /// Appends a response of which nothing is left to do then. False where it isn't such a one.
    @inline(__always)
    private func append(_ outcome: Outcome, isHead: Bool, _ service: HTTPService) -> Bool {
        switch outcome {
        case .constant(let type, let text): unsafe service.encoder.appendConstant(type, text, isHead: isHead, to: &service.output)
        case .whole(let whole): unsafe service.encoder.append(whole, isHead: isHead, to: &service.output)
        case .response, .later: false
        }
    }

    /// Whether nothing of the request is left once it is answered, so that the next one may be read.
    @inline(__always)
    private func keepsGoing(after facts: HeadFacts, _ service: HTTPService) -> Bool {
        facts.keepAlive && facts.minorVersion == 1 && facts.framing == .none && !service.isDraining && !isLastRequest
    }

    /// An exchange for the next request: the last one unless the connection or a handler keeps it.
    @inline(__always)
    private func reuse(_ spare: inout Exchange) {
        if isKnownUniquelyReferenced(&spare) { spare.recycle() } else { replace(&spare) }
    }

    @inline(never)
    private func replace(_ spare: inout Exchange) {
        spare.head.detach()
        let mayMove = unsafe spare.mayMove
        spare = service.takeExchange()
        unsafe spare.mayMove = mayMove
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
