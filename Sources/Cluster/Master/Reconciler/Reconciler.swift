// Keeps the workers what they are wanted to be: starts, deaths, scaling, reload, rollback and recycling are steps from what is to what is wanted.
// The decisions are those of Supervisor (who starts when) and Rollout (by which plan), pure values; this carries them out.
// Process: master · Thread: loop
//
//   Reconciler+Actions.swift   carrying out what the supervisors decide
//   Reconciler+Plans.swift     another plan, and back

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

/// What follows from the reconciler's decisions for the master's other parts.
protocol ReconcilerObserver: AnyObject {
    /// A reload begins.
    func reloads()
    /// It is over, well or not.
    func reloaded()
    /// Other settings are in force.
    func planChanged()
    /// All workers are replaced, forward or back: what waits may be carried out.
    func rolloutIsOver()
    /// A reload failed.
    /// - Parameter outcome: what those are told who ordered it, if another one takes its place.
    /// - Returns: whether another one waits, which is to be carried out.
    func takesWaitingReload(after outcome: OrderOutcome) -> Bool
    /// The new plan says how many workers there are to be.
    func wantsWorkersOfPlan()
    /// A start failed.
    /// - Returns: whether this master leaves for it.
    func startFailed() -> Bool
    /// The workers of a program that took another one's place can't do what the old ones did.
    func trialFailed()
    /// They can.
    func trialEnded()
    /// No worker could be kept alive.
    func gaveUp()
}

final class Reconciler {
    let context: MasterContext
    let pool: WorkerPool
    let figures: FiguresCollector
    let quarantine: Quarantine
    private let assignment: QueueAssignment
    weak var observer: (any ReconcilerObserver)?
    weak var rolloutObserver: (any RolloutObserver)?
    var workers: Supervisor
    var auxiliaries: Supervisor
    var rollout: Rollout<ClusterPlan>
    var deadlyEndpoints = DeadlyEndpoints()
    /// All workers are or were replaced by the plan that was in force already: there are as many as before.
    var isRestart = false
    /// Why the plan before comes back, and the worker whose end is the reason.
    var failure: (reason: String, slot: Int, generation: Int)?
    /// The version that the next plan gets.
    var nextVersion = 1
    /// The longest that a worker has taken to get ready.
    private(set) var longestStart = Duration.zero
    private let startAlarm: LoopAlarm
    private let stepAlarm: LoopAlarm

    init(
        _ context: MasterContext, pool: WorkerPool, figures: FiguresCollector, quarantine: Quarantine, assignment: QueueAssignment,
        workers count: Int
    ) {
        self.context = context
        self.pool = pool
        self.figures = figures
        self.quarantine = quarantine
        self.assignment = assignment
        let policy = context.options.respawn
        let now = EventLoop.monotonicNanoseconds()
        workers = Supervisor(slots: count, capacity: pool.capacity, policy: policy, givesUp: true, now: now, random: unitRandom)
        auxiliaries = Supervisor(
            slots: context.plan.auxiliaries.count, policy: policy, givesUp: false, now: now, random: unitRandom)
        rollout = Rollout(youngAge: policy.youngAge.wholeNanoseconds)
        startAlarm = LoopAlarm(context.loop)
        stepAlarm = LoopAlarm(context.loop)
    }

    /// From here on nothing is started.
    /// - Parameter auxiliariesToo: they answer for as long as there are workers.
    func stop(auxiliariesToo: Bool) {
        workers.stop()
        if auxiliariesToo { auxiliaries.stop() }
        startAlarm.stop()
        stepAlarm.stop()
    }

    // MARK: What is wanted

    var workerCount: Int { workers.usedCount }

    /// Workers are being replaced one by one.
    var isRolling: Bool { rollout.isRolling }

    /// Slots that come into use get workers, those of other slots go.
    func use(slots count: Int) {
        let before = workerCount
        for slot in before..<max(count, before) { _ = workers.use(slot) }
        for slot in count..<max(count, before) {
            workers.disuse(slot)
            for child in pool.children.values where child.role == .worker(slot: slot) { pool.drain(child) }
            forgetUnused(.worker(slot: slot))
        }
        scheduleStarts()
        assignment.assign()
        stepSoon()
    }

    /// Starts a successor for the slot's worker; when it is ready, the worker hands over to it and goes.
    /// - Returns: false when the slot has no worker that lives, or a successor has started already.
    @discardableResult
    func replaceWorker(slot: Int) -> Bool { !replace(slot).isEmpty }

    private func replace(_ slot: Int) -> [Supervisor.Action] {
        guard context.isRunning else { return [] }
        let actions = workers.handle(.replace(slot: slot), now: EventLoop.monotonicNanoseconds())
        // Known before it starts, since its start may fail at once.
        for case .fork(let slot, let generation) in actions { rollout.started(slot: slot, generation: generation) }
        carryOut(actions, auxiliaries: false)
        scheduleStarts()
        return actions
    }

