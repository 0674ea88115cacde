// Looks after workers whose loop doesn't turn, that have served for long enough, or that none of which serves. The decisions are those of
// Watchdog, Recycling and StandIns (pure values); this reads memory and /proc for them and carries out what they say.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

final class HealthMonitor {
    let context: MasterContext
    let pool: WorkerPool
    let quarantine: Quarantine
    let reconciler: Reconciler
    private let keeper: ListenerKeeper
    private let figures: FiguresCollector
    private let slow: SlowRequests
    private var recycling: Recycling
    private var lastRecycling: UInt64 = 0
    private var lastMemoryLook: UInt64 = 0
    var standIns: StandIns
    private var timer: LoopTimer?

    private static let recyclingInterval: UInt64 = 1_000_000_000

    init(
        _ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, figures: FiguresCollector, quarantine: Quarantine,
        reconciler: Reconciler
    ) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
        self.figures = figures
        self.quarantine = quarantine
        self.reconciler = reconciler
        slow = SlowRequests(context, pool: pool, requests: figures.requests, stacks: figures.stacks.collector)
        recycling = Recycling(policy: context.options.recycle, random: unitRandom)
        standIns = StandIns(patience: context.options.standInAfter, workers: reconciler.workerCount)
    }

    /// Another plan is in force.
    func planChanged() {
        recycling = Recycling(policy: context.options.recycle, random: unitRandom)
        standIns.patience = context.options.standInAfter
        start()
    }

    /// One timer for all that the master looks at by itself. Once more after a reload.
    func start() {
        slow.start()
        let interval = context.options.stuckLimit.map(Watchdog.interval) ?? .seconds(1)
        timer = context.loop.every(interval) { [unowned self] in
            let now = EventLoop.monotonicNanoseconds()
            observeMemoryKills(now: now)
            keeper.look(now: now)
            for child in pool.children.values { pollHealth(of: child, now: now) }
            quarantine.lookAtEndpoints(now: now)
            recycleIfDue(now: now)
        }
    }

    func stop() {
        timer = nil
        slow.stop()
    }

    /// It beats as the options at its fork say, whatever a reload changes.
    func watch(_ child: Child) {
        // Evidence counts from when the beat is late: for a short limit that is a good part of it.
        let options = context.options
        let isQuarantine = child.role == .quarantine
        let limit = isQuarantine ? options.quarantine.stuckLimit * 3 / 5 : options.stuckLimit
        child.watchdog = Watchdog(limit: limit ?? Watchdog.noLimit, countsWaiting: isQuarantine)
        child.pulse = Pulse(beatInterval: options.beatInterval)
    }

    /// Kills that no death has claimed have to be seen in time to be forgotten.
    private func observeMemoryKills(now: UInt64) {
        guard now &- min(lastMemoryLook, now) >= 1_000_000_000 else { return }
        lastMemoryLook = now
        pool.memoryKills.observe(now: now)
    }

    // MARK: The watchdog

    private func pollHealth(of child: Child, now: UInt64) {
        // Starting and dying ones have a deadline of their own; a stuck one that drains has two.
        guard child.watchdog != nil, child.phase == .ready || child.phase == .draining else { return }
        let beat = child.page.blackBox.lastBeat
        for action in child.watchdog?.looked(lastBeat: beat, now: now) ?? [] {
            action == .sample ? sample(child) : carryOut(action, child)
        }
    }

    private func sample(_ child: Child) {
        guard let status = child.threadStatus else { return }
        let figures = child.page.figures
        let progress = pool.work(of: child) &+ figures[.messagesReceived] &+ (child.page.blackBox.current?.since ?? 0)
        // A stopped quarantine worker counts as stuck: a request that it serves may have stopped it.
        let isStuck = child.role == .quarantine && status.state == .stopped
        let sample = Watchdog.Sample(state: isStuck ? .blocked : status.state, cpuNanoseconds: status.cpuNanoseconds, progress: progress)
        for action in child.watchdog?.sampled(sample, now: EventLoop.monotonicNanoseconds()) ?? [] { carryOut(action, child) }
    }

    private func carryOut(_ action: Watchdog.Action, _ child: Child) {
        switch action {
        case .sample:
            break
        case .unresponsive:
            figures.changed(child, to: .unresponsive)
            context.log(.debug, .workerUnresponsive, "worker unresponsive", about: child, child.requestDetails)
        case .stopped:
            figures.changed(child, to: .unresponsive)
            context.logOfPeer(.stopped, .workerStopped, "worker is stopped by a signal or a debugger: it isn't killed and isn't replaced", about: child)
        case .recovered:
            figures.changed(child, to: child.phase == .draining ? .draining : .ready)
            context.logOfPeer(.recovered, .workerResponsive, "worker responds again", about: child, level: .info)
        case .headless:
            context.logOfPeer(
                .headless, .workerKilledThreadEnded, "killing a worker whose main thread has ended", about: child, child.requestDetails, level: .error)
            child.send(9)
        case .kill:
            let limit = (child.role == .quarantine ? context.options.quarantine.stuckLimit : context.options.stuckLimit) ?? .zero
            pool.killStuck(child, ["limit": "\(limit.inSeconds)"])
        }
    }

    // MARK: Recycling

    private func recycleIfDue(now: UInt64) {
        guard context.options.recycle.isOn, now &- min(lastRecycling, now) >= Self.recyclingInterval else { return }
        guard context.phase == .running, !reconciler.isRolling else { return }
        lastRecycling = now
        let workers = pool.workers.filter { $0.phase != .dying }
        // One at a time: no worker is starting, and each slot has one.
        guard workers.count == reconciler.workerCount, let choice = recycling.next(workers.map(reading), now: now) else { return }
        guard let child = workers.first(where: { $0.role.slot == choice.slot && $0.generation == choice.generation }) else { return }
        context.log(.info, .workerRecycled, "recycling a worker", about: child, ["because_of": "\(choice.reason)"])
        reconciler.replaceWorker(slot: choice.slot)
    }

    private func reading(_ child: Child) -> Recycling.Slot {
        let recycle = context.options.recycle
        let measuresMemory = recycle.residentBytes != nil || recycle.medianFactor != nil
        return Recycling.Slot(
            slot: child.role.slot, generation: child.generation, isReady: child.phase == .ready, startedAt: child.forkedAt,
            requests: pool.work(of: child),
            residentBytes: measuresMemory ? ResidentMemory.byteCount(of: "\(child.pid)") : nil)
    }
}

func unitRandom() -> Double { .random(in: 0..<1) }
