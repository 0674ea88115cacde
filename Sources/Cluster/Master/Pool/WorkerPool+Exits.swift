// What is said and kept of a worker's end: the log line, and the last hundred exits.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

extension WorkerPool {
    /// Everything about an end that can be known, read from the black box before its page is lent again.
    func describeEnd(of child: Child, status: Int32, peakResidentBytes: UInt64) -> WorkerExit {
        let now = EventLoop.monotonicNanoseconds()
        // A process that the backtracer held was of no service meanwhile.
        let endedAt = child.endedAt ?? now
        let box = child.page.blackBox
        var exit = WorkerExit(
            id: child.handle.id, name: child.handle.name, slot: child.handle.slot, generation: child.generation,
            pid: child.pid, reason: .init(waitStatus: status), uptime: .from(child.forkedAt, to: endedAt))
        exit.wasStuck = child.wasStuck
        exit.requests = work(of: child)
        exit.peakResidentBytes = peakResidentBytes
        exit.waitingRequests = box.waiting
        exit.unixSeconds = UInt64(clamping: time(nil))
        if let request = box.current {
            exit.request = .init(description: request.description, age: .from(request.since, to: endedAt))
        } else if let request = box.oldestWaiting {
            exit.request = .init(description: request.description, age: .from(request.since, to: endedAt))
        }
        let isOurs = isOurs(exit.signal, child)
        exit.outOfMemory = child.wasOutOfMemory
        let stopRequested = child.stopRequested || !context.isRunning && !child.hasDied
        exit.isVoluntary = stopRequested && (exit.status == 0 || isOurs || exit.signal == SIGKILL && !context.isRunning)
        if exit.outOfMemory == true || exit.wasStuck { exit.isVoluntary = false }
        return exit
    }

    /// Whether the kernel's out-of-memory killer ended it; nil where that can't be known, or it was no KILL.
    func findMemoryKill(_ child: Child, _ status: Remains.Status) -> Bool? {
        let now = EventLoop.monotonicNanoseconds()
        memoryKills.observe(now: now)
        guard status == .killed(signal: SIGKILL), memoryKills.isKnown else { return nil }
        return !isOurs(SIGKILL, child) && memoryKills.claim(now: now)
    }

    /// Whether the master sent the signal that ended a child.
    private func isOurs(_ signal: Int32?, _ child: Child) -> Bool {
        guard let signal else { return false }
        return context.phase == .killing || child.sentSignals.contains(signal)
    }

    func logEnd(of child: Child, _ exit: WorkerExit) {
        var details: Logger.Metadata = ["end": "\(exit.reason)", "uptime": "\(exit.uptime.inSeconds)"]
        if child.role.isWorker { details["requests"] = "\(exit.requests)" }
        details["peak_memory"] = "\(exit.peakResidentBytes >> 10)k"
        if exit.outOfMemory == true { details["out_of_memory"] = "yes" }
        if exit.wasStuck { details["stuck"] = "yes" }
        if child.page.blackBox.crash?.isOfLoop == false { details["thread"] = "not the loop's" }
        // Also one that was told to go may have left some behind, at its deadline.
        if let request = exit.request {
            details["request"] = "\(request.description)"
            details["request_age"] = "\(request.age.inSeconds)"
        }
        if exit.waitingRequests > 0 { details["waiting_requests"] = "\(exit.waitingRequests)" }
        if child.death == .failedStart, !exit.isVoluntary, child.role != .quarantine { return logFailedStart(of: child, exit, details) }
        if let failure = child.page.blackBox.failure { details["reason"] = "\(failure)" }
        if exit.isVoluntary {
            context.log(.info, .workerExited, "worker exited", about: child, details)
        } else if child.role == .quarantine {
            // That is what it is for, as often as a client likes.
            context.logOfPeer(.quarantineDied, .workerDied, "worker died", about: child, details)
        } else {
            context.log(.warning, .workerDied, "worker died", about: child, details)
        }
    }

    /// One line a second for each reason: a program that can't start fails in all its workers.
    private func logFailedStart(of child: Child, _ exit: WorkerExit, _ details: Logger.Metadata) {
        let reason = child.page.blackBox.failure ?? (child.hasMissedDeadline ? "not ready in time" : exit.reason.description)
        let next = nextStarts.removeValue(forKey: child.role)
        guard let omitted = startFailures.allows(reason, now: EventLoop.monotonicNanoseconds()) else { return }
        var details = details
        details["reason"] = "\(reason)"
        if let next { details["next_start"] = "\(next.inSeconds)" }
        if omitted > 0 { details["omitted"] = "\(omitted)" }
        context.log(.warning, .workerStartFailed, "worker failed to start", about: child, details)
    }

    /// Keeps the last hundred ends of workers.
    func note(_ exit: WorkerExit) {
        guard exit.slot >= 0 else { return }
        exits.append(exit)
        if exits.count > ExitRecord.keptCount { exits.removeFirst() }
    }
}

extension ExitRecord {
    init(_ exit: WorkerExit) {
        self.init(
            id: exit.id, slot: exit.name == Role.workerName ? exit.slot : Self.noSlot, generation: exit.generation, pid: exit.pid, kind: Kind(exit),
            reason: exit.reason.description, unixSeconds: exit.unixSeconds)
        uptimeNanoseconds = exit.uptime.wholeNanoseconds
        requests = exit.requests
        peakResidentBytes = exit.peakResidentBytes
        outOfMemory = exit.outOfMemory
        waitingRequests = UInt64(clamping: exit.waitingRequests)
        if let request = exit.request {
            self.request = Request(description: request.description, ageNanoseconds: request.age.wholeNanoseconds)
        }
    }
}

extension ExitRecord.Kind {
    private static let crashes: Set<Int32> = [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS]

    init(_ exit: WorkerExit) {
        switch exit.reason {
        case _ where exit.isVoluntary: self = .voluntary
        case _ where exit.wasStuck: self = .stuck
        case _ where exit.outOfMemory == true: self = .outOfMemory
        case .exited: self = .status
        case .killed(let signal, _): self = Self.crashes.contains(signal) ? .crash : .killed
        case .notStarted: self = .notStarted
        }
    }
}

extension WorkerExit.Reason {
    init(waitStatus status: Int32) {
        let signal = cposix_wait_signal(status)
        if signal == 0 {
            self = .exited(status: cposix_wait_exit_status(status))
        } else {
            let name = unsafe cposix_signal_name(signal).map { unsafe String(cString: $0) }
            self = .killed(signal: signal, name: name ?? "signal \(signal)")
        }
    }
}
