// Ties the quarantine to the workers: deaths become evidence, what is suspect becomes known to all, and the worker that serves it is
// started and let go. The decisions are those of Suspicion and QuarantineSupervisor (pure values).
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

extension Master {
    // MARK: Evidence

    /// The worker died by its own fault with requests in flight.
    func accuseRequest(of child: Child) {
        guard child.role.isWorker || child.role == .quarantine, stopping == .running else { return }
        let request = child.page.blackBox.heldSince
        guard child.accused != request else { return }
        child.accused = request
        accuse(child, now: EventLoop.monotonicNanoseconds())
    }

    /// A request holds a worker's loop while no loop turns: that counts like a death.
    func quarantineHeld(_ child: Child) {
        guard child.page.blackBox.current != nil else { return }
        accuseRequest(of: child)
    }

    /// Many requests of what most clients ask for are too much load, which one worker could carry even less.
    private func isLoad(_ evidence: Suspicion.Evidence, of child: Child) -> Bool {
        guard child.death == nil, let ran = evidence.ran, ran.endpoint == evidence.dominant else { return false }
        return evidence.held < (options.standInAfter ?? .zero).wholeNanoseconds
    }

    /// What holds workers is kept from those that start in their place. Workers of a former description say nothing of this one.
    func quarantineHolding(_ holders: [Child], now: UInt64) {
        guard !holders.isEmpty || !quarantine.suspicion.holding.isEmpty else { return }
        let exempt = exemptEndpoints
        var requests: Set<Suspicion.Request> = []
        for child in holders where child.edition == edition {
            guard let ran = quarantine.request(in: child.page), !exempt.contains(ran.endpoint) else { continue }
            requests.insert(ran)
        }
        guard quarantine.suspicion.held(requests, dominant: quarantine.history.dominant(now: now)) else { return }
        publishQuarantine()
    }

    private var exemptEndpoints: Set<UInt64> { Set(plan.endpoints.filter { !$0.mayBeQuarantined }.map(\.number)) }

    private func accuse(_ child: Child, now: UInt64) {
        if child.role.isWorker { quarantine.read(child.page, pid: child.pid, isWell: false, now: now) }
        var evidence = quarantine.evidence(in: child.page, now: now)
        let exempt = exemptEndpoints
        if let ran = evidence.ran, exempt.contains(ran.endpoint) { return }
        evidence.waiting.subtract(exempt)
        if evidence.ran != nil { evidence.held = (child.endedAt ?? now).subtractingDownToZero(child.page.blackBox.heldSince) }
        if isLoad(evidence, of: child) { return }
        guard child.role != .quarantine else {
            return apply(quarantine.suspicion.diedInQuarantine(evidence, now: now), now: now)
        }
        let serving = children.values.count { $0 !== child && $0.role.isWorker && $0.phase == .ready && !$0.isStuck }
        evidence.isLastChance = quarantine.startIsSlow && serving <= 1
        let changes = quarantine.suspicion.died(evidence, now: now)
        for case .began(let subject) in changes where subject.path != nil && subject.path == evidence.ran?.path {
            quarantine.paths[subject] = child.page.blackBox.current?.description
        }
        apply(changes, now: now)
    }

    private func apply(_ changes: [Suspicion.Change], now: UInt64) {
        if !changes.isEmpty { publishQuarantine() }
        for change in changes { say(change) }
        superviseQuarantine()
    }

    private func publishQuarantine() {
        let suspicion = quarantine.suspicion
        quarantine.memory.list.publish(
            suspicion.keptAway, atOnce: suspicion.isAmbiguous ? 1 : QuarantineList.usualLimit, isDown: quarantine.supervisor.isDown)
    }

    private func say(_ change: Suspicion.Change) {
        switch change {
        case .began(let subject):
            let entry = quarantine.suspicion.entries[subject]
            say(.quarantineBegan, .warning, .quarantineStarted, "quarantine began", details(subject).merging([
                "deaths": "\(entry?.deaths ?? 0)",
                "ends_after": "\(Duration.nanoseconds(Int64(clamping: entry?.duration ?? 0)).inSeconds)",
            ]) { $1 })
        case .ended(let subject):
            say(.quarantineEnded, .notice, .quarantineEnded, "quarantine ended", details(subject))
            quarantine.paths[subject] = nil
        case .released(let subject):
            say(.quarantineEnded, .notice, .quarantineEnded, "quarantine ended", details(subject).merging(["because": "another kills without it"]) { $1 })
        }
    }

    private func details(_ subject: Suspicion.Subject) -> Logger.Metadata {
        var details: Logger.Metadata = ["route": "\(text(of: subject.endpoint))"]
        if let path = quarantine.paths[subject] { details["request"] = "\(path)" }
        return details
    }

    private func text(of endpoint: UInt64) -> String {
        plan.endpoints.first { $0.number == endpoint }?.text ?? String(endpoint, radix: 16)
    }

    /// Once a second: what endpoints do while workers are well.
    func lookAtEndpoints(now: UInt64) {
        guard options.quarantine.isOn, !plan.endpoints.isEmpty else { return }
        for child in children.values where child.role.isWorker && child.phase == .ready {
            quarantine.read(child.page, pid: child.pid, isWell: true, now: now)
        }
    }

    /// The endpoints that answered anything in the last minute; nil where that isn't known.
    func answeredEndpoints() -> Set<UInt64>? {
        guard options.quarantine.isOn, !plan.endpoints.isEmpty else { return nil }
        let now = EventLoop.monotonicNanoseconds()
        for child in children.values where child.role.isWorker { quarantine.read(child.page, pid: child.pid, isWell: false, now: now) }
        return quarantine.history.answeredEndpoints(now: now)
    }

