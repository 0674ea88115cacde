// Keeps what the cluster listens on listening, and sends living workers the sockets that replace theirs.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

/// What the master has seen of its listeners at earlier looks.
struct ListenerHealth {
    var lastLook: UInt64 = 0
    /// Paths that were missing at the last look: another server may just be about to begin there.
    var missing: Set<String> = []
    /// Paths that another program has, which has been said.
    var taken: Set<String> = []
    var restored = 0
    /// How often settings were.
    var settings = 0
    var failures = 0
    /// When a pair was last restored.
    var pairs: [PairPlace: UInt64] = [:]
    private var nextSettings = 0

    static let interval: UInt64 = 1_000_000_000
    /// How many listeners' settings one look compares: that takes about fifteen system calls for each.
    private static let settingsAtOnce = 16

    /// Those whose settings are compared at this look; all in turn.
    mutating func settingsDue(of listeners: [Listener]) -> [Listener] {
        guard listeners.count > Self.settingsAtOnce else { return listeners }
        defer { nextSettings = (nextSettings + Self.settingsAtOnce) % listeners.count }
        return (0..<Self.settingsAtOnce).map { listeners[(nextSettings + $0) % listeners.count] }
    }
}

final class ListenerKeeper {
    private let context: MasterContext
    private let pool: WorkerPool
    private(set) var listeners: Listeners
    /// For each slot.
    let handOver: [TransferSocket]
    private let memory: QuarantineMemory
    private var health = ListenerHealth()
    /// Another socket is about to get a listener's number, or a pair's numbers.
    var onReplacing: (Replaced) -> Void = { _ in }
    /// It has.
    var onReplaced: () -> Void = {}

    enum Replaced {
        case listener(Listener)
        case pair(PairPlace)
    }

    init(_ context: MasterContext, pool: WorkerPool, listeners: Listeners, handOver: [TransferSocket], quarantine memory: QuarantineMemory) {
        self.context = context
        self.pool = pool
        self.listeners = listeners
        self.handOver = handOver
        self.memory = memory
    }

    func close() {
        listeners.close()
        for socket in handOver { for descriptor in socket.pair.descriptors { Glibc.close(descriptor) } }
    }

    /// New connections are refused as soon as the workers close their copies.
    func closeThoseOfSlots() { listeners.closeThoseOfSlots() }

    func listen(slots count: Int) throws(ClusterError) { try listeners.listen(slots: count) }

    /// Paths of Unix sockets that the master before this one had bound.
    func take(_ files: [SocketFile]) { listeners.socketFiles += files }

    /// What listens, and the paths of Unix sockets, are the next master's.
    func leaveToSuccessor() { listeners.leaveToSuccessor() }

    // MARK: Looking

    /// Once a second. What a queue's look finds sooner is healed at once.
    func look(now: UInt64) {
        guard context.isInCharge, now &- min(health.lastLook, now) >= ListenerHealth.interval else { return }
        health.lastLook = now
        heal()
        for file in listeners.socketFiles { look(at: file) }
        for listener in health.settingsDue(of: listeners.listeningNow) { noteSettings(listeners.restoreSettings(of: listener), of: listener) }
    }

    private func noteSettings(_ restored: [String], of listener: Listener) {
        guard !restored.isEmpty else { return }
        health.settings += 1
        guard health.settings.isWorthALine else { return }
        context.log(
            .warning, .listenerOptionsRestored, "a process has changed how a listener is set: restored",
            [
                "address": "\(listener.address)", "settings": "\(restored.joined(separator: ","))", "restored": "\(health.settings)",
            ])
    }

    /// Brings back those that have ended.
    func heal() {
        guard context.isInCharge else { return }
        for listener in listeners.ended { heal(listener, "it was shut down") }
    }

    private func look(at file: SocketFile) {
        switch file.state {
        case .ours:
            health.missing.remove(file.path)
            health.taken.remove(file.path)
        case .taken:
            noteTaken(file.path)
        case .missing:
            guard !health.missing.insert(file.path).inserted else { return }
            guard let listener = listeners.listeningNow.first(where: { $0.address == .unix(path: file.path) }) else { return }
            heal(listener, "its path was removed")
        }
    }

    private func heal(_ listener: Listener, _ reason: String) {
        do throws(SystemError) {
            switch try listeners.heal(listener, whenReplaced: { onReplacing(.listener(listener)) }) {
            case .listensAgain:
                noteRestored(listener, reason)
            case .replaced:
                sendListener(listener)
                onReplaced()
                noteRestored(listener, reason)
            case .pathTaken:
                noteTaken(listener.address.description)
            case .notOurs:
                guard health.taken.insert(listener.address.description).inserted else { return }
                context.log(.error, .listenerLost, "a socket of the service manager's no longer listens: restart its unit", ["address": "\(listener.address)"])
            }
        } catch {
            health.failures += 1
            guard health.failures.isWorthALine else { return }
            context.log(
                .error, .listenerNotRestored, "can't restore a listener",
                [
                    "address": "\(listener.address)", "reason": "\(error)", "failures": "\(health.failures)",
                ])
        }
    }

