// Connections that siblings send to this worker, and the queues of siblings that can't accept.
// Process: worker · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

/// The hand-over sockets that a worker reads from.
struct ConnectionArrivals {
    var watches: [Int: DescriptorWatch] = [:]
    /// Ends the pause of a socket that can't be read from at present.
    var pauses: [Int: LoopTimer] = [:]
    var reserve = DescriptorReserve()
    /// Packets that brought no connection.
    var unusable = 0

    /// Packets that are taken before the loop's other work gets its time slice.
    static let batch = 64
    /// More than a socket holds.
    static let socketLimit = 4096

    mutating func stop() {
        watches = [:]
        pauses = [:]
    }

    mutating func stop(_ slot: Int) {
        watches[slot] = nil
        pauses[slot] = nil
    }
}

extension Worker {
    // MARK: Others' queues

    /// The master says that no other worker empties this slot's queues.
    func adopt(slot: Int) {
        guard let balancing, let connectionService, !isHandingOver, slot != balancing.slot,
            balancing.listeners.indices.contains(slot), self.balancing?.adopted.insert(slot).inserted == true
        else { return }
        do {
            for listener in foreignListeners(of: slot) { try connectionService.startAccepting(from: listener) }
            try takeArrivals(at: slot)
        } catch {
            logger.log(.warning, .siblingAcceptFailed, "could not accept for a sibling", metadata: ["sibling": "\(slot)", "reason": "\(error)"])
        }
    }

    /// The slot has a worker of its own again.
    func release(slot: Int) {
        guard balancing?.adopted.remove(slot) != nil else { return }
        balancing?.arrivals.stop(slot)
        for listener in foreignListeners(of: slot) { connectionService?.stopAccepting(from: listener) }
    }

    /// A Unix socket is every worker's already.
    func foreignListeners(of slot: Int) -> [Listener] {
        (balancing?.listeners[slot] ?? []).filter { !listeners.contains($0) }
    }

    /// Unix sockets, and those of the service manager, are every slot's.
    func isOfOneSlotAlone(_ listener: Listener) -> Bool {
        guard let balancing else { return false }
        return balancing.listeners.count { $0.contains(listener) } == 1
    }

    /// The worker's own, and those of the siblings for whom it accepts.
    var acceptedListeners: [Listener] { listeners + (balancing?.adopted ?? []).flatMap(foreignListeners(of:)) }

    // MARK: Arrivals

    func takeArrivals(at slot: Int) throws(SystemError) {
        guard let socket = balancing?.handOver[slot] else { return }
        _ = balancing?.arrivals.reserve.restore()
        balancing?.arrivals.stop(slot)
        balancing?.arrivals.watches[slot] = try loop.watch(socket.receiver, for: .read) { [unowned self] _ in
            receiveArrivals(at: slot, atMost: ConnectionArrivals.batch)
        }
    }

    func receiveArrivals(at slot: Int, atMost limit: Int) {
        guard let socket = balancing?.handOver[slot] else { return }
        for _ in 0..<limit {
            guard let connectionService else { return }
            // What can't be taken stays in the socket, where a sibling can have it.
            guard balancing?.arrivals.reserve.lend() == true else { return pauseArrivals(at: slot) }
            let reception = socket.receive()
            let hasRoom = balancing?.arrivals.reserve.restore() == true
            switch reception {
            case .nothing:
                return
            case .ended:
                return pauseArrivals(at: slot, lacksDescriptors: false)
            case .unusable:
                noteUnusable(at: slot)
            case .connection(let arrival):
                if arrival.connection >= openFiles.highWaterMark { openFiles.follow() }
                count(arrival)
                if !hasRoom {
                    pauseArrivals(at: slot)
                    if giveBack(arrival) { return }
                }
                connectionService.take(arrival.connection, isNew: arrival.isNew)
                if !hasRoom { return }
            }
        }
    }

    private func count(_ arrival: TransferSocket.Arrival) {
        guard let balancing else { return }
        balancing.table.noteArrived(balancing.entry)
        // It was reserved for a worker that has died since.
        if arrival.reservation != balancing.reservation(balancing.entry) { balancing.table.add(balancing.entry) }
        self.balancing?.reservations.held &+= 1
    }

    /// This process has no descriptor left: the connection goes to a sibling that has.
    /// - Returns: false when none takes it; then it is served here all the same.
    private func giveBack(_ arrival: TransferSocket.Arrival) -> Bool {
        guard let balancing, let place = balancing.table.placeElsewhere(own: balancing.entry),
            send(arrival.connection, isNew: arrival.isNew, to: place)
        else { return false }
        connectionEnded(afterShortLife: false)
        close(arrival.connection)
        figures.add(.connectionsReturned, 1)
        return true
    }

    /// For a moment: out of descriptors, or the other end is broken. Else the loop would spin on a socket that stays readable.
    private func pauseArrivals(at slot: Int, lacksDescriptors: Bool = true) {
        guard let balancing else { return }
        balancing.table.setFull(balancing.entry, true)
        if lacksDescriptors { pausesAccepting(because: .noDescriptors) }
        balancing.arrivals.watches[slot]?.pause()
        self.balancing?.arrivals.pauses[slot] = loop.after(.milliseconds(100)) { [unowned self] in
            guard self.balancing?.arrivals.reserve.restore() == true else { return pauseArrivals(at: slot) }
            self.balancing?.table.setFull(balancing.entry, false)
            self.balancing?.arrivals.watches[slot]?.resume()
        }
    }

    private func noteUnusable(at slot: Int) {
        balancing?.arrivals.unusable += 1
        guard let count = balancing?.arrivals.unusable, count.isWorthALine else { return }
        logger.log(
            .warning,
            .transferUnusable, "a hand-over brought no connection that can be served",
            metadata: ["for": "\(slot)", "so_far": "\(count)"])
    }

    /// Now and then: what the table says of this worker is what it has.
    func settleReservations() {
        guard let balancing, !isDraining else { return }
        let surplus = self.balancing?.reservations.settle(reserved: balancing.table.connections(of: balancing.entry)) ?? 0
        if surplus != 0 { balancing.table.add(balancing.entry, -surplus) }
    }
}
