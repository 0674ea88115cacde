// Listening sockets that the master sends to a living worker: because the one that it has no longer listens, or because the worker
// accepts nothing from it.
// Process: worker · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

extension Worker {
    func receiveListeners() {
        channel.onDescriptorNext = { [unowned self] in _ = balancing?.arrivals.reserve.lend() }
        channel.onDescriptor = { [unowned self] packet, descriptor in
            defer { _ = balancing?.arrivals.reserve.restore() }
            if packet.kind == .metrics { return receiveMetrics(packet, descriptor) }
            if packet.kind == .stacks { return receiveStacks(packet, descriptor) }
            guard descriptor >= 0 else {
                return logger.log(.warning, .listenerNotTaken, "a listener found no free descriptor in this process")
            }
            guard let (slot, rest) = packet.numbered, let index = Packet.number(in: rest) else {
                _ = Glibc.close(descriptor)
                return
            }
            switch index {
            case Packet.pairReceiver, Packet.pairSender:
                replacePair(at: PairPlace(number: slot), isReceiver: index == Packet.pairReceiver, with: descriptor)
            default:
                replaceListener(slot: slot == .max ? nil : Int(slot), index: Int(index), with: descriptor)
            }
        }
    }

    /// - Parameter slot: nil for an auxiliary's.
    private func replaceListener(slot: Int?, index: Int, with descriptor: Int32) {
        let all = slot.map { slot in balancing.map { $0.listeners.indices.contains(slot) ? $0.listeners[slot] : [] } ?? [] } ?? listeners
        guard all.indices.contains(index), !drain.hasClosedListeners else {
            _ = Glibc.close(descriptor)
            return
        }
        let old = all[index]
        let accepts = !isHeld && !isDraining && acceptedListeners.contains(old)
        // Also where it got the number of one that was closed.
        if cposix_is_same_socket(old.descriptor, descriptor) == 1 {
            if descriptor != old.descriptor { _ = Glibc.close(descriptor) }
            if accepts { service(for: old)?.stopAccepting(from: old) }
            return accepts ? accept(from: old) : ()
        }
        let new = Listener(descriptor: descriptor, address: old.address)
        for slot in balancing?.listeners.indices ?? 0..<0 {
            for index in balancing?.listeners[slot].indices ?? 0..<0 where balancing?.listeners[slot][index] == old {
                balancing?.listeners[slot][index] = new
            }
        }
        for index in listeners.indices where listeners[index] == old { listeners[index] = new }
        if accepts { accept(from: new) }
        retire(old)
    }

    private func accept(from listener: Listener) {
        do {
            try service(for: listener)?.startAccepting(from: listener)
        } catch {
            logger.log(.error, .acceptFailed, "can't accept connections", metadata: ["address": "\(listener.address)", "reason": "\(error)"])
        }
    }

    /// What waits in the old socket's queue is accepted for a second. Then it is closed, if its number still stands for it: the program
    /// may have closed it and got another file under this number.
    private func retire(_ old: Listener) {
        guard isListener(old) else {
            service(for: old)?.stopAccepting(from: old)
            return
        }
        listenerTimers.append(
            loop.after(.seconds(1)) { [unowned self] in
                service(for: old)?.stopAccepting(from: old)
                if isListener(old) { _ = Glibc.close(old.descriptor) }
                listenerTimers.removeFirst()
            })
    }

    private func isListener(_ listener: Listener) -> Bool {
        cposix_listens(listener.descriptor) == 1 && (try? SocketAddress(boundTo: listener.descriptor))?.isBound(to: listener.address) == true
    }

    // MARK: Pairs

    /// - Parameter isReceiver: false for the end that others' connections are sent to.
    private func replacePair(at place: PairPlace, isReceiver: Bool, with descriptor: Int32) {
        guard let pair = pair(at: place) else {
            _ = Glibc.close(descriptor)
            return
        }
        let old = isReceiver ? pair.receiver : pair.sender
        let isWatched = isReceiver && takesArrivals(at: place)
        if cposix_is_same_socket(old, descriptor) == 1 {
            if descriptor != old { _ = Glibc.close(descriptor) }
        } else {
            // What is in the old one still comes.
            if isWatched { stopTakingArrivals(at: place) }
            set(pair.replacing(receiver: isReceiver, with: descriptor), at: place)
            if cposix_is_packet_socket(old) == 1 { _ = Glibc.close(old) }
        }
        guard isWatched else { return }
        do throws(SystemError) {
            if case .slot(let slot) = place { try takeArrivals(at: slot) } else { try startTakingMoved() }
        } catch {
            logger.log(.error, .transferSocketNotWatched, "could not watch a hand-over socket that was replaced", metadata: ["reason": "\(error)"])
        }
    }

    private func pair(at place: PairPlace) -> PacketPair? {
        switch place {
        case .slot(let slot): balancing.flatMap { $0.handOver.indices.contains(slot) ? $0.handOver[slot].pair : nil }
        case .quarantine: quarantine?.memory.queue.socket.pair
        case .returns: quarantine?.memory.returns.pair
        }
    }

    private func set(_ pair: PacketPair, at place: PairPlace) {
        if case .slot(let slot) = place { balancing?.handOver[slot].pair = pair } else { replaceMoveSocket(pair, at: place) }
    }

    private func takesArrivals(at place: PairPlace) -> Bool {
        guard case .slot(let slot) = place else { return takesMoved(at: place) }
        return balancing?.arrivals.watches[slot] != nil && !isDraining
    }

    private func stopTakingArrivals(at place: PairPlace) {
        guard case .slot(let slot) = place else { return stopTakingReplaced() }
        receiveArrivals(at: slot, atMost: ConnectionArrivals.socketLimit)
        balancing?.arrivals.stop(slot)
    }
}
