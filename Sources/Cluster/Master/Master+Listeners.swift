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
        log(.warning, .listenerOptionsRestored, "a process has changed how a listener is set: restored", [
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
                log(.error, .listenerLost, "a socket of the service manager's no longer listens: restart its unit", ["address": "\(listener.address)"])
            }
        } catch {
            listenerHealth.failures += 1
            guard listenerHealth.failures.isWorthALine else { return }
            log(.error, .listenerNotRestored, "can't restore a listener", [
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
        log(.warning, .listenerRestored, "a listener did not listen any more: restored", [
            "address": "\(listener.address)", "because": "\(reason)", "restored": "\(listenerHealth.restored)",
        ])
    }

    private func noteTaken(_ path: String) {
        guard listenerHealth.taken.insert(path).inserted else { return }
        log(.error, .socketPathTaken, "another program has the path of a socket: the service can't be reached there", ["path": "\(path)"])
    }

    // MARK: To living workers

    /// Another socket has the listener's number: all processes that accept from it need it.
    private func sendListener(_ listener: Listener) {
        for child in children.values where child.phase != .dying {
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
            send(listener.descriptor, number: UInt32(clamping: slot), place: UInt32(clamping: index), to: child)
        }
        sendReceiver(at: .slot(slot), to: child)
    }
}
