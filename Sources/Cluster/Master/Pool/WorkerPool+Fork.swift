// Making a child. The last part runs in the child and never returns.
// Process: master, then the worker · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

extension WorkerPool {
    enum ForkResult {
        case forked
        /// Shared memory is short for the moment: the longest-dying worker is killed for its page.
        case noPage
        case failed
    }

    func fork(_ role: Role, generation: Int) -> ForkResult {
        guard pages.hasFree else {
            freePage()
            return .noPage
        }
        lastWorkerID += 1
        do throws(ClusterError) {
            observer?.willFork()
            let child = try makeChild(role, generation: generation)
            children[child.pid] = child
            listen(to: child)
            // A successor of one that is well is no restart.
            let isPlanned = children.values.contains {
                $0 !== child && $0.role == role && ($0.phase == .ready || $0.phase == .starting || $0.waitsForSuccessor)
            }
            limitStart(of: child)
            context.log(.debug, .workerStarted, "worker started", about: child)
            observer?.forked(child, isPlanned: isPlanned)
            return .forked
        } catch {
            context.logOfPeer(
                .couldNotStart, .forkFailed, "could not start a worker", ["worker": "\(name(of: role))", "reason": "\(error)"], level: .error)
            failedToStart(role, generation: generation, error)
            return .failed
        }
    }

    private func failedToStart(_ role: Role, generation: Int, _ error: ClusterError) {
        let channel = Channel(closedOn: context.loop, options: context.options.messages, buffer: buffer)
        let handle = makeHandle(role, generation: generation, pid: 0, channel, .master(pages.uncounted))
        var exit = WorkerExit(
            id: handle.id, name: handle.name, slot: role.slot, generation: generation, pid: 0,
            reason: .notStarted(error.description), uptime: .zero)
        exit.unixSeconds = UInt64(clamping: time(nil))
        note(exit)
        observer?.exited(handle, exit)
    }

    private func makeHandle(_ role: Role, generation: Int, pid: Int32, _ channel: Channel, _ tally: MessageTally) -> WorkerHandle {
        let handle = WorkerHandle(
            id: lastWorkerID, name: name(of: role), slot: slot(of: role), generation: generation, pid: pid, cluster: cluster,
            messenger: Messenger(channel: channel, handlers: context.plan.handlers, tally: tally))
        handle.pool = self
        return handle
    }

    private func makeChild(_ role: Role, generation: Int) throws(ClusterError) -> Child {
        guard let page = pages.take() else {
            throw .system(SystemError(errno: ENOMEM, operation: "take a page for a worker"))
        }
        if role.isWorker || role == .quarantine { pages.table.begin(page.index, slot: max(role.slot, 0)) }
        do throws(SystemError) {
            let metricsPages = metrics?.makePages()
            let (channel, theirs) = try makeChannel()
            let forkedAt = EventLoop.monotonicNanoseconds()
            let pid = cposix_fork_blocking_signals()
            if pid == 0 {
                context.loop.abandonAfterFork()
                channel.closeInherited()
                becomeWorker(role, generation: generation, channel: theirs, page: page, metrics: metricsPages, forkedAt: forkedAt)
            }
            let code = errno
            _ = close(theirs)
            guard pid > 0 else {
                channel.close()
                throw SystemError(errno: code, operation: "fork")
            }
            if let metricsPages { metrics?.forked(pid, metricsPages) }
            let handle = makeHandle(role, generation: generation, pid: pid, channel, .master(page.figures))
            return Child(role: role, handle: handle, page: page, forkedAt: forkedAt, planVersion: context.planVersion)
        } catch {
            pages.giveBack(page)
            throw .system(error)
        }
    }

    /// This process's end of a new channel, and the other end's descriptor.
    func makeChannel() throws(SystemError) -> (ours: Channel, theirs: Int32) {
        let (ours, theirs) = try socketPair(SOCK_SEQPACKET, bufferByteCount: 1 << 20)
        do throws(SystemError) {
            return (try makeChannel(on: ours), theirs)
        } catch {
            close(theirs)
            throw error
        }
    }

    func makeChannel(on descriptor: Int32) throws(SystemError) -> Channel {
        try Channel(descriptor: descriptor, loop: context.loop, options: context.options.messages, buffer: buffer)
    }

    /// No free shared page: SIGKILL the longest-dying worker, whose page comes back when it is reaped. The master doesn't wait for that.
    private func freePage() {
        let dying = children.values.filter { $0.phase == .dying && !$0.sentSignals.contains(SIGKILL) }
        if let oldest = dying.min(by: { ($0.endedAt ?? 0) < ($1.endedAt ?? 0) }) { oldest.send(SIGKILL) }
    }

    /// Workers that die slowly keep their page while their slot has had several successors: a backtrace takes a second, in which the cluster
    /// may start twenty workers.
    static func pageCount(workers: Int, auxiliaries: Int) -> Int { (workers + auxiliaries) * 4 + 96 }

    /// Runs in the child: closes what is the master's and the siblings', and goes on as a worker.
    private func becomeWorker(_ role: Role, generation: Int, channel: Int32, page: SharedPage, metrics: MetricsPages?, forkedAt: UInt64) -> Never {
        cposix_purge_stdio()
        cluster.leaveToMaster()
        for child in children.values { child.channel.closeInherited() }
        guard let inheritance = observer?.inheritance(of: role, on: page) else { _exit(1) }
        Worker.live(
            WorkerBirth(
                id: lastWorkerID, name: name(of: role), slot: slot(of: role), generation: generation, masterPID: context.pid,
                forkedAt: forkedAt, channel: channel, page: page, metrics: metrics, inheritance: inheritance))
    }
}

func socketPair(_ type: __socket_type, bufferByteCount: Int32) throws(SystemError) -> (Int32, Int32) {
    var pair: (Int32, Int32) = (-1, -1)
    try systemCall("make a socket pair") {
        unsafe withUnsafeMutableBytes(of: &pair) { bytes in
            unsafe cposix_socketpair(
                Int32(type.rawValue), bufferByteCount, bytes.assumingMemoryBound(to: Int32.self).baseAddress)
        }
    }
    return pair
}