    /// Generations go on where those of the master before this one ended.
    func startAfter(_ state: UpgradeState) {
        for (slot, generation) in state.lastGenerations.enumerated() { workers.startAfter(generation: generation, slot: slot) }
        for (index, auxiliary) in context.plan.auxiliaries.enumerated() {
            if let left = state.auxiliary(auxiliary.name) { auxiliaries.startAfter(generation: left.lastGeneration, slot: index) }
        }
    }

    /// The workers of this program, which took another one's place, accept from here on.
    func trialBegins() {
        rollout.trialBegins(now: EventLoop.monotonicNanoseconds())
        stepSoon()
    }

    // MARK: What becomes of workers

    func ready(_ child: Child, after time: Duration) {
        longestStart = max(longestStart, time)
        workers.longestStart = longestStart.wholeNanoseconds
        handle(child.role) { .ready(slot: $0, generation: child.generation) }
        rolloutObserver?.workerReady()
        stepSoon()
    }

    /// Lets a child go that has been asked to: when its successor is ready, if one can be started before it goes.
    func leaves(_ child: Child) {
        guard context.isRunning, child.phase != .dying else { return }
        child.waitsForSuccessor = true
        guard case .worker(let slot) = child.role, replaceWorker(slot: slot) || hasSuccessor(child) else { return drainWithoutSuccessor(child) }
    }

    /// One has started already, for another reason.
    private func hasSuccessor(_ child: Child) -> Bool {
        workers.states.contains { $0.slot == child.role.slot && $0.current?.generation == child.generation && $0.successor != nil }
    }

    func drainWithoutSuccessor(_ child: Child) {
        child.waitsForSuccessor = false
        pool.drain(child)
        ended(child, .requested, wasGood: true)
    }

    func died(_ child: Child, _ death: Death, _ remains: Remains) {
        if child.role.isWorker, death == .inRequest { diedInRequest(child) }
        guard !child.hasSuccessor else { return }
        if death == .failedStart, child.role.isWorker, !workers.isProven, pool.hasAnswered(context.planVersion) { workers.prove() }
        ended(child, death, wasGood: remains.isGood(youngAge: context.options.respawn.youngAge.wholeNanoseconds))
    }

    /// The child's slot is free from here on.
    private func ended(_ child: Child, _ death: Death, wasGood: Bool) {
        if child.role == .quarantine { return quarantine.ended(child, death) }
        guard child.role != .lineWriter else { return }
        handle(child.role) { .ended(slot: $0, generation: child.generation, death, wasGood: wasGood) }
        stepSoon()
    }

    /// A slot that was scaled away has no row when its last worker is gone.
    func forgetUnused(_ role: Role) {
        guard case .worker(let slot) = role, !workers.uses(slot),
            !pool.children.values.contains(where: { $0.role == role && $0.phase != .dying })
        else { return }
        figures.remove(slot: slot)
    }

    // MARK: Steps

    func handle(_ role: Role, _ event: (_ slot: Int) -> Supervisor.Event) {
        let now = EventLoop.monotonicNanoseconds()
        switch role {
        case .worker(let slot):
            let actions = workers.handle(event(slot), now: now)
            carryOut(actions, auxiliaries: false)
        case .auxiliary(let index):
            let actions = auxiliaries.handle(event(index), now: now)
            carryOut(actions, auxiliaries: true)
        case .quarantine, .lineWriter:
            break
        }
        scheduleStarts()
    }

    func scheduleStarts() {
        guard context.isRunning, let next = [workers.nextWake, auxiliaries.nextWake].compactMap({ $0 }).min() else { return startAlarm.stop() }
        startAlarm.set(at: next) { [unowned self] in start() }
    }

    /// Starts what is due. In a turn of its own: when many workers die at once, all ends are seen first, then their queues get other
    /// owners, and then come the successors, each of which takes about a millisecond.
    func start() {
        assignment.assignIfChanged()
        let now = EventLoop.monotonicNanoseconds()
        let forWorkers = workers.handle(.timer, now: now)
        carryOut(forWorkers, auxiliaries: false)
        let forAuxiliaries = auxiliaries.handle(.timer, now: now)
        carryOut(forAuxiliaries, auxiliaries: true)
        scheduleStarts()
    }

    /// Compares what is with what is wanted in a turn of its own, when all that has happened in this one is known.
    func stepSoon() { stepAlarm.set(at: 0) { [unowned self] in step() } }

    private func step() {
        guard context.isRunning else { return }
        let now = EventLoop.monotonicNanoseconds()
        switch rollout.step(workers.states, hasAnswered: pool.hasAnswered(context.planVersion), now: now) {
        case .none: break
        case .replace(let slot):
            if replace(slot).isEmpty { rollout.successorLost(now: now) }
        case .replaced: replaced()
        case .isBack(let hadWork): isBack(hadWork: hadWork)
        case .settled: observer?.trialEnded()
        }
        if let next = rollout.nextStep(now: now) { stepAlarm.set(at: next) { [unowned self] in step() } }
    }
}
