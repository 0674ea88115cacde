// Making a child. Runs in the master; the last part runs in the child and never returns.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

extension Master {
    /// A fork copies only the thread that calls it: a lock that another holds at that moment stays locked in the child
    /// forever. So the master has one thread.
    static func checkThreads() throws(ClusterError) {
        let count = cposix_thread_count()
        guard count >= 0 else { throw .system(SystemError(errno: errno, operation: "count the threads in /proc/self/task")) }
        guard count > 1 else { return }
        throw .severalThreads(names: threadNames())
    }

    static func threadNames() -> [String] {
        guard let tasks = unsafe opendir("/proc/self/task") else { return [] }
        defer { unsafe closedir(tasks) }
        var names: [String] = []
        while let entry = unsafe readdir(tasks) {
            // Not by way of its field, which is copied whole: an entry is as long as its name.
            guard let start = unsafe cposix_entry_name(entry) else { continue }
            let task = unsafe String(cString: start.assumingMemoryBound(to: CChar.self))
            guard !task.hasPrefix("."), let name = readSmallFile("/proc/self/task/\(task)/comm") else { continue }
            names.append("\(name.split(separator: "\n").first ?? "?")")
        }
        return names
    }

    func forkChild(_ role: Role, generation: Int) {
        guard pages.hasFree else {
            freePage()
            if role == .quarantine { return quarantineNotStarted(generation: generation) }
            return supervise(role) { .ended(slot: $0, generation: generation, .killed, wasGood: false) }
        }
        lastWorkerID += 1
        do throws(ClusterError) {
            lookForThreadsBeforeFork()
            let child = try makeChild(role, generation: generation)
            children[child.pid] = child
            watch(child)
            // A successor of one that is well is no restart.
            let isPlanned = children.values.contains { $0 !== child && $0.role == role && ($0.phase == .ready || $0.phase == .starting || $0.waitsForSuccessor) }
            limitStart(of: child)
            if case .worker(let slot) = role {
                ledger.started(
                    slot: slot, generation: generation, pid: child.pid, planned: isPlanned, now: child.forkedAt)
            }
            log(.debug, .workerStarted, "worker started", about: child)
            emitFork(child)
        } catch {
            say(.couldNotStart, .error, .forkFailed, "could not start a worker", ["worker": "\(name(of: role))", "reason": "\(error)"])
            failedToStart(role, generation: generation, error)
            if upgradeFails() { return }
            if role == .quarantine { return quarantineNotStarted(generation: generation) }
            supervise(role) { .forkFailed(slot: $0, generation: generation) }
        }
    }

    private func failedToStart(_ role: Role, generation: Int, _ error: ClusterError) {
        let channel = Channel(closedOn: loop, options: options.messages, buffer: buffer)
        let handle = makeHandle(role, generation: generation, pid: 0, channel, .master(pages.ofNobody))
        var exit = WorkerExit(
            id: handle.id, name: handle.name, slot: role.slot, generation: generation, pid: 0,
            reason: .notStarted(error.description), uptime: .zero)
        exit.unixSeconds = UInt64(clamping: time(nil))
        note(exit)
        emitExit(handle, exit)
    }

    private func makeHandle(
        _ role: Role, generation: Int, pid: Int32, _ channel: Channel, _ tally: MessageTally
    ) -> WorkerHandle {
        let handle = WorkerHandle(
            id: lastWorkerID, name: name(of: role), slot: slot(of: role), generation: generation, pid: pid, cluster: cluster,
            messenger: Messenger(channel: channel, handlers: plan.handlers, tally: tally))
        handle.master = self
        return handle
    }

    /// The quarantine worker's is no other worker's.
    private func slot(of role: Role) -> Int { role == .quarantine ? capacity : role.slot }

    func name(of role: Role) -> String {
        switch role {
        case .worker: Role.workerName
        case .quarantine: "quarantine"
        case .auxiliary(let index): plan.auxiliaries[index].name
        }
    }

