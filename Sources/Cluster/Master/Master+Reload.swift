// HUP: the cluster's description is read anew, and all workers are replaced by ones that follow it, one by one. When a new
// one fails, those that were replaced are replaced again, by the old description. What comes next is Roll's to say.
// Runs in the master.

internal import EverycoreLoop
internal import Logging

extension Master {
    /// HUP: reads the description anew and replaces the workers one by one. Nothing changes when it can't be read.
    func reload() {
        guard stopping == .running, lameDuckTimer == nil else { return }
        guard roll?.isRolling != true else {
            reloadsAgain = true
            return
        }
        tellReloading()
        var next = plan
        do {
            if let read = plan.onReload { next = try plan.merged(with: read()) }
        } catch {
            log(.error, "not reloaded, nothing has changed: \(error)")
            return tellReloaded()
        }
        log(.notice, "reloading")
        previousPlan = plan
        adopt(next)
        rollTimer = nil
        // Also where one only starts, by the description of before.
        let slots = (0..<capacity).filter { !livingWorkers(of: $0).isEmpty }
        roll = Roll(slots: slots)
        advanceRoll { $0.begin() }
    }

    private func adopt(_ next: ClusterPlan) {
        plan = next
        edition += 1
        options = next.options
        workerSupervisor.policy = options.respawn
        auxiliarySupervisor.policy = options.respawn
        recycling = Recycling(policy: options.recycle, random: Self.random)
        startReporting()
        startLooking()
    }

    func rollFailed(at slot: Int, _ reason: String) {
        advanceRoll(reason) { $0.failed(slot) }
    }

    func advanceRoll(_ reason: String = "", _ event: (inout Roll) -> [Roll.Action]) {
        guard var current = roll else { return }
        let actions = event(&current)
        roll = current
        for action in actions {
            switch action {
            case .replace(let slot):
                renewInRoll(slot)
            case .replaced:
                rolled()
            case .failed(let slots):
                rollBack(slots, reason)
            }
        }
    }

    /// Starts a successor by the present description, as soon as the slot has a worker that can be replaced.
    func renewInRoll(_ slot: Int) {
        guard roll?.isRolling(slot) == true, !replaceWorker(slot: slot) else { return }
        let workers = livingWorkers(of: slot)
        // One of before gets ready, or ends: see below.
        guard workers.allSatisfy({ $0.edition == edition }) else { return }
        // One that died meanwhile is replaced by a new one anyway.
        advanceRoll { workers.isEmpty ? $0.passed(slot) : $0.replaced(slot) }
    }

    /// The worker is ready.
    func rollReady(_ child: Child) {
        guard case .worker(let slot) = child.role else { return }
        child.edition == edition ? advanceRoll { $0.replaced(slot) } : renewInRoll(slot)
    }

    /// The worker is over. When it is one of before that has no successor yet, its slot's next one is new.
    func passInRoll(_ child: Child) {
        guard case .worker(let slot) = child.role, child.edition != edition, roll?.isRolling(slot) == true else { return }
        if !livingWorkers(of: slot).contains(where: { $0 !== child }) { advanceRoll { $0.passed(slot) } }
    }

    /// Those that serve or are about to.
    private func livingWorkers(of slot: Int) -> [Child] {
        children.values.filter { $0.role == .worker(slot: slot) && ($0.phase == .starting || $0.phase == .ready) }
    }

    private func rolled() {
        guard !isRollingBack else {
            isRollingBack = false
            roll = nil
            log(.notice, "the old workers are back")
            tellReloaded()
            return reloadIfAskedAgain()
        }
        tellReloaded()
        // Whoever dies later does so for reasons of its own.
        rollTimer = loop.after(options.respawn.youngAge) { [unowned self] in
            roll = nil
            previousPlan = nil
        }
        log(.notice, "reloaded", ["workers": "\(workerSupervisor.usedCount)"])
        for index in plan.auxiliaries.indices {
            let actions = auxiliarySupervisor.handle(.replace(slot: index), now: EventLoop.monotonicNanoseconds())
            carryOut(actions, auxiliaries: true)
        }
        if case .count(let count) = plan.workers { scale(to: count) }
        reloadIfAskedAgain()
    }

    private func reloadIfAskedAgain() {
        guard reloadsAgain else { return }
        reloadsAgain = false
        reload()
    }

    private func rollBack(_ slots: [Int], _ reason: String) {
        roll = nil
        rollTimer = nil
        guard !isRollingBack else {
            isRollingBack = false
            log(.error, "the old workers could not be brought back")
            tellReloaded()
            return reloadIfAskedAgain()
        }
        log(.error, "reload failed, going back to what was before", ["replaced": "\(slots.count)", "reason": "\(reason)"])
        if let previousPlan { adopt(previousPlan) }
        previousPlan = nil
        guard !slots.isEmpty else {
            tellReloaded()
            return reloadIfAskedAgain()
        }
        isRollingBack = true
        roll = Roll(slots: slots)
        advanceRoll { $0.begin() }
    }
}

extension ClusterPlan {
    /// What a reload goes on with.
    /// - Throws: when what can't change while connections are open has changed.
    fileprivate func merged(with next: ClusterPlan) throws -> ClusterPlan {
        guard next.addresses == addresses else { throw ReloadError.addressesChanged }
        guard next.auxiliaries.map(\.name) == auxiliaries.map(\.name), next.auxiliaries.map(\.addresses) == auxiliaries.map(\.addresses)
        else { throw ReloadError.auxiliariesChanged }
        var merged = next
        merged.handlers = handlers
        merged.onReload = onReload
        try merged.options.findCredentials()
        return merged
    }
}

/// Why a new description can't take the place of the present one.
enum ReloadError: Error, CustomStringConvertible {
    case addressesChanged, auxiliariesChanged

    var description: String {
        switch self {
        case .addressesChanged: "other addresses to listen on need a restart"
        case .auxiliariesChanged: "another admin address, or other auxiliaries, need a restart"
        }
    }
}
