// The quarantine as the master has it: what is suspect, what is known of endpoints, and the worker that serves what is suspect. Deaths
// become evidence here, and what is suspect becomes known to all. The decisions are those of Suspicion and QuarantineSupervisor (pure values).
// Process: master · Thread: loop
//
//   Quarantine+Worker.swift   the worker, and the figures

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

final class Quarantine {
    /// What was last read of a worker's endpoints.
    struct Reading {
        var answers: [UInt64] = []
        var total: UInt64 = 0
        /// The endpoints in flight at the last look: they count if the worker lives at the next.
        var sample: Set<UInt64>?
    }

    let context: MasterContext
    let pool: WorkerPool
    let keeper: ListenerKeeper
    let memory: QuarantineMemory
    var suspicion: Suspicion
    var supervisor: QuarantineSupervisor
    var history = EndpointHistory()
    var readings: [Int32: Reading] = [:]
    /// What requests looked like that are suspect by their path.
    var paths: [Suspicion.Subject: String] = [:]
    /// How long the last start of a worker took.
    var lastStart = Duration.zero
    /// As the shared counter said last.
    var lastRefusals: UInt32 = 0
    var timer: LoopTimer?

    /// A start that takes longer is slow: the last workers aren't risked.
    private static let slowStart = Duration.seconds(1)