    private func makeChild(_ role: Role, generation: Int) throws(ClusterError) -> Child {
        guard let page = pages.take() else {
            throw .system(SystemError(errno: ENOMEM, operation: "take a page for a worker"))
        }
        if role.isWorker || role == .quarantine { pages.board.begin(page.index, slot: max(role.slot, 0)) }
        do throws(SystemError) {
            // Made before the fork, so that nobody is left alone with it where it can't be.
            let (channel, theirs) = try makeChannel()
            let forkedAt = EventLoop.monotonicNanoseconds()
            let pid = cposix_fork_blocking_signals()
            if pid == 0 {
                loop.abandonAfterFork()
                channel.closeInherited()
                becomeWorker(role, generation: generation, channel: theirs, page: page, forkedAt: forkedAt)
            }
            let code = errno
            _ = close(theirs)
            guard pid > 0 else {
                channel.close()
                throw SystemError(errno: code, operation: "fork")
            }
            let handle = makeHandle(role, generation: generation, pid: pid, channel, .master(page.figures))
            return Child(role: role, handle: handle, page: page, forkedAt: forkedAt, edition: edition)
        } catch {
            pages.giveBack(page)
            throw .system(error)
        }
    }

    /// This process's end of a new channel, and the other end's descriptor.
    func makeChannel() throws(SystemError) -> (ours: Channel, theirs: Int32) {
        let (ours, theirs) = try Self.socketPair(SOCK_SEQPACKET, bufferByteCount: 1 << 20)
        do throws(SystemError) {
            return (try Channel(descriptor: ours, loop: loop, options: options.messages, buffer: buffer), theirs)
        } catch {
            close(theirs)
            throw error
        }
    }

    /// No free shared page: SIGKILL the longest-dying worker, whose page comes back when it is reaped. The master doesn't wait for that.
    private func freePage() {
        let dying = children.values.filter { $0.phase == .dying && !$0.sentSignals.contains(SIGKILL) }
        if let oldest = dying.min(by: { ($0.endedAt ?? 0) < ($1.endedAt ?? 0) }) { send(SIGKILL, to: oldest) }
    }

    /// Runs in the child: gives up what is the master's and the siblings', and goes on as a worker.
    private func becomeWorker(
        _ role: Role, generation: Int, channel: Int32, page: SharedPage, forkedAt: UInt64
    ) -> Never {
        cposix_purge_stdio()
        cluster.leaveToMaster()
        for child in children.values { child.channel.closeInherited() }
        succession?.channel.closeInherited()
        upgrade?.channel.closeInherited()
        if let wayBack { close(wayBack.program) }
        signals.closeInherited()
        serviceManager?.closeInherited()
        let mine: [Listener]
        var sharing: Sharing?
        var quarantine: QuarantineSeat?
        var options = options
        let body: (Worker) throws -> Void
        switch role {
        case .worker(let slot):
            mine = listeners.ofSlots[slot]
            sharing = Sharing(
                board: pages.board, entry: page.index, listeners: listeners.ofSlots, handOver: handOver, masterPID: pid, slot: slot,
                balances: options.balancesConnections)
            quarantine = QuarantineSeat(memory: self.quarantine.memory, policy: options.quarantine, isInside: false)
            body = plan.body
        case .quarantine:
            mine = []
            sharing = Sharing(
                board: pages.board, entry: page.index, listeners: [], handOver: handOver, masterPID: pid, slot: 0, balances: true)
            quarantine = QuarantineSeat(memory: self.quarantine.memory, policy: options.quarantine, isInside: true)
            options.stuckLimit = options.quarantine.stuckLimit
            body = plan.body
        case .auxiliary(let index):
            mine = listeners.ofAuxiliaries[index]
            body = plan.auxiliaries[index].body
        }
        // A worker may have to empty any slot's queues; an auxiliary has its own only.
        let kept = role.isWorker ? listeners.ofSlots.flatMap { $0 } : mine
        var foreign = Set(listeners.all.map(\.descriptor)).subtracting(kept.map(\.descriptor))
        if sharing == nil { foreign.formUnion(handOver.flatMap(\.pair.descriptors) + self.quarantine.memory.descriptors) }
        for descriptor in foreign { _ = close(descriptor) }
        Worker.live(
            WorkerBirth(
                id: lastWorkerID, name: name(of: role), slot: slot(of: role), generation: generation, masterPID: pid, forkedAt: forkedAt,
                channel: channel, listeners: mine, sharing: sharing,
                quarantine: quarantine, isHeld: role != .quarantine && holdsConnections, siblings: ledger.wantedWorkers, page: page,
                openFiles: openFiles, options: options, body: body,
                master: self))
    }
}
