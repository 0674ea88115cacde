// The quarantine as a worker sees it. In all workers but one: which requests go there, and the way. In the quarantine worker: what it
// takes, one request after the other, and the way back.
// Process: worker · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

/// A worker's place in the quarantine.
struct QuarantineSeat {
    var memory: QuarantineMemory
    let policy: QuarantinePolicy
    /// Whether this is the quarantine worker.
    let isInside: Bool
    /// Connections that were taken and not given back.
    var held = 0
    var watch: DescriptorWatch?
    var pause: LoopTimer?
    /// Made when something arrives.
    var buffer: ByteStorage?
    var isToldOfDrain = false
    /// The worker goes: called when nothing waits any more.
    var emptied: (() -> Void)?

    /// Async handlers that wait at a time: so many requests a crash can cost beside its own.
    static let waitingLimit = 8
    /// Connections that are taken before others get their turn.
    static let batch = 16
}

/// Whether a request is to be answered by another process. Asked for every request: it costs a load and a branch where nothing
/// is quarantined.
@safe
@usableFromInline package struct QuarantineGate {
    @usableFromInline let words: UnsafePointer<UInt64>
    private let list: QuarantineList
    /// Whether this is the quarantine worker, where everything else is sent away.
    package let isInside: Bool

    init(_ list: QuarantineList, isInside: Bool) {
        self.list = list
        self.isInside = isInside
        // The quarantine worker looks at every request: its list's second word is never 0.
        unsafe words = UnsafePointer(list.words) + (isInside ? 1 : 0)
    }

    /// Whether `sendsAway` has to be asked.
    @inlinable package var isClosed: Bool { unsafe words.pointee != 0 }

    /// - Parameter path: as the request spells it.
    package func sendsAway(endpoint: UInt64, path: RawSpan) -> Bool {
        list.contains(endpoint: endpoint, path: path) != isInside
    }
}

/// Serves connections that come with bytes that were read already.
package protocol MovedConnectionService: ConnectionService {
    /// - Parameter readAt: when the bytes were read, in monotonic nanoseconds.
    func take(_ connection: Int32, bytes: [UInt8], readAt: UInt64)
}

extension Worker {
    /// Whether this is the quarantine worker, which serves what has killed others; see <doc:Quarantine>. Its ``slot`` is no other
    /// worker's.
    public var isQuarantine: Bool { quarantine?.isInside == true }

    /// Nil in an auxiliary.
    package var quarantineGate: QuarantineGate? { quarantine.map { QuarantineGate($0.memory.list, isInside: $0.isInside) } }

    /// Sends a connection to where its next request belongs: to the quarantine worker, or from there to another worker.
    /// - Returns: false when it can't be moved now. Else another process has it; close the descriptor.
    package func move(_ connection: Int32, _ bytes: RawSpan, readAt: UInt64) -> Bool {
        guard let quarantine else { return false }
        if quarantine.isInside {
            guard takesConnections, quarantine.memory.returns.send(connection, bytes, readAt: readAt) else { return false }
            movedConnectionEnded()
        } else {
            guard !quarantine.memory.list.isDown else { return false }
            let limit = quarantine.policy.queueCount
            guard quarantine.memory.queue.send(connection, bytes, readAt: readAt, upTo: limit) else { return false }
            connectionEnded(afterShortLife: false)
        }
        return true
    }

    /// A request was refused because it could not be moved.
    package func noteQuarantineRefusal() { quarantine?.memory.queue.noteRefusal() }

    /// In the quarantine worker: gives a connection between two requests to the worker with the fewest.
    /// - Returns: false when no worker takes it now, nil when none will.
    package func giveBack(_ connection: Int32) -> Bool? {
        guard let balancing, isHandingOver || !isDraining else { return nil }
        if isHandingOver {
            guard passOn(connection) else { return false }
        } else {
            guard let place = balancing.table.placeElsewhere(own: balancing.entry), send(connection, isNew: false, to: place) else {
                return false
            }
        }
        movedConnectionEnded()
        return true
    }

    /// In the quarantine worker: a connection that it took is over, or another worker's.
    package func movedConnectionEnded() {
        quarantine?.held -= 1
        if quarantine?.emptied != nil {
            // Not from within the taking of another.
            quarantine?.pause = loop.after(.zero) { [unowned self] in
                resumeTaking()
                takeMoved()
            }
        } else if quarantine?.pause != nil, hasRoomForMoved {
            resumeTaking()
        }
    }

    /// Whether any other worker takes connections.
    private var takesConnections: Bool {
        guard let balancing, let place = balancing.table.placeElsewhere(own: balancing.entry) else { return false }
        balancing.table.subtract(place.entry)
        return true
    }

    // MARK: Taking