    // MARK: The worker

    /// Brings the quarantine worker up to date with what is suspect. Cheap: called at every change.
    func superviseQuarantine() {
        guard stopping == .running, !holdsConnections else { return quarantine.timer = nil }
        let now = EventLoop.monotonicNanoseconds()
        let changes = quarantine.suspicion.expire(now: now)
        if !changes.isEmpty { return apply(changes, now: now) }
        let wasDown = quarantine.supervisor.isDown
        for action in quarantine.supervisor.update(isNeeded: quarantine.isNeeded, now: now) { carryOut(action) }
        if quarantine.supervisor.isDown { emptyQueueOfMissingWorker(wasDown) }
        if quarantine.supervisor.isDown != wasDown { publishQuarantine() }
        let isNeeded = quarantine.isNeeded
        let times = [quarantine.suspicion.nextEnd, quarantine.supervisor.nextUpdate(isNeeded: isNeeded)].compactMap { $0 }
        quarantine.timer = times.min().map { time in
            loop.after(max(.from(now, to: time), .milliseconds(1))) { [unowned self] in superviseQuarantine() }
        }
    }

    private func carryOut(_ action: QuarantineSupervisor.Action) {
        switch action {
        case .fork(let generation): forkChild(.quarantine, generation: generation)
        case .letGo(let generation):
            if let child = children.values.first(where: { $0.role == .quarantine && $0.generation == generation }) { letGo(child) }
        }
    }

    /// The quarantine worker can't be started: what was sent there is refused by another worker.
    private func emptyQueueOfMissingWorker(_ isKnown: Bool) {
        if !isKnown { say(.quarantineIsDown, .error, .quarantineUnavailable, "the quarantine worker can't be started: what it would serve is refused") }
        guard quarantine.memory.queue.socket.hasWaiting else { return }
        let child = children.values.first { $0.role.isWorker && $0.phase == .ready && $0.takesConnections }
        try? child?.channel.send(control: Packet(.adopt, number: PairPlace.quarantine.number))
    }

    /// Something waits in the quarantine's queue and the worker takes nothing, though its loop turns: its own copy may be closed.
    func quarantineBecameDeaf() {
        guard let child = children.values.first(where: { $0.role == .quarantine && $0.phase == .ready }) else { return }
        guard pages.board.pause(of: child.page.index) == nil else { return }
        say(.quarantineIsDeaf, .warning, .quarantineNotAccepting, "the quarantine worker takes nothing, though requests wait: it gets its socket again", about: child)
        sendReceiver(at: .quarantine, to: child)
    }

    func quarantineSaw(ready child: Child, after time: Duration) {
        if child.role.isWorker { quarantine.lastStart = time }
        guard child.role == .quarantine else { return }
        let wasDown = quarantine.supervisor.isDown
        quarantine.supervisor.becameReady(generation: child.generation)
        if wasDown { publishQuarantine() }
        superviseQuarantine()
    }

    func quarantineEnded(_ child: Child, _ death: Death) {
        quarantine.supervisor.ended(
            generation: child.generation, hasServed: death != .failedStart, random: Self.random(),
            now: EventLoop.monotonicNanoseconds())
        superviseQuarantine()
    }

    func quarantineNotStarted(generation: Int) {
        quarantine.supervisor.ended(
            generation: generation, hasServed: false, random: Self.random(), now: EventLoop.monotonicNanoseconds())
        superviseQuarantine()
    }

    /// A new description begins without quarantine.
    func resetQuarantine(_ options: ClusterOptions) {
        quarantine.suspicion = Suspicion(policy: options.quarantine)
        quarantine.paths = [:]
        for action in quarantine.supervisor.reset() { carryOut(action) }
        publishQuarantine()
        superviseQuarantine()
    }

    /// The last of this master's workers to go when another master has taken over.
    func handOverQuarantine() {
        guard !children.values.contains(where: \.role.isWorker), let upgrade else { return }
        let deadline = options.drainDeadline
        let packet = Packet(.handOverToSuccessors, number: deadline.wholeMilliseconds, and: Packet.bytes(of: upgrade.workers))
        for child in children.values where child.role == .quarantine && child.phase != .dying && child.phase != .draining {
            child.phase = .draining
            child.wasAsked = true
            let isTold: Void? = try? child.channel.send(control: packet)
            isTold == nil ? _ = send(SIGKILL, to: child) : killAfter(deadline + .milliseconds(500), child)
        }
    }

    // MARK: Figures

    /// Before the figures are taken: what quarantine workers do counts for the total, and has no slot of its own.
    func noteQuarantine(now: UInt64) {
        let living = children.values.filter { $0.role == .quarantine && $0.phase != .dying }
        ledger.apart = living.reduce(into: FigureSnapshot()) { $0.merge($1.page.figures.snapshot()) }
        let refused = quarantine.memory.queue.refusals(since: &quarantine.lastRefusals)
        ledger.quarantineRefused = ledger.quarantineRefused.addingUpToLimit(refused)
        ledger.quarantine = quarantine.suspicion.entries.map { subject, entry in
            QuarantineRecord(
                route: text(of: subject.endpoint), request: subject.path.map { _ in quarantine.paths[subject] ?? "" },
                deaths: entry.deaths, ageNanoseconds: now.subtractingDownToZero(entry.began),
                remainingNanoseconds: entry.end.subtractingDownToZero(now))
        }
        .sorted { ($0.route, $0.request ?? "") < ($1.route, $1.request ?? "") }
    }
}
