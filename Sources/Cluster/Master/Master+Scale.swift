// More workers or fewer, by signal, by the program, or because the usable cores have changed.
// Runs in the master.

internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

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
    /// TTIN and TTOU.
    func scale(by difference: Int, _ signal: Int32) {
        if upgrade?.isCommitted == true { return passOn(signal) }
        scale(to: workerSupervisor.usedCount + difference)
    }

    /// Sets the number of workers, from 1 to four times the cores (or what the cluster began with, if that is more).
    func scale(to wanted: Int) {
        guard stopping == .running, lameDuckTimer == nil else { return }
        // Which queues there are is agreed between the two masters.
        guard upgrade == nil, !holdsConnections else {
            return log(.notice, .scalingRefused, "no scaling now: an upgrade is under way")
        }
        let count = min(max(wanted, 1), capacity)
        let before = workerSupervisor.usedCount
        guard count != before else {
            if wanted != count { log(.warning, .scalingRefused, "can't scale any further", ["workers": "\(before)"]) }
            return
        }
        do throws(ClusterError) { try listeners.listen(slots: count) } catch {
            log(.error, .scalingFailed, "can't scale", ["reason": "\(error)"])
            return
        }
        log(.notice, .scaling, "scaling", ["workers": "\(count)", "before": "\(before)"])
        ledger.wantedWorkers = count
        for slot in before..<max(count, before) { _ = workerSupervisor.use(slot) }
        for slot in count..<max(count, before) {
            workerSupervisor.disuse(slot)
            for child in children.values where child.role == .worker(slot: slot) { letGo(child) }
            forgetUnused(.worker(slot: slot))
        }
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
            log(.notice, .coresChanged, "the usable cores have changed", ["reason": "\(cores.reason)"])
            scale(to: cores.count)
        }
    }
}
