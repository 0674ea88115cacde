// Every queue of connections has an owner: while a slot's worker is dead, starting, stuck or deaf, a sibling accepts from its listeners.
// Which sibling is decided in QueueOwners.swift, which worker is stuck or deaf in QueueWatch.swift.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging

final class QueueAssignment {
    private let context: MasterContext
    private let pool: WorkerPool
    private let keeper: ListenerKeeper
    private var owners = QueueOwners()
    /// Set while the owners have to be looked at.
    private var timer: LoopTimer?
    /// Times that a worker accepted nothing although its loop turned.
    private var deafWorkers = 0
    /// The owners have been brought up to date.
    var onAssigned: () -> Void = {}

    init(_ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
    }

    func stop() { timer = nil }

    /// The workers that are there have changed: their queues get other owners at the end of this turn of the loop, in one go for all changes.
    func assign() {
        guard timer == nil else { return }
        timer = context.loop.after(.zero) { [unowned self] in assignIfChanged() }
    }

    /// Brings the owners of the queues up to date with the workers that are there.
    func assignIfChanged() {
        guard timer != nil else { return }
        timer = nil
        guard context.isInCharge else { return }
        var orphans: Set<Int> = []
        for slot in 0..<pool.capacity where keeper.listeners.listens(slot) { orphans.insert(slot) }
        var candidates: [QueueOwners.Candidate] = []
        for child in pool.children.values where child.phase == .ready && child.takesConnections {
            guard case .worker(let slot) = child.role else { continue }
            orphans.remove(slot)
            candidates.append(.init(pid: child.pid, slot: slot, connections: pool.pages.table.connections(of: child.page.index)))
        }
        for action in owners.update(orphans: orphans, candidates: candidates) {
            switch action {
            case .adopt(let slot, let pid): tell(pid, Packet(.adopt, number: UInt32(clamping: slot)))
            case .release(let slot, let pid): tell(pid, Packet(.release, number: UInt32(clamping: slot)))
            }
        }
        onAssigned()
    }

    /// What can't be sent was meant for a worker that is gone, of which the channel's end tells next.
    private func tell(_ pid: Int32, _ packet: Packet) { try? pool.children[pid]?.channel.send(control: packet) }

    /// The worker's loop doesn't turn; or it does again.
    func changed(_ child: Child, toStuck isStuck: Bool) {
        guard child.isStuck != isStuck else { return }
        child.isStuck = isStuck
        takesConnectionsChanged(child)
        guard isStuck else { return child.stuckTimer = nil }
        // On a busy machine any worker may stand still for a moment.
        child.stuckTimer = context.loop.after(.seconds(1)) { [unowned self, unowned child] in
            guard context.isRunning else { return }
            let others = pool.children.values.contains { $0.role.isWorker && $0.phase == .ready && $0.takesConnections }
            let text: Logger.Message = others ? "worker is stuck: a sibling accepts for it" : "worker is stuck, and no other worker serves"
            context.logOfPeer(.stuck, .workerStuck, text, about: child, child.requestDetails)
        }
    }

    /// The worker's loop turns, but it accepts nothing from a queue in which connections wait.
    func becameDeaf(_ child: Child, now: UInt64) {
        guard child.phase == .ready, !child.isStuck else { return }
        let pause = pool.pages.table.pause(of: child.page.index)
        child.deafLooks += 1
        // Its own copies of the sockets may be closed. Where it has reasons of its own, others would not help.
        if pause == nil, child.deafLooks % 5 == 1 { keeper.sendQueuesAgain(to: child) }
        guard child.deafSince == nil else { return }
        child.deafSince = now
        child.takenWhenDeaf = pool.pages.table.taken(child.page.index)
        takesConnectionsChanged(child)
        deafWorkers += 1
        guard pause != .connectionLimit, deafWorkers.isWorthALine else { return }
        context.log(
            .warning, .workerNotAccepting, "worker accepts nothing, though connections wait: a sibling accepts for it", about: child,
            [
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
            child.takesConnections ? pool.pages.table.open(child.page.index) : pool.pages.table.close(child.page.index)
        }
        assign()
    }
}
