// Where a worker's connections come from: its own listeners, those of siblings that can't accept, and siblings that have more than
// their share. Runs in the worker process, on its loop.

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

/// What a worker knows of the others' connections.
struct Balancing {
    let table: LoadTable
    /// The worker's own entry.
    let entry: Int
    /// For each slot, also those not in use.
    var listeners: [[Listener]]
    var handOver: [TransferSocket]
    /// Whose table it is.
    let masterPID: Int32
    /// The slot whose queues are the worker's own.
    let slot: Int
    let balances: Bool

    /// Sets the table right.
    var reservations = Reservations()
    /// The slots whose queues this worker empties now.
    var adopted: Set<Int> = []
    var arrivals = ConnectionArrivals()
    /// Short connections that ended in the current tenth of a second, and in the one before.
    var turnover: (current: UInt32, previous: UInt32, until: UInt64) = (0, 0, 0)

    func reservation(_ entry: Int) -> TransferSocket.Reservation {
        TransferSocket.Reservation(table: UInt32(bitPattern: masterPID), entry: UInt32(clamping: entry))
    }

    static let turnoverWindow: UInt64 = 100_000_000
}

extension Worker {
    /// Has `service` serve the worker's connections: it starts to accept from the worker's ``listeners`` now, and later from
    /// those of siblings that are dead or stuck. When the worker drains, it stops.
    ///
    /// The service lives until the process ends.
    public func serveConnections(with service: any ConnectionService) throws {
        connectionService = service
        if !isHeld { try beginAccepting(with: service) }
    }

    /// The same for the connections to the control socket, where this process serves it.
    package func serveControl(with service: any ConnectionService) throws {
        controlService = service
        if !isHeld { try beginAcceptingControl() }
    }

    /// Who serves a listener's connections.
    func service(for listener: Listener) -> (any ConnectionService)? { listener.address == controlAddress ? controlService : connectionService }

    private func beginAcceptingControl() throws {
        for listener in listeners where listener.address == controlAddress { try controlService?.startAccepting(from: listener) }
    }

    private func beginAccepting(with service: any ConnectionService) throws {
        for listener in listeners where listener.address != controlAddress { try service.startAccepting(from: listener) }
        try startTakingMoved()
        guard let balancing, !isQuarantine else { return }
        try takeArrivals(at: balancing.slot)
        balancing.table.open(balancing.entry)
    }

    /// The master's predecessor has handed over its connections.
    func endHold() {
        guard isHeld else { return }
        isHeld = false
        guard !isDraining else { return }
        do {
            if let connectionService { try beginAccepting(with: connectionService) }
            try beginAcceptingControl()
        } catch {
            logger.log(.error, .acceptFailed, "could not begin to accept connections", metadata: ["reason": "\(error)"])
            leave(status: 1)
        }
    }

    /// For a connection that was just accepted: hands it to the sibling with the fewest connections, if this worker has more than
    /// its share of them. The kernel spreads connections by a hash of their addresses, which is even for many and uneven for few.
    ///
    /// - Parameter connection: its descriptor. When it is handed over, it is closed here.
    /// - Returns: false when it is this worker's to serve; then ``connectionEnded(afterShortLife:)`` is called at its end.
    public func handOver(_ connection: Int32) -> Bool {
        if connection >= openFiles.highWaterMark { openFiles.follow() }
        guard let balancing else { return false }
        balancing.table.noteAccepted(balancing.entry)
        if !balancing.balances {
            balancing.table.add(balancing.entry)
        } else if let place = balancing.table.place(own: balancing.entry, slack: recentTurnover()) {
            if send(connection, isNew: true, to: place) {
                close(connection)
                figures.add(.connectionsHandedOver, 1)
                return true
            }
            balancing.table.add(balancing.entry)
        }
        self.balancing?.reservations.held &+= 1
        return false
    }

    /// A connection that this worker served is over.
    /// - Parameter isShort: whether it was one of many that come and go: how many of those a worker has at a moment says
    ///   nothing of its load, so they are not handed around.
    public func connectionEnded(afterShortLife isShort: Bool) {
        guard let entry = balancing?.entry else { return }
        balancing?.table.subtract(entry)
        balancing?.reservations.held &-= 1
        if isShort { balancing?.turnover.current &+= 1 }
    }

    /// How many connections more than its share the worker has: others have become free since it accepted them, or are new. Where it
    /// has many that come and go, it says 0.
    public var excessConnections: Int {
        guard let balancing, balancing.balances, !isDraining else { return 0 }
        return balancing.table.excess(own: balancing.entry, slack: recentTurnover())
    }

    /// Gives a connection that is between two requests to the sibling with the fewest: while the worker goes and others stay, or when it
    /// has more than its share; see ``excessConnections``.
    ///
    /// - Returns: true when a sibling has it; then stop watching its descriptor and close it. False when none takes it now.
    public func passOn(_ connection: Int32) -> Bool {
        guard let balancing, isHandingOver || (!isDraining && balancing.balances) else { return false }
        if drain.successorCount > 0 { return passOn(connection, toSuccessorsWith: balancing) }
        let place = isHandingOver ? balancing.table.placeElsewhere(own: balancing.entry) : balancing.table.placeExcess(own: balancing.entry)
        guard let place, send(connection, isNew: false, to: place) else { return false }
        connectionEnded(afterShortLife: false)
        return true
    }

    /// Tells the cluster that this worker leaves connections in its queues, and why. It holds until the next call of ``handOver(_:)``.
    /// Without it a worker that accepts nothing, although connections wait and its loop turns, is taken for broken.
    public func pausesAccepting(because reason: AcceptingPause) {
        if let balancing { balancing.table.notePause(balancing.entry, reason) }
    }

    /// The workers of another master have a table of their own, so these are served in turn.
    private func passOn(_ connection: Int32, toSuccessorsWith balancing: Balancing) -> Bool {
        let count = min(drain.successorCount, balancing.handOver.count)
        guard count > 0 else { return false }
        drain.lastSuccessor = (drain.lastSuccessor &+ 1) % count
        return balancing.handOver[(drain.lastSuccessor + balancing.slot) % count].send(connection, isNew: false, reservation: nil)
    }

    func send(_ connection: Int32, isNew: Bool, to place: LoadTable.Place) -> Bool {
        guard let balancing, balancing.handOver.indices.contains(place.slot),
            balancing.handOver[place.slot].send(connection, isNew: isNew, reservation: balancing.reservation(place.entry))
        else {
            balancing?.table.subtract(place.entry)
            return false
        }
        return true
    }

    private func recentTurnover() -> UInt32 {
        guard let turnover = balancing?.turnover else { return 0 }
        guard turnover.current | turnover.previous != 0 else { return 0 }
        let now = EventLoop.monotonicNanoseconds()
        guard now >= turnover.until else { return turnover.current &+ turnover.previous }
        let isNext = now &- turnover.until < Balancing.turnoverWindow
        balancing?.turnover = (0, isNext ? turnover.current : 0, now &+ Balancing.turnoverWindow)
        return isNext ? turnover.current : 0
    }

    // MARK: Going

    /// Runs when the worker begins to go: from here on no sibling hands it connections. The queues of its slot have other owners already,
    /// unless the whole cluster stops.
    func stopBalancing() {
        stopTakingMoved()
        guard let balancing, !isQuarantine else { return }
        balancing.table.close(balancing.entry)
        guard isHandingOver else {
            takeWhatWaits()
            return
        }
        for slot in balancing.adopted { release(slot: slot) }
        self.balancing?.arrivals.stop()
        for listener in listeners { connectionService?.stopAccepting(from: listener) }
    }
}
