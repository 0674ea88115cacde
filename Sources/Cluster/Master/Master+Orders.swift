// HUP and USR2: carried out now, later, or by the master that takes this one's place; refused with a reason while the cluster stops. The
// decisions are those of Orders, a pure value.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

extension Master {
    private var activity: Orders.Activity {
        if upgrade?.isCommitted == true { return .handingOver }
        if stopping != .running || lameDuckTimer != nil { return .stopping }
        if holdsConnections { return .takingOver }
        if upgrade != nil { return .upgrading }
        if roll?.isRolling == true { return .reloading }
        return succession == nil ? .serving : .receiving
    }

    /// HUP: all workers by the description as it is now.
    func reload() { receive(.reload) }

    /// USR2: the program as it is on the disk now takes this one's place.
    func upgradeInPlace() { receive(.upgrade) }

    private func receive(_ order: Orders.Order) {
        switch orders.receive(order, during: activity) {
        case .carryOut:
            carryOut(order)
        case .wait:
            log(.info, .orderDeferred, "an order waits for what is under way", ["order": "\(order)", "under_way": "\(activity)"])
            limitWait()
        case .passOn:
            passOn(order == .reload ? SIGHUP : SIGUSR2)
        case .refuse:
            log(.notice, .orderRefused, "an order is refused: the cluster stops", ["order": "\(order)"])
        }
    }

    private func carryOut(_ order: Orders.Order) {
        switch order {
        case .reload: beginReload()
        case .upgrade: beginUpgrade()
        }
    }

    /// What was under way is over.
    func carryOutWaiting() {
        // Not within the handler that has ended it.
        lookAtOrders(after: .zero)
    }

    private func lookAtOrders(after delay: Duration) {
        orderTimer = loop.after(delay) { [unowned self] in
            orderTimer = nil
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
        let patience = isUpgrading ? max(.seconds(5), longestStart * 4) : max(.seconds(2), longestStart * 2)
        let now = EventLoop.monotonicNanoseconds()
        let since = isUpgrading ? upgrade?.startedAt : rollingChild?.forkedAt
        let waited = Duration.from(since ?? now, to: now)
        // Looked at again in any case: the reload may wait for another worker then.
        lookAtOrders(after: waited < patience ? patience - waited : .milliseconds(50))
        guard waited >= patience else { return }
        if isUpgrading {
            failUpgrade("another order waits")
        } else if let child = rollingChild {
            startIsOverdue(child, "another order waits")
        }
    }

    /// The worker that a reload waits for.
    private var rollingChild: Child? {
        children.values.first { $0.phase == .starting && $0.edition == edition && roll?.isRolling($0.role.slot) == true }
    }

    /// Who gave its role away leaves orders to the new master.
    func passOn(_ signal: Int32) {
        guard let upgrade, upgrade.status == nil else { return log(.notice, .orderRefused, "an order is refused: the new master has ended", ["signal": "\(signal)"]) }
        kill(upgrade.pid, signal)
        log(.info, .orderForwarded, "an order goes to the new master", ["signal": "\(signal)", "new_pid": "\(upgrade.pid)"])
    }
}