    /// Begins to take what waits: in the quarantine worker what was sent there, in others what comes back.
    func startTakingMoved() throws(SystemError) {
        guard let quarantine, connectionService is any MovedConnectionService else { return }
        let socket = quarantine.isInside ? quarantine.memory.queue.socket : quarantine.memory.returns
        // One that was closed has to be watched anew.
        self.quarantine?.watch = nil
        self.quarantine?.pause = nil
        self.quarantine?.watch = try loop.watch(socket.receiver, for: .read) { [unowned self] _ in takeMoved() }
        guard quarantine.isInside, !quarantine.isToldOfDrain else { return }
        self.quarantine?.isToldOfDrain = true
        onDrain { [unowned self] done in
            self.quarantine?.emptied = done
            takeMoved()
        }
    }

    /// The worker goes, and others stay: they take what comes back.
    func stopTakingMoved() {
        guard let quarantine, !quarantine.isInside else { return }
        if !isHandingOver { takeAllMoved() }
        self.quarantine?.watch = nil
        self.quarantine?.pause = nil
    }

    /// There is no quarantine worker: this one takes what waits for it, and refuses what is suspect.
    func emptyQuarantineQueue() {
        guard quarantine?.isInside == false, !isDraining, connectionService is any MovedConnectionService else { return }
        for _ in 0..<ConnectionArrivals.batch { guard case .took = takeNext(inside: true) else { return } }
    }

    private func takeAllMoved() {
        // What siblings send meanwhile is not waited for.
        for _ in 0..<ConnectionArrivals.socketLimit { guard case .took = takeNext() else { return } }
    }

    /// Another socket takes the place of the one that this worker takes from, or of the one that it sends to.
    func replaceMoveSocket(_ pair: PacketPair, at place: PairPlace) {
        if place == .quarantine { quarantine?.memory.queue.socket.pair = pair } else { quarantine?.memory.returns.pair = pair }
    }

    /// Whether this worker takes from there.
    func takesMoved(at place: PairPlace) -> Bool {
        guard let quarantine, quarantine.watch != nil else { return false }
        return place == (quarantine.isInside ? .quarantine : .returns)
    }

    /// What is in the old socket still comes, as far as there is room.
    func stopTakingReplaced() {
        if quarantine?.isInside == false { takeAllMoved() } else { while hasRoomForMoved, case .took = takeNext() {} }
        quarantine?.watch = nil
        quarantine?.pause = nil
    }

    private func takeMoved() {
        for _ in 0..<QuarantineSeat.batch {
            guard hasRoomForMoved else { return pauseTaking() }
            switch takeNext() {
            case .took: continue
            case .nothing: break
            // It stays readable until the master has replaced it.
            case .ended: pauseTaking(.milliseconds(100))
            // The connection stays in the socket, for this worker or another.
            case .noDescriptor: pauseTaking(.milliseconds(100), because: .noDescriptors)
            }
            if quarantine?.held == 0, let emptied = quarantine?.emptied.take() { emptied() }
            return
        }
    }

    private enum Taking {
        case took, nothing, ended, noDescriptor
    }

    private func takeNext(inside isInside: Bool? = nil) -> Taking {
        guard let quarantine, let service = connectionService as? any MovedConnectionService else { return .nothing }
        guard balancing?.arrivals.reserve.lend() == true else { return .noDescriptor }
        defer { _ = balancing?.arrivals.reserve.restore() }
        let buffer = quarantine.buffer ?? ByteStorage(count: MoveSocket.maximumByteCount)
        self.quarantine?.buffer = buffer
        let reception =
            isInside ?? quarantine.isInside ? quarantine.memory.queue.receive(into: buffer) : quarantine.memory.returns.receive(into: buffer)
        guard case .connection(let arrival) = reception else { return reception == .ended ? .ended : .nothing }
        if quarantine.isInside {
            self.quarantine?.held += 1
            balancing.map { $0.table.noteAccepted($0.entry) }
        } else if let balancing {
            balancing.table.add(balancing.entry)
            self.balancing?.reservations.held &+= 1
        }
        service.take(arrival.connection, bytes: arrival.bytes, readAt: arrival.readAt)
        return .took
    }

    private var hasRoomForMoved: Bool {
        guard let quarantine, quarantine.isInside else { return true }
        return quarantine.held < quarantine.memory.list.limit && blackBox.waiting < QuarantineSeat.waitingLimit
    }

    private func pauseTaking(_ time: Duration = .milliseconds(20), because reason: AcceptingPause = .connectionLimit) {
        if isQuarantine { pausesAccepting(because: reason) }
        quarantine?.watch?.pause()
        // A handler may also be over while its connection stays.
        quarantine?.pause = loop.after(time) { [unowned self] in
            hasRoomForMoved ? resumeTaking() : pauseTaking()
        }
    }

    private func resumeTaking() {
        quarantine?.pause = nil
        quarantine?.watch?.resume()
    }
}

extension WorkerBirth {
    /// Runs right after the fork: from here on a crash closes the worker's descriptors, and its backtraces are limited.
    func prepareForCrash() {
        unsafe cposix_close_descriptors_on_crash(page.blackBox.crashWord)
        guard let quarantine = inheritance.quarantine else { return }
        quarantine.memory.protectList()
        let (since, endpoint) = unsafe page.blackBox.currentWords
        unsafe cposix_limit_backtraces(quarantine.memory.backtraces, since, endpoint)
    }
}