    private func noteRestored(_ listener: Listener, _ reason: String) {
        if case .unix(let path) = listener.address {
            health.missing.remove(path)
            health.taken.remove(path)
        }
        health.restored += 1
        guard health.restored.isWorthALine else { return }
        context.log(
            .warning, .listenerRestored, "a listener did not listen any more: restored",
            [
                "address": "\(listener.address)", "because": "\(reason)", "restored": "\(health.restored)",
            ])
    }

    private func noteTaken(_ path: String) {
        guard health.taken.insert(path).inserted else { return }
        context.log(.error, .socketPathTaken, "another program has the path of a socket: the service can't be reached there", ["path": "\(path)"])
    }

    // MARK: To living workers

    /// Another socket has the listener's number: all processes that accept from it need it.
    private func sendListener(_ listener: Listener) {
        for child in pool.children.values where child.phase != .dying {
            switch child.role {
            case .worker(let slot):
                // A worker that has it in one slot has it in all.
                guard let index = listeners.own(slot, all: true).firstIndex(of: listener) else { continue }
                send(listener.descriptor, number: UInt32(clamping: slot), place: UInt32(clamping: index), to: child)
            case .auxiliary(let number):
                guard listeners.ofAuxiliaries.indices.contains(number),
                    let index = listeners.ofAuxiliaries[number].firstIndex(of: listener)
                else { continue }
                send(listener.descriptor, number: .max, place: UInt32(clamping: index), to: child)
            case .quarantine, .lineWriter:
                // They accept nothing.
                continue
            }
        }
    }

    /// For a worker whose loop turns and that accepts nothing, although connections wait: its own copies may be closed.
    func sendQueuesAgain(to child: Child) {
        guard case .worker(let slot) = child.role else { return }
        for (index, listener) in listeners.own(slot, all: true).enumerated() {
            send(listener.descriptor, number: UInt32(clamping: slot), place: UInt32(clamping: index), to: child)
        }
        sendReceiver(at: .slot(slot), to: child)
    }

    // MARK: Pairs

    func pair(at place: PairPlace) -> PacketPair? {
        switch place {
        case .slot(let slot): handOver.indices.contains(slot) ? handOver[slot].pair : nil
        case .quarantine: memory.queue.socket.pair
        case .returns: memory.returns.pair
        }
    }

    /// Another pair gets the numbers of the one that was shut down, and every worker is sent it. What is broken again and again is healed
    /// once a second.
    func healPair(at place: PairPlace) {
        let now = EventLoop.monotonicNanoseconds()
        guard context.isInCharge, let old = pair(at: place), now &- (health.pairs[place] ?? 0) >= ListenerHealth.interval else { return }
        health.pairs[place] = now
        do throws(SystemError) {
            let new = try PacketPair()
            defer { for descriptor in new.descriptors { Glibc.close(descriptor) } }
            onReplacing(.pair(place))
            defer { onReplaced() }
            for (new, number) in zip(new.descriptors, old.descriptors) {
                try systemCall("replace a hand-over socket") { cposix_replace_descriptor(new, number) }
            }
        } catch {
            return context.logOfPeer(
                .pairHealing, .transferSocketNotRestored, "can't restore a hand-over socket", ["of": "\(place)", "reason": "\(error)"], level: .error)
        }
        for child in pool.children.values where child.role.servesConnections && child.phase != .dying {
            sendReceiver(at: place, to: child)
            send(old.sender, number: place.number, place: Packet.pairSender, to: child)
        }
        health.restored += 1
        context.logOfPeer(
            .pairHealing, .transferSocketRestored, "a hand-over socket was shut down: restored",
            [
                "of": "\(place)", "restored": "\(health.restored)",
            ])
    }

    /// For a worker that takes nothing from there: its own copy may be closed.
    func sendReceiver(at place: PairPlace, to child: Child) {
        guard let pair = pair(at: place) else { return }
        send(pair.receiver, number: place.number, place: Packet.pairReceiver, to: child)
    }

    /// - Parameter number: the slot or the pair; all ones for an auxiliary's.
    private func send(_ descriptor: Int32, number: UInt32, place: UInt32, to child: Child) {
        let copy = cposix_duplicate(descriptor)
        guard copy >= 0 else { return }
        // The end of a channel that is closed comes next.
        try? child.channel.send(control: Packet(.listener, number: number, and: Packet.bytes(of: place)), with: OwnedDescriptor(copy))
    }
}
