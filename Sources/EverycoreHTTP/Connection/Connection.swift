// One client connection: the shell that ties a transport, the request parser and an exchange. Owned by the service's table until it
// closes. Everything here is driven by readiness, by an answer, or by a deadline.
//
//   Connection+Input      receiving, parsing
//   Connection+Body       a request's content
//   Connection+Output     answering, sending
//   Connection+Streaming  responses piece by piece, files
//   Connection+Deadlines  what becomes of it when its time is over
//   Connection+Closing    refusals, draining, lingering close
//   Connection+Diversion  requests that another process answers
//   ConnectionParts, WriteQueue, ContentIntake   the values that it is made of
//
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

final class Connection<Way: Transport> {
    let service: HTTPService
    let slot: Int
    var phase = ConnectionPhase.head
    var input = KeptInput()
    var content = ContentIntake()
    var queue = WriteQueue()
    var ending = Ending()
    var latencies = LatencyBatch()
    var life = ConnectionLife()
    var watches = ConnectionWatches()
    /// A head of which a part has come.
    var partialHead: PartialHead?
    /// A response that has begun and not ended.
    var streaming: StreamingResponse?
    var diversion = Diversion.none
    // Touched several times a request, each time for the length of one call that doesn't come back here.
    /// The request in flight.
    @exclusivity(unchecked) var exchange: Exchange?
    // Last: the places of the others don't depend on its size.
    var transport: Way

    init(service: HTTPService, transport: Way, slot: Int) {
        self.service = service
        self.transport = transport
        self.slot = slot
    }

    /// Whether this connection uses the service's buffers: its input is being processed, and answers are gathered.
    var isProcessing: Bool {
        @inline(__always) get { unsafe service.busy === self }
    }

    /// Begins: most clients send their request with the handshake's last step, so it is often here already. A connection that is
    /// answered and closed right away never costs a registration with the kernel's epoll set.
    func start() {
        setDeadline(life.served == 0 ? service.timeouts.header : service.timeouts.idle, from: EventLoop.monotonicNanoseconds())
        input.count == 0 ? readable() : process(restoreKept())
        guard phase != .closed, watches.read == nil else { return }
        do {
            watches.read = try service.loop.watch(transport.descriptor, for: .read) { [unowned self] _ in readable() }
            if input.isPaused { watches.read?.pause() }
        } catch {
            // Out of kernel memory for watches: this one can't be served.
            closeNow(.incomplete)
        }
    }

    func setDeadline(_ timeout: UInt64, from now: UInt64) {
        service.deadlines[slot] = timeout == 0 ? DeadlineTable.never : now &+ timeout
    }

    /// Stops reading while bytes could only pile up, or the end of input would be reported forever.
    func pauseReading() {
        guard !input.isPaused else { return }
        input.isPaused = true
        watches.read?.pause()
    }

    func resumeReading() {
        guard input.isPaused, !input.hasEnded else { return }
        input.isPaused = false
        watches.read?.resume()
        readOnIfPending()
    }
}
