// What the end of a worker proves, found out and acted upon: supervision, reloads and upgrades. The judgement is Death's, a pure value.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

extension Master {
    /// The wait status comes a moment after the channel's end, unless the worker has closed its channel and lives on.
    private static let statusPatience = Duration.milliseconds(20)

    /// Finds out why a child has ended, and acts upon it, once. Called at its channel's end, and when it is reaped.
    func judge(_ child: Child) {
        guard child.death == nil else { return }
        var remains = remains(of: child)
        if remains.mark == nil, remains.status == nil {
            var status: Int32 = 0
            if unsafe cposix_peek_status(child.pid, &status) == 1 { remains.status = .init(waitStatus: status) }
        }
        // Whether it ran out of memory is known when it is reaped.
        let isEarly = child.status == nil && remains.status == .killed(signal: 9) && remains.readyAt == nil
        if !isEarly, let death = remains.death(youngAge: options.respawn.youngAge.wholeNanoseconds) { return died(child, death, remains) }
        child.deathTimer = loop.after(Self.statusPatience) { [unowned self, unowned child] in
            let remains = self.remains(of: child)
            died(child, remains.likelyDeath(youngAge: options.respawn.youngAge.wholeNanoseconds), remains)
        }
    }

    private func remains(of child: Child) -> Remains {
        let figures = child.page.figures
        let box = child.page.blackBox
        var remains = Remains()
        remains.wasRequested = child.wasAsked && !child.leavesByItself || stopping != .running && !child.hasDied
        remains.hasFailedToStart = child.hasMissedDeadline
        remains.readyAt = child.readyAt
        remains.endedAt = child.endedAt ?? EventLoop.monotonicNanoseconds()
        remains.answered = figures[.requests]
        remains.accepted = figures[.connectionsAccepted]
        remains.wasInRequest = box.current != nil || box.waiting > 0
        remains.mark = box.crash
        remains.status = child.status
        remains.wasOutOfMemory = child.wasOutOfMemory == true
        remains.master = pid
        remains.signalsOfMaster = child.sentSignals
        return remains
    }

    private func died(_ child: Child, _ death: Death, _ remains: Remains) {
        child.death = death
        child.deathTimer = nil
        if death == .inRequest { accuseRequest(of: child) }
        if death == .failedStart, upgradeFails() { return }
        if child.role.isWorker, death == .inRequest { diedInRequest(child) }
        guard !child.hasSuccessor else { return }
        if death == .failedStart, child.role.isWorker, !workerSupervisor.isProven, hasAnswered(edition) { workerSupervisor.prove() }
        ended(child, death, wasGood: remains.isGood(youngAge: options.respawn.youngAge.wholeNanoseconds))
    }

    /// A new worker that dies where the old ones answered may show that its plan is bad.
    private func diedInRequest(_ child: Child) {
        let endpoint = child.page.blackBox.blamed?.endpoint ?? 0
        if child.edition == edition, roll != nil && !isRollingBack || wayBack != nil {
            if child.page.figures[.requests] > 0 || hasAnswered(edition) { probation.answered() }
            if probation.died(in: endpoint) {
                wayBack?.isDue = true
                goBackWhenPossible()
                advanceRoll("new workers die where the old ones answered") { $0.condemned(by: child.role.slot) }
                return
            }
        }
        deadlyEndpoints.died(in: endpoint, now: EventLoop.monotonicNanoseconds())
    }

    /// Whether a living worker of a plan has answered a request.
    func hasAnswered(_ edition: Int) -> Bool {
        children.values.contains { $0.role.isWorker && $0.edition == edition && $0.page.figures[.requests] > 0 }
    }

    func limitStart(of child: Child) {
        let deadline = options.respawn.startDeadline
        child.startTimer = loop.after(deadline) { [unowned self, unowned child] in
            // On a loaded machine, one that wants the CPU and got little of it has not had its time.
            if let status = threadStatus(of: child), status.state == .runnable, status.cpuNanoseconds < deadline.wholeNanoseconds / 2 {
                return limitStart(of: child)
            }
            startIsOverdue(child)
        }
    }

    /// The start's deadline is over. A process that hangs in the kernel outlives even KILL: its slot does not wait for it.
    func startIsOverdue(_ child: Child, _ reason: String = "deadline") {
        guard child.phase == .starting else { return }
        let time = Duration.from(child.forkedAt, to: EventLoop.monotonicNanoseconds())
        log(.error, .workerStartTimedOut, "a new worker took too long to get ready: killing it", about: child, ["after": "\(time.inSeconds)", "because_of": "\(reason)"])
        child.hasMissedDeadline = true
        send(9, to: child)
        child.channel.close()
        channelEnded(child)
    }

    func noteFailedStart(_ role: Role, generation: Int, pause: Duration?) {
        guard stopping == .running else { return }
        if case .worker(let slot) = role { ledger.changed(slot: slot, generation: generation, to: .backoff) }
        var metadata: Logger.Metadata = ["worker": "\(name(of: role))", "gen": "\(generation)"]
        if case .worker(let slot) = role { metadata["worker"] = "\(slot)" }
        if let pause { metadata["next_start"] = "\(pause.inSeconds)" }
        say(.failedStart, .warning, .workerStartFailed, "worker failed to start", metadata)
    }
}

extension Remains.Status {
    init(waitStatus status: Int32) {
        let signal = cposix_wait_signal(status)
        self = signal == 0 ? .exited(cposix_wait_exit_status(status)) : .killed(signal: signal)
    }
}
