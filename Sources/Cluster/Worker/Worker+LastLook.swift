// Queues that no other worker empties any more, because the whole cluster stops: those of a worker that hangs, that dies meanwhile, or that was
// told to go a moment before. Each worker looks at all of them when it begins to drain and before it ends, so that the last one finds
// what the others left.
// Process: worker · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

extension Worker {
    /// Takes the connections that siblings have sent, and accepts from every queue in which connections wait.
    /// - Returns: whether there were any.
    @discardableResult
    func takeWhatWaits() -> Bool {
        guard let balancing, connectionService != nil, !isQuarantine, !isHandingOver, !isHeld else { return false }
        var slots: [Int] = []
        var requests: [pollfd] = []
        func add(_ descriptor: Int32, of slot: Int) {
            slots.append(slot)
            requests.append(pollfd(fd: descriptor, events: Int16(POLLIN) | Int16(cposix_poll_ended), revents: 0))
        }
        for (slot, socket) in balancing.handOver.enumerated() { add(socket.receiver, of: slot) }
        // Its own, and those that it has adopted, it accepts from already, or has closed.
        for slot in balancing.listeners.indices where slot != balancing.slot && !balancing.adopted.contains(slot) {
            for listener in foreignListeners(of: slot) { add(listener.descriptor, of: slot) }
        }
        guard unsafe poll(&requests, nfds_t(requests.count), 0) > 0 else { return false }
        var found = false
        // One that is shut down, or doesn't listen, has nothing.
        for (index, request) in requests.enumerated() where request.revents == Int16(POLLIN) {
            found = true
            if index < balancing.handOver.count {
                receiveArrivals(at: slots[index], atMost: ConnectionArrivals.socketLimit)
            } else {
                adopt(slot: slots[index])
            }
        }
        return found
    }

    /// Nothing is in flight here any more. Ends the process, unless something waits for a worker: then when that is answered, too, or at
    /// the drain's deadline.
    func leaveUnlessConnectionsWait() {
        let before = balancing?.reservations.held ?? 0
        guard takeWhatWaits() else { leave(status: 0) }
        drain.lastLook = loop.every(.milliseconds(10)) { [unowned self] in
            guard !takeWhatWaits(), balancing?.reservations.held ?? 0 <= before else { return }
            leave(status: 0)
        }
    }
}
