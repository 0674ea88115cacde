// Carries out what StandIns decides: successors for workers that are stuck while no other serves.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

extension Master {
    func decideStandIns(now: UInt64) {
        guard stopping == .running, !holdsConnections else { return }
        var workers: [StandIns.Worker] = []
        // Mostly one serves that stands in for none, and it ends here.
        let oneServes = children.values.contains { $0.role.isWorker && $0.phase == .ready && outSince($0) == nil }
        if !oneServes || children.values.contains(where: \.isReplacedStuck) {
            let starting = Set(children.values.filter { $0.phase == .starting }.map(\.role))
            for child in children.values where child.phase == .ready || child.isReplacedStuck {
                guard case .worker(let slot) = child.role, !child.wasStuck else { continue }
                let isCurrent = child.phase == .ready
                workers.append(
                    .init(
                        pid: child.pid, slot: slot, isCurrent: isCurrent, hasSuccessor: isCurrent && starting.contains(child.role),
                        outSince: outSince(child), request: child.pulse.longHold))
            }
        }
        quarantineHolding(standIns.holding(workers, now: now).compactMap { children[$0] }.filter(\.isStuck), now: now)
        for pid in standIns.held(workers, now: now) { if let child = children[pid] { heldWhileNoneServed(child) } }
        for action in standIns.decide(workers, limit: workerCount, now: now) {
            switch action {
            case .noneServes: say(.noneServes, .error, .standInsStarted, "no worker serves: starting others in their place", ["workers": "\(workerCount)"])
            case .start(let slot): startStandIn(slot)
            case .kill(let pid): if let child = children[pid] { killStuck(child, ["because": "more are stuck than there are workers"]) }
            }
        }
    }

    /// Since when the worker serves nothing new, be it for one request or for many. One that has as many connections as it may have serves those.
    private func outSince(_ child: Child) -> UInt64? {
        if let since = child.pulse.stuckSince { return since }
        guard let since = child.deafSince, pages.board.pause(of: child.page.index) != .connectionLimit else { return nil }
        return since
    }

    /// A request that holds the loop of a worker while no worker serves is as bad as one that ends its worker. So is one that holds a
    /// stand-in: the others were not spared by chance.
    private func heldWhileNoneServed(_ child: Child) {
        sayOfPeer(.heldWhileNoneServed, .workerHeld, "a request holds its worker while no worker serves", about: child, request(of: child))
        quarantineHeld(child)
    }

    private func startStandIn(_ slot: Int) {
        guard let child = children.values.first(where: { $0.role == .worker(slot: slot) && $0.phase == .ready }), replaceWorker(slot: slot)
        else { return }
        say(.standIn, .notice, .standInStarted, "starting a worker in the place of a stuck one", about: child)
    }

    /// With ABRT first, which lets a backtrace show where it is stuck.
    func killStuck(_ child: Child, _ details: Logger.Metadata) {
        guard !child.wasStuck else { return }
        child.wasStuck = true
        say(.killedStuck, .error, .workerKilledStuck, "killing a stuck worker", about: child, request(of: child).merging(details) { $1 })
        send(SIGABRT, to: child)
        killAfter(Self.abortGrace, child)
    }
}
