// Other programs in this one's place, and this one in another's; and the orders and numbers that both masters have to agree about.
// Process: master · Thread: loop

/// What follows for the master's other parts.
protocol SuccessionObserver: AnyObject {
    /// The program that takes this one's place is ready, and not yet told to begin.
    func successorReady(_ pid: Int32)
    /// It is in charge.
    func handedOver()
    /// This program is in charge in another one's place.
    func tookOver()
    /// A start failed before: this program leaves.
    func takeoverFailed()
}

final class Succession {
    let upgrade: BinaryUpgrade
    let takeover: Takeover
    let orders: OrderDesk
    let scaler: Scaler
    weak var observer: (any SuccessionObserver)?

    init(
        _ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, figures: FiguresCollector, reconciler: Reconciler,
        quarantine: Quarantine, housekeeping: Housekeeping, start: MasterStart
    ) {
        upgrade = BinaryUpgrade(
            context, pool: pool, keeper: keeper, figures: figures, reconciler: reconciler, quarantine: quarantine, housekeeping: housekeeping,
            program: ProgramImage(startedAs: start.state?.programPath), guardian: start.state?.guardian ?? 0)
        takeover = Takeover(context, pool: pool, keeper: keeper, figures: figures, reconciler: reconciler)
        orders = OrderDesk(context, pool: pool, reconciler: reconciler, upgrade: upgrade, takeover: takeover)
        scaler = Scaler(
            context, pool: pool, keeper: keeper, figures: figures, reconciler: reconciler, upgrade: upgrade, capacity: start.capacity,
            cores: start.cores.count, isHeld: start.state?.isScalingHeld ?? false)
        upgrade.isScalingHeld = { [unowned scaler] in scaler.isHeld }
        upgrade.onReady = { [unowned self] pid in
            observer?.successorReady(pid)
            scaler.stop()
        }
        upgrade.onCommitted = { [unowned self] in
            orders.passOnWaiting()
            observer?.handedOver()
        }
        upgrade.onOutcome = { [unowned self] outcome in orders.upgradeEnded(outcome) }
        upgrade.onFailed = { [unowned self] in orders.carryOutWaiting() }
        takeover.onBegin = { [unowned self] in
            observer?.tookOver()
            orders.carryOutWaiting()
        }
        takeover.onEnd = { [unowned self] in
            goBackWhenPossible()
            orders.carryOutWaiting()
        }
        takeover.onFailed = { [unowned self] in observer?.takeoverFailed() }
    }

    /// One of both is there.
    var isUnderWay: Bool { upgrade.isUnderWay || takeover.isUnderWay }

    func goBackWhenPossible() { takeover.goBackWhenPossible(with: upgrade) }

    /// Runs in a child.
    func closeInherited() {
        upgrade.closeInherited()
        takeover.closeInherited()
    }

    func stop() {
        takeover.stop()
        orders.stop()
        scaler.stop()
    }
}
