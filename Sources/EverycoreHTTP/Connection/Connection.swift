// One client connection: the shell that ties a transport, a protocol and an exchange. Owned by the service's table until it
// closes. Everything here is driven by readiness, by an answer, or by a deadline.
//
//   Connection+Input      the loop over the requests in hand
//   Connection+Requests   what becomes of a request
//   Connection+Body       a request's content
//   Connection+Answering  from a response to bytes, and what is left of its request
//   Connection+Output     sending, and waiting for room
//   Connection+Streaming  responses piece by piece, files
//   Connection+Deadlines  what becomes of it when its time is over
//   Connection+Logging    its lines in the access log
//   Connection+Closing    refusals, draining, lingering close
//   ConnectionParts, WriteQueue, ContentIntake   the values that it is made of
//
// Process: worker · Thread: loop

import EverycoreLoop
import EverycoreStatistics

/// What a connection is made of, but for its transport. Each access to a stored property is a load or a store: one that lasted for the
/// length of a call would have all of them checked for exclusivity at run time. So `content` and `queue` are read and written whole.
class ConnectionState {
    final let service: HTTPService
    private final let storedSlot: Int32
    final var phase = ConnectionPhase.head
    /// Touched once or twice a request, for the length of a call that doesn't come back here.
    @exclusivity(unchecked) final var http1 = HTTP1()
    final var input = KeptInput()
    @exclusivity(unchecked) private final var storedContent = ContentIntake()
    @exclusivity(unchecked) private final var storedQueue = WriteQueue()
    final var ending = Ending()
    final var latencies = LatencyBatch()
    final var life = ConnectionLife()
    final var watches = ConnectionWatches()
    /// For lines of the access log; nil where there is none.
    final var peer: PeerName?
    /// A response that has begun and not ended.
    final var streaming: StreamingResponse?
    /// Gives the connection to another process, which is to answer the request at the front of the input. Set for a moment.
    final var diversion: Seldom<ConnectionMover>?
    // Touched several times a request, each time for the length of one call that doesn't come back here.
    /// The request whose response comes later, or is being sent.
    @exclusivity(unchecked) final var exchange: Exchange?

    /// Its place in the service's tables.
    final var slot: Int { Int(storedSlot) }

    final var content: ContentIntake {
        @inline(__always) get { unsafe storedContent }
        @inline(__always) set { unsafe storedContent = newValue }
    }

    final var queue: WriteQueue {
        @inline(__always) get { unsafe storedQueue }
        @inline(__always) set { unsafe storedQueue = newValue }
    }

    init(service: HTTPService, slot: Int) {
        self.service = service
        storedSlot = Int32(truncatingIfNeeded: slot)
    }
}

final class Connection<Way: Transport>: ConnectionState, ReadinessOwner {
    @exclusivity(unchecked) var transport: Way

    init(service: HTTPService, transport: Way, slot: Int) {
        unsafe self.transport = transport
        super.init(service: service, slot: slot)
    }

    /// Begins: most clients send their request with the handshake's last step, so it is often here already. A connection that is
    /// answered and closed right away never costs a registration with the kernel's epoll set.
    func start() {
        setDeadline(life.served == 0 ? service.timeouts.header : service.timeouts.idle, from: EventLoop.monotonicNanoseconds())
        input.count == 0 ? readable() : process(restoreKept())
        guard phase != .closed, watches.read == nil else { return }
        do {
            watches.read = try service.loop.watch(descriptor, for: .read, owner: self)
            if input.isPaused { watches.read?.pause() }
        } catch {
            // Out of kernel memory for watches: this one can't be served.
            closeNow(.incomplete)
        }
    }

    @inline(__always)
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
