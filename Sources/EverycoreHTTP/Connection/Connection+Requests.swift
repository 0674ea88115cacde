// What becomes of a request that is in hand: it is refused, has its response, waits for one, or goes to another process.
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

extension Connection {
    @inline(never)
    func refuseHead(_ refusal: Refusal, _ head: RequestHead, _ bytes: UnsafeRawBufferPointer) {
        service.figures.add(.parseFailures, 1)
        unsafe refuse(refusal, head.facts, since: life.readAt, entry(ofUnread: bytes), to: &service.output)
    }

    /// Takes what the application said of a request. False where another process is to have the request: it stays in the input.
    /// - Parameter following: where in the input buffer the bytes are that came together with the head.
    func conclude(_ outcome: Outcome, _ exchange: Exchange, following: Range<Int>) -> Bool {
        let facts = exchange.head.facts
        content.begin(facts.framing, at: life.readAt)
        if facts.expectContinue { noteContent(following) }
        if let refusal = exchange.head.refusal {
            unsafe refuse(refusal, facts, since: life.readAt, LogEntry(head: exchange.head, start: life.readAt), to: &service.output)
            return true
        }
        switch outcome {
        case .constant(let type, let text): answer(exchange, CheckedResponse(constant: text, type: type))
        case .whole(let whole): answer(exchange, whole.checked)
        case .response(let response): answer(exchange, response)
        case .later: return takeNote(of: exchange)
        }
        return true
    }

    /// Answers from what the application said, or waits for it to say more.
    func takeNote(of exchange: Exchange) -> Bool {
        switch unsafe exchange.note.take() {
        case .response(let response)?: answer(exchange, response)
        case .stream(let response, let early)?:
            answer(exchange, response)
            unsafe take(early, to: &service.output)
            if unsafe exchange.collector != nil { unsafe wantContent(&service.output) }
        case .more(let early, _)?:
            unsafe exchange.connection = self
            unsafe take(early, to: &service.output)
        case .move(let mover)?:
            content = ContentIntake()
            unsafe http1.reset()
            diversion = Seldom(mover)
            return false
        case .abort?:
            hold(exchange)
            unsafe breakOff(flushing: &service.output)
        case nil:
            hold(exchange)
            if unsafe exchange.collector != nil { unsafe wantContent(&service.output) }
        }
        return true
    }

    /// The response comes later, or takes longer: the exchange has this connection for it.
    func hold(_ exchange: Exchange) {
        unsafe exchange.connection = self
        unsafe exchange.mayMove = false
        unsafe self.exchange = exchange
        phase = .waiting
    }

    // MARK: Another process

    /// After the earlier answers were written. Nothing of the request has been used: its head goes first.
    func move(with mover: ConnectionMover) {
        let kept = input.kept
        if unsafe mover(descriptor, kept.span.bytes, life.readAt) { return wasPassedOn() }
        // The application gets the request once more, and has to answer it: `diversion` is still set.
        input.goesOn = true
        service.later { self.processKept() }
    }
}
