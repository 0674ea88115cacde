// The worker that serves what is suspect: started when it is needed, drained when it is not. And what the figures say of the quarantine.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

extension Quarantine {
    /// Once a second: what endpoints do while workers are well.
    func lookAtEndpoints(now: UInt64) {
        guard context.options.quarantine.isOn, !context.plan.endpoints.isEmpty else { return }
        for child in pool.children.values where child.role.isWorker && child.phase == .ready {
            read(child.page, pid: child.pid, isWell: true, now: now)
        }
    }

    /// The endpoints that answered anything in the last minute; nil where that isn't known.
    func answeredEndpoints() -> Set<UInt64>? {
        guard context.options.quarantine.isOn, !context.plan.endpoints.isEmpty else { return nil }
        let now = EventLoop.monotonicNanoseconds()
        for child in pool.workers { read(child.page, pid: child.pid, isWell: false, now: now) }
        return history.answeredEndpoints(now: now)
    }

    /// Brings the quarantine worker up to date with what is suspect. Cheap: called at every change.
    func supervise() {
        guard context.isInCharge else { return timer = nil }
        let now = EventLoop.monotonicNanoseconds()
        let changes = suspicion.expire(now: now)
        if !changes.isEmpty { return apply(changes, now: now) }
        let wasDown = supervisor.isDown
        for action in supervisor.update(isNeeded: isNeeded, now: now) { carryOut(action) }
        if supervisor.isDown { emptyQueueOfMissingWorker(isKnown: wasDown) }
        if supervisor.isDown != wasDown { publish() }
        let isNeeded = isNeeded
        let times = [suspicion.nextEnd, supervisor.nextUpdate(isNeeded: isNeeded)].compactMap { $0 }
        timer = times.min().map { time in
            context.loop.after(max(.from(now, to: time), .milliseconds(1))) { [unowned self] in supervise() }
        }
    }

    private func carryOut(_ action: QuarantineSupervisor.Action) {
        switch action {
        case .fork(let generation):
            if pool.fork(.quarantine, generation: generation) != .forked { notStarted(generation: generation) }
        case .drain(let generation):
            if let child = pool.child(.quarantine, generation: generation) { pool.drain(child) }
        }
    }

    /// The quarantine worker can't be started: what was sent there is refused by another worker.
    private func emptyQueueOfMissingWorker(isKnown: Bool) {
        if !isKnown {
            context.logOfPeer(
                .quarantineIsDown, .quarantineUnavailable, "the quarantine worker can't be started: what it would serve is refused", level: .error)
        }
        guard memory.queue.socket.hasWaiting else { return }
        let child = pool.workers.first { $0.phase == .ready && $0.takesConnections }
        try? child?.channel.send(control: Packet(.adopt, number: PairPlace.quarantine.number))
    }

    /// Something waits in the quarantine's queue and the worker takes nothing, though its loop turns: its own copy may be closed.
    func becameDeaf() {
        guard let child = pool.children.values.first(where: { $0.role == .quarantine && $0.phase == .ready }) else { return }
        // It has a reason of its own, or serves one request for long. A queue that is never empty is no fault of it, if something is taken.
        guard pool.pages.table.pause(of: child.page.index) == nil, child.page.blackBox.heldSince == 0 else { return }
        let taken = pool.pages.table.taken(child.page.index)
        guard child.deafSince != nil, child.takenWhenDeaf == taken else {
            child.deafSince = EventLoop.monotonicNanoseconds()
            child.takenWhenDeaf = taken
            return
        }
        context.logOfPeer(
            .quarantineIsDeaf, .quarantineNotAccepting, "the quarantine worker takes nothing, though requests wait: it gets its socket again",
            about: child)
        keeper.sendReceiver(at: .quarantine, to: child)
    }

    func ready(_ child: Child, after time: Duration) {
        if child.role.isWorker { lastStart = time }
        guard child.role == .quarantine else { return }
        let wasDown = supervisor.isDown
        supervisor.becameReady(generation: child.generation)
        if wasDown { publish() }
        supervise()
    }

    func ended(_ child: Child, _ death: Death) {
        supervisor.ended(
            generation: child.generation, hasServed: death != .failedStart, random: unitRandom(),
            now: EventLoop.monotonicNanoseconds())
        supervise()
    }

    private func notStarted(generation: Int) {
        supervisor.ended(
            generation: generation, hasServed: false, random: unitRandom(), now: EventLoop.monotonicNanoseconds())
        supervise()
    }

    /// A new plan begins without quarantine.
    func reset(_ policy: QuarantinePolicy) {
        suspicion = Suspicion(policy: policy)
        paths = [:]
        for action in supervisor.reset() { carryOut(action) }
        publish()
        supervise()
    }

    /// The last of this master's workers to go when another master has taken over: the others may still send it what they have.
    /// - Parameter count: how many workers the other one has.
    func handOver(toSuccessors count: UInt32) {
        guard pool.workers.isEmpty else { return }
        for child in pool.children.values where child.role == .quarantine && child.phase != .dying && child.phase != .draining {
            pool.drain(child, toSuccessors: count)
        }
    }

    // MARK: Figures

    /// What was refused since the last call, because it could not be moved to the worker.
    func takeRefusals() -> UInt64 { memory.queue.refusals(since: &lastRefusals) }

    /// What is quarantined now.
    func records(now: UInt64) -> [QuarantineRecord] {
        suspicion.entries.map { subject, entry in
            QuarantineRecord(
                route: text(of: subject.endpoint), request: subject.path.map { _ in paths[subject] ?? "" },
                deaths: entry.deaths, ageNanoseconds: now.subtractingDownToZero(entry.began),
                remainingNanoseconds: entry.end.subtractingDownToZero(now))
        }
        .sorted { ($0.route, $0.request ?? "") < ($1.route, $1.request ?? "") }
    }
}
