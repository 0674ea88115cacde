// Where a worker's connections come from: its own listeners, those of siblings that can't accept, and siblings that have more than
// their share. Runs in the worker process, on its loop.

internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

/// What a worker knows of the others' connections.
struct Sharing {
    let board: LoadBoard
    /// The worker's own entry.
    let entry: Int
    /// For each slot, also those not in use.
    var listeners: [[Listener]]
    var handOver: [HandOverSocket]
    /// Whose board it is.
    let masterPID: Int32
    /// The slot whose queues are the worker's own.
    let slot: Int
    let balances: Bool

    /// Sets the board right.
    var bookings = Bookings()
    /// The slots whose queues this worker empties now.
    var adopted: Set<Int> = []
    var arrivals = ConnectionArrivals()
    /// Short connections that ended in the current tenth of a second, and in the one before.
    var turnover: (current: UInt32, previous: UInt32, until: UInt64) = (0, 0, 0)

    func booking(_ entry: Int) -> HandOverSocket.Booking {
        HandOverSocket.Booking(board: UInt32(bitPattern: masterPID), entry: UInt32(clamping: entry))
    }

    static let turnoverWindow: UInt64 = 100_000_000
}

extension Worker {
    /// Has `service` serve the worker's connections: it is told now to accept from the worker's ``listeners``, and later from
    /// those of siblings that are dead or stuck. While the worker is told to go, it is told to stop.
    ///
    /// The service lives until the process ends.
    public func serveConnections(with service: any ConnectionService) throws {
        connectionService = service
        if !isHeld { try beginAccepting(with: service) }
    }

    private func beginAccepting(with service: any ConnectionService) throws {
        for listener in listeners { try service.startAccepting(from: listener) }
        try startTakingMoved()
        guard let sharing, !isQuarantine else { return }
        try takeArrivals(at: sharing.slot)
        sharing.board.open(sharing.entry)
    }

    /// The master's predecessor has let go of its connections.
    func endHold() {
        guard isHeld else { return }
        isHeld = false
        guard let connectionService, !isDraining else { return }
        do {
            try beginAccepting(with: connectionService)
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
        guard let sharing else { return false }
        sharing.board.noteAccepted(sharing.entry)
        if !sharing.balances {
            sharing.board.add(sharing.entry)
        } else if let place = sharing.board.place(own: sharing.entry, slack: recentTurnover()) {
            if send(connection, isNew: true, to: place) {
                close(connection)
                figures.add(.connectionsHandedOver, 1)
                return true
            }
            sharing.board.add(sharing.entry)
        }
        self.sharing?.bookings.held &+= 1
        return false
    }

    /// A connection that this worker served is over.
    /// - Parameter isShort: whether it was one of many that come and go: how many of those a worker has at a moment says
    ///   nothing of its load, so they are not handed around.
    public func connectionEnded(afterShortLife isShort: Bool) {
        guard let entry = sharing?.entry else { return }
        sharing?.board.subtract(entry)
        sharing?.bookings.held &-= 1
        if isShort { sharing?.turnover.current &+= 1 }
    }

    /// How many connections more than its share the worker has: others have become free since it accepted them, or are new. Where it
    /// has many that come and go, it says 0.
    public var excessConnections: Int {
        guard let sharing, sharing.balances, !isDraining else { return 0 }
        return sharing.board.excess(own: sharing.entry, slack: recentTurnover())
    }

    /// Gives a connection that is between two requests to the sibling with the fewest: while the worker goes and others stay, or when it
    /// has more than its share; see ``excessConnections``.
    ///
    /// - Returns: true when a sibling has it; then stop watching its descriptor and close it. False when none takes it now.
    public func passOn(_ connection: Int32) -> Bool {
        guard let sharing, isHandingOver || (!isDraining && sharing.balances) else { return false }
        if drain.successorCount > 0 { return passOn(connection, toSuccessorsWith: sharing) }
        let place = isHandingOver ? sharing.board.placeElsewhere(own: sharing.entry) : sharing.board.placeExcess(own: sharing.entry)
        guard let place, send(connection, isNew: false, to: place) else { return false }
        connectionEnded(afterShortLife: false)
        return true
    }

    /// Tells the cluster that this worker leaves connections in its queues, and why. It holds until the next call of ``handOver(_:)``.
    /// Without it a worker that accepts nothing, although connections wait and its loop turns, is taken for broken.
    public func pausesAccepting(because reason: AcceptingPause) {
        if let sharing { sharing.board.notePause(sharing.entry, reason) }
    }

    /// The workers of another master have a board of their own, so these are served in turn.
    private func passOn(_ connection: Int32, toSuccessorsWith sharing: Sharing) -> Bool {
        let count = min(drain.successorCount, sharing.handOver.count)
        guard count > 0 else { return false }
        drain.lastSuccessor = (drain.lastSuccessor &+ 1) % count
        return sharing.handOver[(drain.lastSuccessor + sharing.slot) % count].send(connection, isNew: false, booking: nil)
    }

    func send(_ connection: Int32, isNew: Bool, to place: LoadBoard.Place) -> Bool {
        guard let sharing, sharing.handOver.indices.contains(place.slot),
            sharing.handOver[place.slot].send(connection, isNew: isNew, booking: sharing.booking(place.entry))
        else {
            sharing?.board.subtract(place.entry)
            return false
        }
        return true
    }

    private func recentTurnover() -> UInt32 {
        guard let turnover = sharing?.turnover else { return 0 }
        guard turnover.current | turnover.previous != 0 else { return 0 }
        let now = EventLoop.monotonicNanoseconds()
        guard now >= turnover.until else { return turnover.current &+ turnover.previous }
        let isNext = now &- turnover.until < Sharing.turnoverWindow
        sharing?.turnover = (0, isNext ? turnover.current : 0, now &+ Sharing.turnoverWindow)
        return isNext ? turnover.current : 0
    }

    // MARK: Going

    /// Runs when the worker begins to go: from here on no sibling hands it connections. The queues of its slot have other owners already,
    /// unless the whole cluster stops.
    func stopSharing() {
        stopTakingMoved()
        guard let sharing, !isQuarantine else { return }
        sharing.board.close(sharing.entry)
        guard isHandingOver else {
            takeWhatWaits()
            return
        }
        for slot in sharing.adopted { release(slot: slot) }
        self.sharing?.arrivals.stop()
        for listener in listeners { connectionService?.stopAccepting(from: listener) }
    }
}
