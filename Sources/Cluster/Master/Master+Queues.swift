// Every queue of connections has an owner: while a slot's worker is dead, on its way or stuck, a sibling accepts from its listeners.
// Runs in the master. Who stands in for whom is decided in QueueOwners.swift, who is stuck in QueueWatch.swift.

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
        for child in children.values where child.phase == .ready && !child.isStuck {
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

    /// What can't be sent was meant for one that is gone, of which the channel's end tells next.
    private func tell(_ pid: Int32, _ packet: Packet) { try? children[pid]?.channel.send(control: packet) }

    /// The worker doesn't accept, though connections wait; or it does again.
    func changed(_ child: Child, toStuck isStuck: Bool) {
        guard child.isStuck != isStuck else { return }
        child.isStuck = isStuck
        if isStuck {
            pages.board.close(child.page.index)
            // On a busy machine any worker may stand still for a moment.
            child.stuckTimer = loop.after(.seconds(1)) { [unowned self, unowned child] in
                log(.warning, "worker is stuck: a sibling accepts for it", about: child, request(of: child))
            }
        } else {
            child.stuckTimer = nil
            if child.phase == .ready { pages.board.open(child.page.index) }
        }
        assignQueues()
    }
}
