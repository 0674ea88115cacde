// Planned changes of the workers: a successor for one that is well, a rolling reload of all, more workers or fewer.
// Runs in the master.

internal import EventLoop
internal import Glibc
internal import Logging
internal import Statistics

/// How many workers there should be, and why.
struct Scaling {
    /// Follow the usable cores.
    let isAutomatic: Bool
    /// At the last look.
    var cores: Int
    var timer: LoopTimer?

    /// The kernel tells nobody when an affinity mask or a quota changes.
    static let interval = Duration.seconds(2)
}

extension Master {
    // MARK: One worker

    /// Starts a successor for the slot's worker; when it is ready, the worker hands over to it and goes.
    /// - Returns: false when the slot has no worker that is well, or a successor is on its way already.
    @discardableResult
    func replaceWorker(slot: Int) -> Bool {
        guard stopping == .running else { return false }
        let actions = workerSupervisor.handle(.replace(slot: slot), now: EventLoop.monotonicNanoseconds())
        carryOut(actions, auxiliaries: false)
        scheduleWake()
        return !actions.isEmpty
    }

    /// The successor is ready.
    func retire(_ role: Role, generation: Int) {
        if let child = children.values.first(where: { $0.role == role && $0.generation == generation }) { letGo(child) }
    }

    func replacementFailed(_ role: Role, generation: Int) {
        log(.warning, "a new worker failed: the old one stays", ["worker": "\(role.slot)", "gen": "\(generation)"])
        guard case .worker(let slot) = role else { return }
        let failed = children.values.first { $0.role == role && $0.generation == generation }
        // One that only waited for its successor has waited long enough.
        if let leaving = children.values.first(where: { $0.role == role && $0.waitsForSuccessor }) { goWithoutSuccessor(leaving) }
        if let failed, failed.edition != edition { return renewInRoll(slot) }
        rollFailed(at: slot, "a new worker failed before it was ready")
    }

    // MARK: All workers

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
    private func renewInRoll(_ slot: Int) {
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

    // MARK: More or fewer

    /// Sets the number of workers, from 1 to four times the cores (or what the cluster began with, if that is more).
    func scale(to wanted: Int) {
        guard stopping == .running, lameDuckTimer == nil else { return }
        // Which queues there are is agreed between the two masters.
        guard upgrade == nil, !holdsConnections else {
            return log(.notice, "no scaling now: an upgrade is under way")
        }
        let count = min(max(wanted, 1), capacity)
        let before = workerSupervisor.usedCount
        guard count != before else {
            if wanted != count { log(.warning, "can't scale any further", ["workers": "\(before)"]) }
            return
        }
        do throws(ClusterError) { try listeners.listen(slots: count) } catch {
            log(.error, "can't scale", ["reason": "\(error)"])
            return
        }
        log(.notice, "scaling", ["workers": "\(count)", "before": "\(before)"])
        ledger.wantedWorkers = count
        let now = EventLoop.monotonicNanoseconds()
        for slot in before..<max(count, before) { _ = workerSupervisor.use(slot, now: now) }
        for slot in count..<max(count, before) {
            workerSupervisor.disuse(slot)
            for child in children.values where child.role == .worker(slot: slot) { letGo(child) }
            forgetUnused(.worker(slot: slot))
        }
        let actions = workerSupervisor.handle(.timer, now: now)
        carryOut(actions, auxiliaries: false)
        scheduleWake()
        assignQueues()
        // A reload doesn't wait for those that have gone.
        for slot in count..<max(count, before) { advanceRoll { $0.passed(slot) } }
    }

    /// A slot that was scaled away has no row when its last worker is gone.
    func forgetUnused(_ role: Role) {
        guard case .worker(let slot) = role, !workerSupervisor.uses(slot),
            !children.values.contains(where: { $0.role == role && $0.phase != .dying })
        else { return }
        ledger.remove(slot: slot)
    }

    /// Follows the number of usable cores.
    func watchCores() {
        guard scaling.isAutomatic else { return }
        scaling.timer = loop.every(Scaling.interval) { [unowned self] in
            guard upgrade == nil, !holdsConnections else { return }
            let cores = UsableCores.current()
            guard cores.count != scaling.cores else { return }
            scaling.cores = cores.count
            log(.notice, "the usable cores have changed", ["reason": "\(cores.reason)"])
            scale(to: cores.count)
        }
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