    init(_ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, memory: QuarantineMemory) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
        self.memory = memory
        suspicion = Suspicion(policy: context.options.quarantine)
        supervisor = QuarantineSupervisor(policy: context.options.respawn)
    }

    /// Closes what it owns.
    func stop() {
        timer = nil
        for descriptor in memory.descriptors { close(descriptor) }
    }

    /// The child is reaped.
    func forget(_ pid: Int32) { readings[pid] = nil }

    private var startIsSlow: Bool { lastStart >= Self.slowStart }

    /// Whether the quarantine worker has anything to do.
    var isNeeded: Bool { !suspicion.entries.isEmpty || memory.queue.socket.hasWaiting }

    // MARK: What workers do

    /// Takes in what a worker has done since the last look.
    func read(_ page: SharedPage, pid: Int32, isWell: Bool, now: UInt64) {
        var reading = readings[pid] ?? Reading()
        let total = page.figures.work(of: context.plan.service)
        history.answered(page.endpoints.answers(since: &reading.answers), total: total.subtractingDownToZero(reading.total), now: now)
        reading.total = total
        if isWell {
            if let sample = reading.sample { history.sampled(sample, now: now) }
            reading.sample = page.endpoints.waiting
        }
        readings[pid] = reading
    }

    /// What runs on the loop's thread.
    func request(in page: SharedPage) -> Suspicion.Request? {
        page.blackBox.blamed.map { .init(endpoint: $0.endpoint, path: $0.path) }
    }

    /// What a worker's page tells of its death.
    func evidence(in page: SharedPage, now: UInt64) -> Suspicion.Evidence {
        var evidence = Suspicion.Evidence()
        evidence.ran = request(in: page)
        if evidence.ran == nil {
            evidence.waiting = page.endpoints.waiting
            evidence.usual = history.usual(among: evidence.waiting, now: now)
        }
        evidence.dominant = history.dominant(now: now)
        return evidence
    }

    // MARK: Evidence

    /// The worker died by its own fault with requests in flight.
    func accuseRequest(of child: Child) {
        guard child.role.isWorker || child.role == .quarantine, context.isRunning else { return }
        let request = child.page.blackBox.heldSince
        guard child.accused != request else { return }
        child.accused = request
        accuse(child, now: EventLoop.monotonicNanoseconds())
    }

    /// A request holds a worker's loop while no loop turns: that counts like a death.
    func held(_ child: Child) {
        guard child.page.blackBox.current != nil else { return }
        accuseRequest(of: child)
    }

    /// What holds workers is kept from those that start in their place. Workers of a former description say nothing of this one.
    func holding(_ holders: [Child], now: UInt64) {
        guard !holders.isEmpty || !suspicion.holding.isEmpty else { return }
        let exempt = exemptEndpoints
        var requests: Set<Suspicion.Request> = []
        for child in holders where child.planVersion == context.planVersion {
            guard let ran = request(in: child.page), !exempt.contains(ran.endpoint) else { continue }
            requests.insert(ran)
        }
        guard suspicion.held(requests, dominant: history.dominant(now: now)) else { return }
        publish()
    }

    /// Many requests of what most clients ask for are too much load, which one worker could carry even less.
    private func isLoad(_ evidence: Suspicion.Evidence, of child: Child) -> Bool {
        guard child.death == nil, let ran = evidence.ran, ran.endpoint == evidence.dominant else { return false }
        return evidence.held < (context.options.standInAfter ?? .zero).wholeNanoseconds
    }

    private var exemptEndpoints: Set<UInt64> { Set(context.plan.endpoints.filter { !$0.mayBeQuarantined }.map(\.number)) }

    private func accuse(_ child: Child, now: UInt64) {
        if child.role.isWorker { read(child.page, pid: child.pid, isWell: false, now: now) }
        var evidence = self.evidence(in: child.page, now: now)
        let exempt = exemptEndpoints
        if let ran = evidence.ran, exempt.contains(ran.endpoint) { return }
        evidence.waiting.subtract(exempt)
        if evidence.ran != nil { evidence.held = (child.endedAt ?? now).subtractingDownToZero(child.page.blackBox.heldSince) }
        if isLoad(evidence, of: child) { return }
        guard child.role != .quarantine else {
            return apply(suspicion.diedInQuarantine(evidence, now: now), now: now)
        }
        let serving = pool.children.values.count { $0 !== child && $0.role.isWorker && $0.phase == .ready && !$0.isStuck }
        evidence.isLastChance = startIsSlow && serving <= 1
        let changes = suspicion.died(evidence, now: now)
        for case .began(let subject) in changes where subject.path != nil && subject.path == evidence.ran?.path {
            paths[subject] = child.page.blackBox.current?.description
        }
        apply(changes, now: now)
    }

    func apply(_ changes: [Suspicion.Change], now: UInt64) {
        if !changes.isEmpty { publish() }
        for change in changes { log(change) }
        supervise()
    }

    /// Tells all workers what is quarantined.
    func publish() {
        memory.list.publish(
            suspicion.keptAway, atOnce: suspicion.isAmbiguous ? 1 : QuarantineList.usualLimit, isDown: supervisor.isDown)
    }

    private func log(_ change: Suspicion.Change) {
        switch change {
        case .began(let subject):
            let entry = suspicion.entries[subject]
            context.logOfPeer(
                .quarantineBegan, .quarantineStarted, "quarantine began",
                details(subject).merging([
                    "deaths": "\(entry?.deaths ?? 0)",
                    "ends_after": "\(Duration.nanoseconds(Int64(clamping: entry?.duration ?? 0)).inSeconds)",
                ]) { $1 })
        case .ended(let subject):
            context.logOfPeer(.quarantineEnded, .quarantineEnded, "quarantine ended", details(subject), level: .notice)
            paths[subject] = nil
        case .released(let subject):
            context.logOfPeer(
                .quarantineEnded, .quarantineEnded, "quarantine ended",
                details(subject).merging(["because": "another kills without it"]) { $1 }, level: .notice)
        }
    }

    private func details(_ subject: Suspicion.Subject) -> Logger.Metadata {
        var details: Logger.Metadata = ["route": "\(text(of: subject.endpoint))"]
        if let path = paths[subject] { details["request"] = "\(path)" }
        return details
    }

    /// Ends a route's quarantine, and that of single requests of it.
    /// - Parameter name: the route (`GET /item/:id`), or a request as the list shows it.
    /// - Returns: what was quarantined.
    func release(_ name: String) -> [String] {
        let now = EventLoop.monotonicNanoseconds()
        let changes = suspicion.release { text(of: $0.endpoint) == name || paths[$0] == name }
        let released = changes.compactMap { change in
            if case .ended(let subject) = change { paths[subject] ?? text(of: subject.endpoint) } else { nil }
        }
        apply(changes, now: now)
        return released
    }

    func text(of endpoint: UInt64) -> String {
        context.plan.endpoints.first { $0.number == endpoint }?.text ?? String(endpoint, radix: 16)
    }
}
