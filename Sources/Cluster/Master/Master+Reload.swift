// HUP: the cluster's description is read anew, and all workers are replaced by ones that follow it, one by one. When a new
// one fails, those that were replaced are replaced again, by the old description. What comes next is Roll's to say.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

extension Master {
    /// Reads the description anew and replaces the workers one by one. Nothing changes when it can't be read.
    /// - Returns: false when it could not be read.
    @discardableResult
    func beginReload() -> Bool {
        tellReloading()
        var next = plan
        do {
            if let read = plan.onReload { next = try plan.merged(with: read()) }
        } catch {
            log(.error, .reloadRefused, "not reloaded, nothing has changed: \(error)")
            tellReloaded()
            return false
        }
        log(.notice, .reloadStarted, "reloading")
        let answered = answeredEndpoints()
        resetQuarantine(next.options)
        // A plan that has not served yet is nothing to go back to.
        if fallback == nil || workerSupervisor.isProven { fallback = (plan, workerSupervisor.isProven) }
        endProbation()
        probation = Probation(
            answered: answered, hasAnswered: hasAnswered(edition), deadly: deadlyEndpoints.all(now: EventLoop.monotonicNanoseconds()))
        adopt(next, isProven: false)
        isRollingBack = false
        rollTimer = nil
        // Also where one only starts, by the description of before.
        let slots = (0..<capacity).filter { !livingWorkers(of: $0).isEmpty }
        roll = Roll(slots: slots)
        advanceRoll { $0.begin() }
        return true
    }

    private func adopt(_ next: ClusterPlan, isProven: Bool) {
        plan = next
        edition += 1
        options = next.options
        workerSupervisor.policy = options.respawn
        workerSupervisor.changePlan(isProven: isProven)
        auxiliarySupervisor.policy = options.respawn
        quarantine.supervisor.policy = options.respawn
        recycling = Recycling(policy: options.recycle, random: Self.random)
        standIns.patience = options.standInAfter
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
        guard roll?.isRolling(slot) == true else { return }
        let workers = livingWorkers(of: slot)
        if workers.contains(where: { $0.edition != edition }) {
            // Where a successor by the old description is on its way already, the next step is taken when it is ready, or has ended.
            replaceWorker(slot: slot)
        } else {
            // One that died meanwhile is replaced by a new one anyway.
            advanceRoll { workers.isEmpty ? $0.passed(slot) : $0.replaced(slot) }
        }
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
            log(.notice, .reloadRolledBack, "reload rolled back")
            tellReloaded()
            return carryOutWaiting()
        }
        tellReloaded()
        // Whose start fails later does so for reasons of its own.
        rollTimer = loop.after(options.respawn.youngAge) { [unowned self] in
            roll?.settle()
            awaitAnswer(until: EventLoop.monotonicNanoseconds().addingUpToLimit(Probation.longest.wholeNanoseconds))
        }
        log(.notice, .reloadFinished, "reloaded", ["workers": "\(workerSupervisor.usedCount)"])
        for index in plan.auxiliaries.indices {
            let actions = auxiliarySupervisor.handle(.replace(slot: index), now: EventLoop.monotonicNanoseconds())
            carryOut(actions, auxiliaries: true)
        }
        if case .count(let count) = plan.workers { scale(to: count) }
        carryOutWaiting()
    }

    /// The plan stands when a new worker has answered a request, or when there was none for long.
    private func awaitAnswer(until end: UInt64) {
        if hasAnswered(edition) { probation.answered() }
        guard !probation.hasAnswered, EventLoop.monotonicNanoseconds() < end else {
            roll = nil
            fallback = nil
            return
        }
        rollTimer = loop.after(.seconds(1)) { [unowned self] in awaitAnswer(until: end) }
    }

    private func rollBack(_ slots: [Int], _ reason: String) {
        roll = nil
        rollTimer = nil
        guard !isRollingBack else {
            isRollingBack = false
            log(.error, .reloadRollbackFailed, "reload could not be rolled back")
            tellReloaded()
            return carryOutWaiting()
        }
        log(.error, .reloadFailed, "reload failed: rolling back", ["replaced": "\(slots.count)", "reason": "\(reason)"])
        if let fallback {
            resetQuarantine(fallback.plan.options)
            adopt(fallback.plan, isProven: fallback.isProven)
        }
        fallback = nil
        // A newer order brings other workers, and need not wait for the old ones to be back.
        if orders.take(.reload) {
            tellReloaded()
            if beginReload() { return }
            tellReloading()
        }
        guard !slots.isEmpty else {
            tellReloaded()
            return carryOutWaiting()
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
        merged.handedStates = handedStates
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
