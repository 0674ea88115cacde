// Every queue of connections has an owner: while a slot's worker is dead, starting, stuck or deaf, a sibling accepts from its listeners.
// Which sibling is decided in QueueOwners.swift, which worker is stuck or deaf in QueueWatch.swift.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging

extension Master {
    /// The workers that are there have changed: their queues get other owners at the end of this turn of the loop, in one go for all changes.
    func assignQueues() {
        guard queuesTimer == nil else { return }
        queuesTimer = loop.after(.zero) { [unowned self] in assignQueuesIfChanged() }
    }

    /// Brings the owners of the queues up to date with the workers that are there.
    func assignQueuesIfChanged() {
        guard queuesTimer != nil else { return }
        queuesTimer = nil
        guard stopping == .running, !holdsConnections else { return }
        var orphans: Set<Int> = []
        for slot in 0..<capacity where listeners.listens(slot) { orphans.insert(slot) }
        var candidates: [QueueOwners.Candidate] = []
        for child in children.values where child.phase == .ready && child.takesConnections {
            guard case .worker(let slot) = child.role else { continue }
            orphans.remove(slot)
            candidates.append(.init(pid: child.pid, slot: slot, connections: pages.board.connections(of: child.page.index)))
        }
        for action in queueOwners.update(orphans: orphans, candidates: candidates) {
            switch action {
            case .adopt(let slot, let pid): tell(pid, Packet(.adopt, number: UInt32(clamping: slot)))
            case .release(let slot, let pid): tell(pid, Packet(.release, number: UInt32(clamping: slot)))
            }
        }
        queueWatch.update()
    }

    /// What can't be sent was meant for a worker that is gone, of which the channel's end tells next.
    private func tell(_ pid: Int32, _ packet: Packet) { try? children[pid]?.channel.send(control: packet) }

    /// The worker's loop doesn't turn; or it does again.
    func changed(_ child: Child, toStuck isStuck: Bool) {
        guard child.isStuck != isStuck else { return }
        child.isStuck = isStuck
        takesConnectionsChanged(child)
        guard isStuck else { return child.stuckTimer = nil }
        // On a busy machine any worker may stand still for a moment.
        child.stuckTimer = loop.after(.seconds(1)) { [unowned self, unowned child] in
            guard stopping == .running else { return }
            let others = children.values.contains { $0.role.isWorker && $0.phase == .ready && $0.takesConnections }
            let text: Logger.Message = others ? "worker is stuck: a sibling accepts for it" : "worker is stuck, and no other worker serves"
            sayOfPeer(.stuck, .workerStuck, text, about: child, request(of: child))
        }
    }

    /// The worker's loop turns, but it accepts nothing from a queue in which connections wait.
    func becameDeaf(_ child: Child, now: UInt64) {
        guard child.phase == .ready, !child.isStuck else { return }
        let pause = pages.board.pause(of: child.page.index)
        child.deafLooks += 1
        // Its own copies of the sockets may be closed. Where it has reasons of its own, others would not help.
        if pause == nil, child.deafLooks % 5 == 1 { sendQueuesAgain(to: child) }
        guard child.deafSince == nil else { return }
        child.deafSince = now
        child.takenWhenDeaf = pages.board.taken(child.page.index)
        takesConnectionsChanged(child)
        deafWorkers += 1
        guard pause != .connectionLimit, deafWorkers.isWorthALine else { return }
        log(.warning, .workerNotAccepting, "worker accepts nothing, though connections wait: a sibling accepts for it", about: child, [
            "because": pause == .noDescriptors ? "it has no free descriptor" : "its sockets may be closed: it gets them again",
            "so_far": "\(deafWorkers)",
        ])
    }

    /// It has accepted something since.
    func hearsAgain(_ child: Child) {
        child.deafSince = nil
        child.deafLooks = 0
        takesConnectionsChanged(child)
    }

    private func takesConnectionsChanged(_ child: Child) {
        if child.phase == .ready {
            child.takesConnections ? pages.board.open(child.page.index) : pages.board.close(child.page.index)
        }
        assignQueues()
    }
}
