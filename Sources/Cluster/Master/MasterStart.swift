// What has to be opened before the first fork, and in which order.
// Process: master · Thread: before the loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

struct MasterStart {
    let hangup = Hangup(hasTerminal: cposix_has_terminal() != 0, isIgnored: cposix_hangup_was_ignored() != 0)
    let cores = UsableCores.current()
    private(set) var workerCount: Int
    /// How many slots there can be.
    let capacity: Int
    let openFiles: OpenFileLimit
    /// What the master leaves whose place this one takes.
    let state: UpgradeState?
    var listeners: Listeners
    /// The service manager's sockets.
    let inherited: InheritedListeners?

    init(_ plan: ClusterPlan) throws(ClusterError) {
        var most = 0
        switch plan.workers {
        case .perCore: workerCount = min(cores.count, Report.slotLimit)
        case .count(let count): workerCount = count
        case .range(let bounds):
            for bound in [bounds.lowerBound, bounds.upperBound] where !(1...Report.slotLimit).contains(bound) { throw .badWorkerCount(bound) }
            workerCount = min(max(cores.count, bounds.lowerBound), bounds.upperBound)
            most = bounds.upperBound
        }
        guard (1...Report.slotLimit).contains(workerCount) else { throw .badWorkerCount(workerCount) }
        try MasterThreads.check()
        cposix_fill_standard_descriptors()
        // From here on an order to stop has things to take away: it waits for the loop.
        cposix_hold_signals()
        cposix_ignore_signal(SIGPIPE)
        // A log at its process' limit (RLIMIT_FSIZE) must cost lines, not the service.
        cposix_ignore_signal(SIGXFSZ)
        cposix_line_buffer_stdout()
        cposix_guard_output()
        var openFiles = OpenFileLimit.ofThisProcess()
        state = try UpgradeState.take()
        try state?.check(against: plan)
        capacity = min(max(workerCount, most, cores.count * 4, state?.slots.count ?? 0), Report.slotLimit)
        if case .range(let bounds) = plan.workers, let before = state?.workers {
            let isHeld = state?.isScalingHeld == true
            workerCount = isHeld ? min(max(before, 1), capacity) : min(max(before, bounds.lowerBound), bounds.upperBound)
        }
        // For each slot its listeners, two sockets for connections, and a channel to each of the two workers that it may have at a time.
        openFiles.follow(more: capacity * (plan.addresses.count + 4))
        self.openFiles = openFiles
        if let state {
            listeners = try Listeners(taking: state, for: plan, capacity: capacity)
            inherited = nil
        } else {
            (listeners, inherited) = try Listeners.open(for: plan, slots: workerCount, capacity: capacity)
        }
        do throws(ClusterError) { try openControl(of: plan) } catch {
            listeners.close()
            throw error
        }
    }

    /// Unless the master before this one has left it, and says where auxiliaries listen whose addresses were taken.
    private mutating func openControl(of plan: ClusterPlan) throws(ClusterError) {
        for (wanted, opened) in listeners.replaced {
            plan.options.logger.log(
                .warning, .addressTaken, "the default address can't be used: \(opened == nil ? "not listening" : "listening on another one")",
                metadata: ["wanted": "\(wanted)", "listening": "\(opened?.description ?? "off")"])
        }
        guard let control = plan.control, listeners.control == nil,
            let auxiliary = plan.auxiliaries.firstIndex(where: { $0.name == control.auxiliary })
        else { return }
        let notes = try listeners.openControl(control.place, of: auxiliary)
        notes.log(to: plan.options.logger, opened: listeners.control?.address)
    }

    /// For each slot the sockets by which connections are handed over.
    func transferSockets() throws(SystemError) -> [TransferSocket] {
        var sockets = (state?.handOver ?? []).compactMap(PacketPair.init).map { TransferSocket($0) }
        while sockets.count < capacity { sockets.append(try TransferSocket()) }
        return sockets
    }

    func announcement(_ plan: ClusterPlan) -> ClusterStart {
        ClusterStart(
            workers: workerCount, reason: reason(plan.workers),
            addresses: listeners.addresses,
            auxiliaries: zip(plan.auxiliaries, listeners.ofAuxiliaries).map { plan, all in
                (plan.name, all.map(\.address).filter { $0 != listeners.control?.address })
            }, control: listeners.control?.address)
    }

    private func reason(_ workers: WorkerCount) -> String {
        switch workers {
        case .perCore: cores.reason
        case .count: "\(workerCount) as configured"
        case .range(let bounds): "\(bounds.lowerBound) to \(bounds.upperBound), by load"
        }
    }
}
