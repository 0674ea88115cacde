// HUP and USR2: carried out now, later, or by the master that takes this one's place; refused with a reason while the cluster stops. The
// decisions are those of Orders, a pure value.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

final class OrderDesk {
    private let context: MasterContext
    private let pool: WorkerPool
    private let reconciler: Reconciler
    private let upgrade: BinaryUpgrade
    private let takeover: Takeover
    private var orders = Orders()
    /// Carries out an order that has waited for long enough, or tries again.
    private var timer: LoopTimer?

    init(_ context: MasterContext, pool: WorkerPool, reconciler: Reconciler, upgrade: BinaryUpgrade, takeover: Takeover) {
        self.context = context
        self.pool = pool
        self.reconciler = reconciler
        self.upgrade = upgrade
        self.takeover = takeover
    }

    func stop() { timer = nil }

    private var activity: Orders.Activity {
        if upgrade.isCommitted { return .handingOver }
        if context.phase != .running { return .stopping }
        if context.holdsConnections { return .takingOver }
        if upgrade.isUnderWay { return .upgrading }
        if reconciler.isRolling { return .reloading }
        return takeover.isUnderWay ? .receiving : .serving
    }

    /// - reload: HUP, all workers by the description as it is now.
    /// - upgrade: USR2, the program as it is on the disk now takes this one's place.
    func receive(_ order: Orders.Order) {
        switch orders.receive(order, during: activity) {
        case .carryOut:
            carryOut(order)
        case .wait:
            context.log(.info, .orderDeferred, "an order waits for what is under way", ["order": "\(order)", "under_way": "\(activity)"])
            limitWait()
        case .passOn:
            upgrade.passOn(order.signal)
        case .refuse:
            context.log(.notice, .orderRefused, "an order is refused: the cluster stops", ["order": "\(order)"])
        }
    }

    private func carryOut(_ order: Orders.Order) {
        switch order {
        case .reload: reconciler.reload()
        case .upgrade: upgrade.begin()
        }
    }

    /// What was under way is over.
    func carryOutWaiting() {
        // Not within the handler that has ended it.
        look(after: .zero)
    }

    private func look(after delay: Duration) {
        timer = context.loop.after(delay) { [unowned self] in
            timer = nil
            while let order = orders.next(during: activity) { carryOut(order) }
            limitWait()
        }
    }

    /// An order doesn't wait for a start that hangs. Normal starts are waited for: orders that come faster than workers start would otherwise
    /// never be carried out.
    private func limitWait() {
        guard !orders.waiting.isEmpty else { return }
        let isUpgrading = activity == .upgrading
        guard isUpgrading || activity == .reloading else { return }
        let longest = reconciler.longestStart
        let patience = isUpgrading ? max(.seconds(5), longest * 4) : max(.seconds(2), longest * 2)
        let now = EventLoop.monotonicNanoseconds()
        let since = isUpgrading ? upgrade.startedAt : awaited?.forkedAt
        let waited = Duration.from(since ?? now, to: now)
        // Looked at again in any case: the reload may wait for another worker then.
        look(after: waited < patience ? patience - waited : .milliseconds(50))
        guard waited >= patience else { return }
        if isUpgrading {
            upgrade.fail("another order waits")
        } else if let child = awaited {
            pool.startIsOverdue(child, "another order waits")
        }
    }

    /// The worker that a reload waits for.
    private var awaited: Child? {
        guard let (slot, generation) = reconciler.rollout.awaited, let child = pool.child(.worker(slot: slot), generation: generation) else {
            return nil
        }
        return child.phase == .starting ? child : nil
    }

    /// A reload failed: whether a newer one waits. It doesn't any more.
    func takeReload() -> Bool { orders.take(.reload) }

    /// The new master is in charge.
    func passOnWaiting() { for order in orders.takeAll() { upgrade.passOn(order.signal) } }
}

extension Orders.Order {
    var signal: Int32 { self == .reload ? SIGHUP : SIGUSR2 }
}
