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
    /// Those who want to know what becomes of their orders.
    private var tickets = OrderTickets<ControlAnswer>()
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
    /// - restart: all workers, by the description in force.
    /// - Parameter answer: told of the order's end.
    func receive(_ order: Orders.Order, for answer: ControlAnswer? = nil) {
        switch orders.receive(order, during: activity) {
        case .carryOut:
            carryOut(order, for: answer)
        case .wait:
            if let answer { tickets.waits(answer, for: order) }
            answer?.progress("waiting: \(activity.words)")
            context.log(.info, .orderDeferred, "an order waits for what is under way", ["order": "\(order)", "under_way": "\(activity)"])
            limitWait()
        case .passOn:
            if let signal = order.signal { upgrade.passOn(signal) }
            answer?.done("passed on to the new master, process \(upgrade.successor ?? 0)")
        case .refuse:
            context.log(.notice, .orderRefused, "an order is refused: the cluster stops", ["order": "\(order)"])
            answer?.failed(upgrade.isCommitted ? "a new master is in charge: ask again" : "the service stops")
        }
    }

    private func carryOut(_ order: Orders.Order, for answer: ControlAnswer? = nil) {
        tickets.begins(order, for: answer)
        answer?.progress(order == .upgrade ? "the new program gets ready" : "new workers get ready")
        switch order {
        case .reload: reconciler.reload()
        case .restart: reconciler.restart()
        case .upgrade: upgrade.begin()
        }
    }

    // MARK: Ends

    /// A reload or a restart is over: these workers serve.
    func rolloutEnded(_ workers: String) {
        for answer in tickets.ends(.reload) { answer.end(.done("reloaded: \(workers)")) }
        for answer in tickets.ends(.restart) { answer.end(.done("restarted: \(workers)")) }
    }

    func rolloutFailed(_ outcome: OrderOutcome) {
        for order in [Orders.Order.reload, .restart] { for answer in tickets.ends(order) { answer.end(outcome) } }
    }

    /// The askers of a reload, whose workers are replaced and are to become more or fewer yet.
    func takeReloadAnswers() -> [ControlAnswer] { tickets.ends(.reload) }

    /// An upgrade has failed, or the new program is in charge.
    func upgradeEnded(_ outcome: OrderOutcome) { for answer in tickets.ends(.upgrade) { answer.end(outcome) } }

    /// Nothing is carried out any more.
    func abandonAll(_ reason: String) { for answer in tickets.leaveAll() { answer.failed(reason) } }

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
    func takeReload(after outcome: OrderOutcome) -> Bool {
        guard orders.take(.reload) else { return false }
        rolloutFailed(outcome)
        tickets.begins(.reload)
        return true
    }

    /// The new master is in charge.
    func passOnWaiting() {
        for order in orders.takeAll() {
            if let signal = order.signal { upgrade.passOn(signal) }
            for answer in tickets.leaves(order) {
                answer.done(
                    order == .restart ? "restarted: the workers of the new program are new" : "passed on to the new master, process \(upgrade.successor ?? 0)")
            }
        }
    }
}

extension Orders.Order {
    /// Nil where no signal stands for it.
    var signal: Int32? {
        switch self {
        case .reload: SIGHUP
        case .upgrade: SIGUSR2
        case .restart: nil
        }
    }
}

extension Orders.Activity {
    /// As an operator is told.
    fileprivate var words: String {
        switch self {
        case .serving: "the service serves"
        case .reloading: "the workers are being replaced already"
        case .upgrading: "an upgrade is under way"
        case .takingOver: "this program is about to take another one's place"
        case .receiving: "the workers of the program before still hand over"
        case .handingOver: "a new master is in charge"
        case .stopping: "the service stops"
        }
    }
}
