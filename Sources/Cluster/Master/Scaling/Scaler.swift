// More workers or fewer: by signal, by the program, by the plan, by the load, or because the usable cores have changed.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging

final class Scaler {
    private let context: MasterContext
    private let keeper: ListenerKeeper
    private let figures: FiguresCollector
    private let reconciler: Reconciler
    private let upgrade: BinaryUpgrade
    private let capacity: Int
    /// Usable at the last look.
    private var cores: Int
    private let autoscaler: Autoscaler
    private let wasHeld: Bool
    /// What the plan said that was followed last.
    private var followed: WorkerCount
    private var timer: LoopTimer?

    /// No event tells of a change of the affinity mask or the quota.
    private static let interval = Duration.seconds(2)

    /// - Parameter isHeld: the master before this one was told how many workers there are to be.
    init(
        _ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, figures: FiguresCollector, reconciler: Reconciler, upgrade: BinaryUpgrade,
        capacity: Int, cores: Int, isHeld: Bool
    ) {
        self.context = context
        self.keeper = keeper
        self.figures = figures
        self.reconciler = reconciler
        self.upgrade = upgrade
        self.capacity = capacity
        self.cores = cores
        wasHeld = isHeld
        followed = context.plan.workers
        autoscaler = Autoscaler(context, pool: pool, processes: figures.processes, reconciler: reconciler, cores: cores)
        autoscaler.scale = { [unowned self] count in _ = set(count) }
        autoscaler.mayScale = { context.phase == .running && !upgrade.isUnderWay && !context.holdsConnections }
    }

    func start() {
        watchCores()
        autoscaler.start(isHeld: wasHeld)
    }

    /// Another plan is in force, which may be taken back.
    func planChanged() {
        watchCores()
        autoscaler.start(isHeld: autoscaler.isHeld)
    }

    func stop() {
        timer = nil
        autoscaler.stop()
    }

    /// Whether the number of workers was given where the plan says that it follows the load.
    var isHeld: Bool { autoscaler.isHeld }

    /// TTIN and TTOU.
    func scale(by difference: Int, _ signal: Int32) {
        if upgrade.isCommitted { return upgrade.passOn(signal) }
        scale(to: reconciler.workerCount + difference)
    }

    /// An explicit order: from 1 to four times the cores (or what the cluster began with, or may scale to, if that is more). It holds until
    /// `scaleAutomatically`, or until a reload.
    /// - Returns: why it is not done, if it isn't.
    @discardableResult
    func scale(to wanted: Int) -> String? {
        if context.phase == .running, !upgrade.isUnderWay, !context.holdsConnections { autoscaler.hold() }
        return set(wanted)
    }

    /// The plan in force has replaced all workers. One worker per core in this plan as in the former leaves what was ordered.
    func followPlan() {
        defer { followed = context.plan.workers }
        guard context.plan.workers != .perCore || followed != .perCore else { return }
        scaleAutomatically()
    }

    /// As many as the plan says: what was ordered holds no longer.
    /// - Returns: why it is not done, if it isn't.
    @discardableResult
    func scaleAutomatically() -> String? {
        switch context.plan.workers {
        case .perCore: return set(UsableCores.current().count)
        case .count(let count): return set(count)
        case .range:
            autoscaler.resume()
            return nil
        }
    }

    /// - Returns: why it is not done, if it isn't.
    @discardableResult
    private func set(_ wanted: Int) -> String? {
        guard context.phase == .running else { return "the service stops" }
        // Which queues there are is agreed between the two masters.
        guard !upgrade.isUnderWay, !context.holdsConnections else {
            context.log(.notice, .scalingRefused, "no scaling now: an upgrade is under way")
            return "no scaling now: an upgrade is under way"
        }
        let count = min(max(wanted, 1), capacity)
        let before = reconciler.workerCount
        guard count != before else {
            if wanted != count { context.log(.warning, .scalingRefused, "can't scale any further", ["workers": "\(before)"]) }
            return nil
        }
        do throws(ClusterError) { try keeper.listen(slots: count) } catch {
            context.log(.error, .scalingFailed, "can't scale", ["reason": "\(error)"])
            return "can't scale: \(error)"
        }
        context.log(.notice, .scaling, "scaling", ["workers": "\(count)", "before": "\(before)"])
        figures.wants(count)
        reconciler.use(slots: count)
        return nil
    }

    /// The most workers that there can be.
    var limit: Int { capacity }

    /// Follows the number of usable cores, where the plan says so.
    private func watchCores() {
        guard context.plan.workers == .perCore else { return timer = nil }
        timer = context.loop.every(Self.interval) { [unowned self] in
            guard !upgrade.isUnderWay, !context.holdsConnections else { return }
            let usable = UsableCores.current()
            guard usable.count != cores else { return }
            cores = usable.count
            context.log(.notice, .coresChanged, "the usable cores have changed", ["reason": "\(usable.reason)"])
            set(usable.count)
        }
    }
}
