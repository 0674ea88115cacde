// All HTTP connections of one worker: its listeners, its buffers, its clock. Worker process, on the loop's thread; owned by the
// worker's body. Connections share one input and one output buffer, so an idle connection holds neither.

package import EverycoreLoop
package import EverycoreStatistics
import Glibc

@safe package final class HTTPService {
    package let loop: EventLoop
    package let limits: HTTPLimits
    package let timeouts: ConnectionTimeouts
    package let connectionLimits: ConnectionLimits
    let application: any Application
    let figures: WorkerFigures
    /// What is read lands here. Holds any partial head and the bytes after it.
    let input: UnsafeMutableRawBufferPointer
    let inputStart: UnsafeMutableRawPointer
    let inputCapacity: Int
    let rules: HTTP1.Rules
    /// What a connection answers in one go. Empty between events.
    @exclusivity(unchecked) var output: OutputBuffer
    /// For what is answered later, of any connection. Nil while one uses it: cancelling a handler may answer another request.
    private var lateOutput: OutputBuffer?
    // Only ever touched for the length of one call that can't come back here, on the loop's thread: checks would cost each request.
    @exclusivity(unchecked) var encoder = ResponseEncoder()
    var isDraining = false { didSet { answersInPlace = !isDraining && accessLog == nil } }
    /// Has a line for each response; nil for none.
    package var accessLog: AccessLog? { didSet { answersInPlace = !isDraining && accessLog == nil } }
    /// Whether a constant may be copied to the output and counted with others.
    private(set) var answersInPlace = true
    /// Decides which worker serves a connection that was just accepted: true when a sibling does, which has its descriptor now.
    package var handOver: ((_ connection: Int32) -> Bool)?
    /// Called when pending connections stay in their queues: at the connection limit, or without a free descriptor.
    package var acceptingPaused: ((_ isAtLimit: Bool) -> Void)?
    /// Called when a connection closes. `afterShortLife`: it served at most one request; the balancer ignores those.
    package var connectionEnded: ((_ afterShortLife: Bool) -> Void)?
    /// Called when a handler has not answered in time, before its client gets a 503.
    package var handlerTimedOut: ((Exchange) -> Void)?
    /// How many connections others should have rather than this service, and what gives them one that is between two requests.
    package var excess: (count: () -> Int, passOn: (_ connection: Int32) -> Bool)?
    /// While the service goes and others stay: gives them a connection between two requests.
    var passOn: ((_ connection: Int32) -> Bool?)?
    /// Whether connections between two requests are to go elsewhere: all of them, or so many.
    var isPassingOn = false
    var remainingExcess = 0
    var closing: LoopTimer?
    /// What is held for clients that are slow.
    let held: HeldMemory
    var acceptors: [Acceptor] = []
    /// When the listeners' options were last set again.
    var optionsSetAt: UInt64 = 0
    var connections: ContiguousArray<(any ServedConnection)?> = []
    private(set) var openConnections = 0
    /// Those for whom the kernel may hold more (Connection+Output).
    var fastConnections = 0
    let deadlines: DeadlineTable
    /// Connections between two requests, the one that is so for longest first. Some may have a request again.
    let idle = SlotList()
    /// Those that have begun, and sent a part of a head or nothing; also some that have sent it whole since.
    let awaiting = SlotList()
    var sweep: LoopTimer?
    /// For the next request, of any connection; owned here until something else keeps it (HTTPService+Exchange).
    @exclusivity(unchecked) var nextExchange: Exchange?
    /// The same: calling with it retains nothing.
    @exclusivity(unchecked) var exchangeReference: Unmanaged<Exchange>?
    /// When the date of responses changes, by the monotonic clock.
    var dateDue: UInt64 = 0
    var drained: (() -> Void)?

    package init(
        loop: EventLoop, application: any Application, limits: HTTPLimits = HTTPLimits(),
        timeouts: ConnectionTimeouts = ConnectionTimeouts(), connectionLimits: ConnectionLimits = ConnectionLimits(),
        figures: WorkerFigures
    ) {
        self.loop = loop
        self.application = application
        self.limits = limits
        self.timeouts = timeouts
        self.connectionLimits = connectionLimits
        self.figures = figures
        deadlines = DeadlineTable(interval: timeouts.sweepNanoseconds)
        rules = HTTP1.Rules(limits)
        held = HeldMemory(limit: connectionLimits.heldMemory)
        inputCapacity = max(65536, limits.longestHead &+ 16384)
        unsafe inputStart = .allocate(byteCount: inputCapacity &+ PaddedBytes.padding, alignment: 16)
        unsafe input = UnsafeMutableRawBufferPointer(start: inputStart, count: inputCapacity)
        unsafe output = OutputBuffer()
    }

    deinit {
        unsafe inputStart.deallocate()
    }

    /// Accepts connections from a listening, nonblocking socket until the service drains. The socket stays the caller's.
    package func serve(listener: Int32) throws(SystemError) {
        acceptors.append(try Acceptor(service: self, listener: listener))
    }

    /// Accepts no more from it.
    package func stopServing(listener: Int32) { acceptors.removeAll { $0.listener == listener } }

    /// Takes over a connection that another worker accepted.
    /// - Parameter isNew: false when it had been served before.
    package func take(_ descriptor: Int32, isNew: Bool) {
        take(descriptor, isNew: isNew, bytes: [], readAt: 0)
    }

    /// - Parameters:
    ///   - bytes: what was read of it and not answered, which begins with a request.
    ///   - readAt: when that was, in monotonic nanoseconds.
    package func take(_ descriptor: Int32, isNew: Bool, bytes: [UInt8], readAt: UInt64) {
        guard bytes.count <= inputCapacity else {
            let transport = PlainSocket(descriptor)
            transport.close()
            connectionEnded?(false)
            return
        }
        if !hasRoom { _ = makeRoom() }
        let connection = open(PlainSocket(descriptor), isNew: isNew, bytes: bytes, readAt: readAt)
        // It was sent before the drain began.
        if isDraining { connection.serviceDrains() }
    }

    /// Whether one more connection may be taken.
    var hasRoom: Bool {
        connectionLimits.connections == 0 || openConnections < connectionLimits.connections
    }

    /// Closes a connection for one that waits in the queue: the one that has been idle for longest; where none is idle, the one
    /// whose head is incomplete for longest. False when there is neither.
    func makeRoom() -> Bool {
        figures.add(.limitConnections, 1)
        // A list may have some that aren't so any more: each is dropped from it once for each time that it was.
        while let slot = idle.first {
            idle.remove(slot)
            guard let connection = connections[slot], connection.isIdle else { continue }
            connection.evict()
            if connection.isClosed { return true }
        }
        let now = EventLoop.monotonicNanoseconds()
        while let slot = awaiting.first {
            if let connection = connections[slot], connection.awaitsHead {
                // Those behind it have begun later.
                guard connection.headIsOverdue(at: now) else { return false }
                connection.evict()
                if connection.isClosed { return true }
            }
            awaiting.remove(slot)
        }
        return false
    }

    func admit(_ descriptor: Int32) {
        if let handOver, handOver(descriptor) { return }
        let connection = open(PlainSocket(descriptor))
        if isDraining { connection.serviceDrains() }
    }

    /// Serves a client that is reached in another way than through a bare socket.
    package func serve(_ transport: some Transport) { open(transport) }

    @discardableResult
    @inline(__always)
    private func open(
        _ transport: some Transport, isNew: Bool = true, bytes: [UInt8] = [], readAt: UInt64 = 0
    ) -> any ServedConnection {
        let slot = deadlines.allocate()
        let connection = Connection(service: self, transport: transport, slot: slot)
        if accessLog != nil { connection.peer = PeerName(of: transport.descriptor) }
        if slot < connections.count { connections[slot] = connection } else { connections.append(connection) }
        openConnections &+= 1
        if isNew {
            figures.add(.connectionsAccepted, 1)
            awaiting.append(slot)
        } else {
            connection.life.served = 1
            idle.append(slot)
        }
        figures.set(.connectionsOpen, UInt64(openConnections))
        startSweep()
        if !bytes.isEmpty {
            connection.input.kept = bytes
            connection.input.count = bytes.count
            connection.life.readAt = readAt
        }
        connection.start()
        return connection
    }

    /// - Parameter isPassedOn: another process has it.
    func remove(_ connection: some ServedConnection, isPassedOn: Bool = false) {
        connections[connection.slot] = nil
        deadlines.release(connection.slot)
        idle.remove(connection.slot)
        awaiting.remove(connection.slot)
        let wasFull = !hasRoom
        openConnections &-= 1
        figures.set(.connectionsOpen, UInt64(openConnections))
        if !isPassedOn { connectionEnded?(connection.requestsServed <= 1) }
        if wasFull { for acceptor in acceptors { acceptor.thereIsRoom() } }
        finishDrainIfEmpty()
    }

    func finishDrainIfEmpty() {
        guard isDraining || passOn != nil, openConnections == 0, let drained else { return }
        self.drained = nil
        sweep = nil
        drained()
    }

    /// An empty buffer that nothing else uses until it is put back.
    func takeLateOutput() -> OutputBuffer { lateOutput.take() ?? OutputBuffer() }

    func putBack(_ output: consuming OutputBuffer) {
        output.removeAll()
        lateOutput = consume output
    }

    /// Runs `body` on the loop's thread, when no connection is at work.
    func later(_ body: @escaping () -> Void) {
        let job = Job(run: body)
        loop.execute { job.run() }
    }

    private struct Job: @unchecked Sendable { let run: () -> Void }
}
