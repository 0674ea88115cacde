// Carries out what StandIns decides: successors for workers that are stuck while no other serves.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

extension HealthMonitor {
    /// - Returns: whether requests hold workers whose like are kept away meanwhile: then it is due again soon.
    func decideStandIns(now: UInt64) -> Bool {
        guard context.isInCharge else { return false }
        var workers: [StandIns.Worker] = []
        // Mostly one serves that stands in for none, and it ends here.
        let oneServes = pool.children.values.contains { $0.role.isWorker && $0.phase == .ready && outSince($0) == nil }
        if !oneServes || pool.children.values.contains(where: { $0.isReplacedStuck }) {
            let starting = Set(pool.children.values.filter { $0.phase == .starting }.map(\.role))
            for child in pool.children.values where child.phase == .ready || child.isReplacedStuck {
                guard case .worker(let slot) = child.role, !child.wasStuck else { continue }
                let isCurrent = child.phase == .ready
                workers.append(
                    .init(
                        pid: child.pid, slot: slot, isCurrent: isCurrent, hasSuccessor: isCurrent && starting.contains(child.role),
                        outSince: outSince(child), request: child.pulse.longHold))
            }
        }
        quarantine.holding(standIns.holding(workers, now: now).compactMap { pool.children[$0] }.filter(\.isStuck), now: now)
        for pid in standIns.held(workers, now: now) { if let child = pool.children[pid] { heldWhileNoneServed(child) } }
        for action in standIns.decide(workers, limit: reconciler.workerCount, now: now) {
            switch action {
            case .noneServes:
                context.logOfPeer(
                    .noneServes, .standInsStarted, "no worker serves: starting others in their place", ["workers": "\(reconciler.workerCount)"], level: .error)
            case .start(let slot): startStandIn(slot)
            case .kill(let pid): if let child = pool.children[pid] { pool.killStuck(child, ["because": "more are stuck than there are workers"]) }
            }
        }
        return !quarantine.suspicion.holding.isEmpty
    }

    /// Since when the worker serves nothing new, be it for one request or for many. One that has as many connections as it may have serves those.
    private func outSince(_ child: Child) -> UInt64? {
        if let since = child.pulse.stuckSince { return since }
        guard let since = child.deafSince, pool.pages.table.pause(of: child.page.index) != .connectionLimit else { return nil }
        return since
    }

    /// A request that holds the loop of a worker while no worker serves is as bad as one that ends its worker. So is one that holds a
    /// stand-in: the others were not spared by chance.
    private func heldWhileNoneServed(_ child: Child) {
        context.logOfPeer(.heldWhileNoneServed, .workerHeld, "a request holds its worker while no worker serves", about: child, child.requestDetails)
        quarantine.held(child)
    }

    private func startStandIn(_ slot: Int) {
        guard let child = pool.children.values.first(where: { $0.role == .worker(slot: slot) && $0.phase == .ready }), reconciler.replaceWorker(slot: slot)
        else { return }
        context.logOfPeer(.standIn, .standInStarted, "starting a worker in the place of a stuck one", about: child, level: .notice)
    }
}
