// Replaces the socket pairs on which connections travel between workers, when a process has shut one down: the slots' hand-over sockets
// and those of the quarantine alike. QueueWatch finds them.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

extension Master {
    func pair(at place: PairPlace) -> PacketPair? {
        switch place {
        case .slot(let slot): handOver.indices.contains(slot) ? handOver[slot].pair : nil
        case .quarantine: quarantine.memory.queue.socket.pair
        case .returns: quarantine.memory.returns.pair
        }
    }

    /// Another pair gets the numbers of the one that was shut down, and every worker is sent it. What is broken again and again is healed
    /// once a second.
    func healPair(at place: PairPlace) {
        let now = EventLoop.monotonicNanoseconds()
        guard stopping == .running, !holdsConnections, let old = pair(at: place),
            now &- (listenerHealth.pairs[place] ?? 0) >= ListenerHealth.interval
        else { return }
        listenerHealth.pairs[place] = now
        do throws(SystemError) {
            let new = try PacketPair()
            defer { for descriptor in new.descriptors { close(descriptor) } }
            queueWatch.forget(place)
            defer { queueWatch.update() }
            for (new, number) in zip(new.descriptors, old.descriptors) {
                try systemCall("replace a hand-over socket") { cposix_replace_descriptor(new, number) }
            }
        } catch {
            return say(.pairHealing, .error, .transferSocketNotRestored, "can't restore a hand-over socket", ["of": "\(place)", "reason": "\(error)"])
        }
        for child in children.values where child.role.servesConnections && child.phase != .dying {
            sendReceiver(at: place, to: child)
            send(old.sender, number: place.number, place: Packet.pairSender, to: child)
        }
        listenerHealth.restored += 1
        say(.pairHealing, .warning, .transferSocketRestored, "a hand-over socket was shut down: restored", [
            "of": "\(place)", "restored": "\(listenerHealth.restored)",
        ])
    }

    /// For a worker that takes nothing from there: its own copy may be closed.
    func sendReceiver(at place: PairPlace, to child: Child) {
        guard let pair = pair(at: place) else { return }
        send(pair.receiver, number: place.number, place: Packet.pairReceiver, to: child)
    }

    /// - Parameter number: the slot or the pair; all ones for an auxiliary's.
    func send(_ descriptor: Int32, number: UInt32, place: UInt32, to child: Child) {
        let copy = cposix_duplicate(descriptor)
        guard copy >= 0 else { return }
        // The end of a channel that is closed comes next.
        try? child.channel.send(control: Packet(.listener, number: number, and: Packet.bytes(of: place)), with: OwnedDescriptor(copy))
    }
}
