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
    /// When a slot's hand-over socket was last restored.
    var handOvers: [Int: UInt64] = [:]

    static let interval: UInt64 = 1_000_000_000
}

extension Master {
    /// Once a second. What a queue's look finds sooner is healed at once.
    func lookAtListeners(now: UInt64) {
        guard stopping == .running, !holdsConnections, now &- min(listenerHealth.lastLook, now) >= ListenerHealth.interval else { return }
        listenerHealth.lastLook = now
        healListeners()
        for file in listeners.socketFiles { look(at: file) }
        for listener in listeners.listeningNow { noteSettings(listeners.restoreSettings(of: listener), of: listener) }
    }

    private func noteSettings(_ restored: [String], of listener: Listener) {
        guard !restored.isEmpty else { return }
        listenerHealth.settings += 1
        guard listenerHealth.settings.isWorthALine else { return }
        log(.warning, "a process has changed how a listener is set: restored", [
            "address": "\(listener.address)", "settings": "\(restored.joined(separator: ","))", "restored": "\(listenerHealth.settings)",
        ])
    }

    /// Brings back those that have ended.
    func healListeners() {
        guard stopping == .running, !holdsConnections else { return }
        for listener in listeners.ended { heal(listener, "it was shut down") }
    }

    private func look(at file: SocketFile) {
        switch file.state {
        case .ours:
            listenerHealth.missing.remove(file.path)
            listenerHealth.taken.remove(file.path)
        case .taken:
            noteTaken(file.path)
        case .missing:
            guard !listenerHealth.missing.insert(file.path).inserted else { return }
            guard let listener = listeners.listeningNow.first(where: { $0.address == .unix(path: file.path) }) else { return }
            heal(listener, "its path was removed")
        }
    }

    private func heal(_ listener: Listener, _ reason: String) {
        do throws(SystemError) {
            switch try listeners.heal(listener, whenReplaced: { queueWatch.forget(listener) }) {
            case .listensAgain:
                noteRestored(listener, reason)
            case .replaced:
                sendListener(listener)
                queueWatch.update()
                noteRestored(listener, reason)
            case .pathTaken:
                noteTaken(listener.address.description)
            case .notOurs:
                guard listenerHealth.taken.insert(listener.address.description).inserted else { return }
                log(.error, "a socket of the service manager's no longer listens: restart its unit", ["address": "\(listener.address)"])
            }
        } catch {
            listenerHealth.failures += 1
            guard listenerHealth.failures.isWorthALine else { return }
            log(.error, "can't restore a listener", [
                "address": "\(listener.address)", "reason": "\(error)", "failures": "\(listenerHealth.failures)",
            ])
        }
    }

    private func noteRestored(_ listener: Listener, _ reason: String) {
        if case .unix(let path) = listener.address {
            listenerHealth.missing.remove(path)
            listenerHealth.taken.remove(path)
        }
        listenerHealth.restored += 1
        guard listenerHealth.restored.isWorthALine else { return }
        log(.warning, "a listener did not listen any more: restored", [
            "address": "\(listener.address)", "because": "\(reason)", "restored": "\(listenerHealth.restored)",
        ])
    }

    private func noteTaken(_ path: String) {
        guard listenerHealth.taken.insert(path).inserted else { return }
        log(.error, "another program has the path of a socket: the service can't be reached there", ["path": "\(path)"])
    }

    // MARK: To living workers

    /// Another socket has the listener's number: all processes that accept from it need it.
    private func sendListener(_ listener: Listener) {
        for child in children.values where child.phase != .dying {
            switch child.role {
            case .worker(let slot):
                // A worker that has it in one slot has it in all.
                guard let index = listeners.own(slot, all: true).firstIndex(of: listener) else { continue }
                send(listener.descriptor, slot: slot, place: UInt32(clamping: index), to: child)
            case .auxiliary(let number):
                guard listeners.ofAuxiliaries.indices.contains(number),
                    let index = listeners.ofAuxiliaries[number].firstIndex(of: listener)
                else { continue }
                send(listener.descriptor, slot: nil, place: UInt32(clamping: index), to: child)
            case .quarantine:
                // It accepts nothing: its connections are handed to it.
                continue
            }
        }
    }

    /// For a worker whose loop turns and that accepts nothing, although connections wait: its own copies may be closed.
    func sendQueuesAgain(to child: Child) {
        guard case .worker(let slot) = child.role else { return }
        for (index, listener) in listeners.own(slot, all: true).enumerated() {
            send(listener.descriptor, slot: slot, place: UInt32(clamping: index), to: child)
        }
        if handOver.indices.contains(slot) { send(handOver[slot].receiver, slot: slot, place: Packet.handOverReceiver, to: child) }
    }

    /// A hand-over socket that a process has shut down: another pair gets its numbers here, and every worker is sent it. What is broken
    /// again and again is healed once a second.
    func healHandOver(_ slot: Int) {
        let now = EventLoop.monotonicNanoseconds()
        guard stopping == .running, !holdsConnections, handOver.indices.contains(slot),
            now &- (listenerHealth.handOvers[slot] ?? 0) >= ListenerHealth.interval
        else { return }
        listenerHealth.handOvers[slot] = now
        do throws(SystemError) {
            let pair = try HandOverSocket()
            defer { for descriptor in pair.descriptors { close(descriptor) } }
            queueWatch.forgetHandOver(slot)
            defer { queueWatch.update() }
            for (new, number) in zip(pair.descriptors, handOver[slot].descriptors) {
                try systemCall("replace a hand-over socket") { cposix_replace_descriptor(new, number) }
            }
        } catch {
            return log(.error, "can't restore a hand-over socket", ["slot": "\(slot)", "reason": "\(error)"])
        }
        for child in children.values where child.role.isWorker && child.phase != .dying {
            send(handOver[slot].receiver, slot: slot, place: Packet.handOverReceiver, to: child)
            send(handOver[slot].sender, slot: slot, place: Packet.handOverSender, to: child)
        }
        listenerHealth.restored += 1
        guard listenerHealth.restored.isWorthALine else { return }
        log(.warning, "a hand-over socket was shut down: restored", ["slot": "\(slot)", "restored": "\(listenerHealth.restored)"])
    }

    private func send(_ descriptor: Int32, slot: Int?, place: UInt32, to child: Child) {
        let copy = cposix_duplicate(descriptor)
        guard copy >= 0 else { return }
        let packet = Packet(.listener, number: slot.map { UInt32(clamping: $0) } ?? .max, and: Packet.bytes(of: place))
        // The end of a channel that is closed comes next.
        try? child.channel.send(control: packet, with: OwnedDescriptor(copy))
    }
}
