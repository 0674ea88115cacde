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
        if case .worker(let slot) = role { rollFailed(at: slot, "a new worker failed before it was ready") }
    }

    // MARK: All workers

    /// HUP: reads the description anew and replaces the workers one by one. Nothing changes when it can't be read.
    func reload() {
        guard stopping == .running, lameDuckTimer == nil else { return }
        guard roll?.isRolling != true else {
            reloadsAgain = true
            return
        }
        // One that is just starting has the old description, and can't be replaced before it is ready or has failed.
        guard !isAnyWorkerStarting else {
            if !reloadsAgain { log(.info, "the reload waits for a worker that is starting") }
            reloadsAgain = true
            return
        }
        reloadsAgain = false
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
        let slots = (0..<capacity).filter { slot in children.values.contains { $0.role == .worker(slot: slot) && $0.phase == .ready } }
        roll = Roll(slots: slots)
        advanceRoll { $0.begin() }
    }

    private var isAnyWorkerStarting: Bool { children.values.contains { $0.role.isWorker && $0.phase == .starting } }

    /// HUP came when a reload could not begin: does it now, if nothing stands in the way any more.
    func reloadIfAsked() {
        guard reloadsAgain, roll?.isRolling != true, !isAnyWorkerStarting else { return }
        reload()
    }

    private func adopt(_ next: ClusterPlan) {
        plan = next
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
                // One that died meanwhile was replaced by a new one anyway.
                if !replaceWorker(slot: slot) { advanceRoll { $0.replaced(slot) } }
            case .replaced:
                rolled()
            case .failed(let slots):
                rollBack(slots, reason)
            }
        }
    }

    private func rolled() {
        guard !isRollingBack else {
            isRollingBack = false
            roll = nil
            log(.notice, "the old workers are back")
            return tellReloaded()
        }
        tellReloaded()
        log(.notice, "reloaded", ["workers": "\(workerSupervisor.usedCount)"])
        for index in plan.auxiliaries.indices {
            let actions = auxiliarySupervisor.handle(.replace(slot: index), now: EventLoop.monotonicNanoseconds())
            carryOut(actions, auxiliaries: true)
        }
        if case .count(let count) = plan.workers { scale(to: count) }
        if reloadsAgain {
            reloadsAgain = false
            reload()
        }
    }

    private func rollBack(_ slots: [Int], _ reason: String) {
        roll = nil
        reloadsAgain = false
        guard !isRollingBack else {
            isRollingBack = false
            log(.error, "the old workers could not be brought back")
            return tellReloaded()
        }
        log(.error, "reload failed, going back to what was before", ["replaced": "\(slots.count)", "reason": "\(reason)"])
        if let previousPlan { adopt(previousPlan) }
        previousPlan = nil
        guard !slots.isEmpty else { return tellReloaded() }
        isRollingBack = true
        roll = Roll(slots: slots)
        advanceRoll { $0.begin() }
    }

    // MARK: More or fewer

    /// Sets the number of workers, from 1 to four times the cores (or what the cluster began with, if that is more).
    func scale(to wanted: Int) {
        guard stopping == .running, lameDuckTimer == nil else { return }
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
