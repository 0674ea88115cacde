// More workers or fewer, by signal, by the program, or because the usable cores have changed.
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
    private var timer: LoopTimer?

    /// No event tells of a change of the affinity mask or the quota.
    private static let interval = Duration.seconds(2)

    init(
        _ context: MasterContext, keeper: ListenerKeeper, figures: FiguresCollector, reconciler: Reconciler, upgrade: BinaryUpgrade,
        capacity: Int, cores: Int
    ) {
        self.context = context
        self.keeper = keeper
        self.figures = figures
        self.reconciler = reconciler
        self.upgrade = upgrade
        self.capacity = capacity
        self.cores = cores
    }

    func stop() { timer = nil }

    /// TTIN and TTOU.
    func scale(by difference: Int, _ signal: Int32) {
        if upgrade.isCommitted { return upgrade.passOn(signal) }
        scale(to: reconciler.workerCount + difference)
    }

    /// Sets the number of workers, from 1 to four times the cores (or what the cluster began with, if that is more).
    func scale(to wanted: Int) {
        guard context.phase == .running else { return }
        // Which queues there are is agreed between the two masters.
        guard !upgrade.isUnderWay, !context.holdsConnections else {
            return context.log(.notice, .scalingRefused, "no scaling now: an upgrade is under way")
        }
        let count = min(max(wanted, 1), capacity)
        let before = reconciler.workerCount
        guard count != before else {
            if wanted != count { context.log(.warning, .scalingRefused, "can't scale any further", ["workers": "\(before)"]) }
            return
        }
        do throws(ClusterError) { try keeper.listen(slots: count) } catch {
            context.log(.error, .scalingFailed, "can't scale", ["reason": "\(error)"])
            return
        }
        context.log(.notice, .scaling, "scaling", ["workers": "\(count)", "before": "\(before)"])
        figures.wants(count)
        reconciler.use(slots: count)
    }

    /// Follows the number of usable cores, where the plan says so.
    func watchCores() {
        guard context.plan.workers == .perCore else { return }
        timer = context.loop.every(Self.interval) { [unowned self] in
            guard !upgrade.isUnderWay, !context.holdsConnections else { return }
            let usable = UsableCores.current()
            guard usable.count != cores else { return }
            cores = usable.count
            context.log(.notice, .coresChanged, "the usable cores have changed", ["reason": "\(usable.reason)"])
            scale(to: usable.count)
        }
    }
}
