// What the end of a child proves, found out once. The judgement is Death's, a pure value.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

extension WorkerPool {
    /// The wait status comes a moment after the channel's end, unless the worker has closed its channel and lives on.
    private static let statusPatience = Duration.milliseconds(20)

    private var youngAge: UInt64 { context.options.respawn.youngAge.wholeNanoseconds }

    /// Finds out why a child has ended. Called at its channel's end, and when it is reaped.
    func judge(_ child: Child) {
        guard child.death == nil else { return }
        var remains = remains(of: child)
        if remains.mark == nil, remains.status == nil {
            var status: Int32 = 0
            if unsafe cposix_peek_status(child.pid, &status) == 1 { remains.status = .init(waitStatus: status) }
        }
        // Whether it ran out of memory is known when it is reaped.
        let isEarly = child.status == nil && remains.status == .killed(signal: 9) && remains.readyAt == nil
        if !isEarly, let death = remains.death(youngAge: youngAge) { return died(child, death, remains) }
        child.deathTimer = context.loop.after(Self.statusPatience) { [unowned self, unowned child] in
            let remains = self.remains(of: child)
            died(child, remains.likelyDeath(youngAge: youngAge), remains)
        }
    }

    private func died(_ child: Child, _ death: Death, _ remains: Remains) {
        child.death = death
        child.deathTimer = nil
        observer?.died(child, death, remains)
    }

    private func remains(of child: Child) -> Remains {
        let box = child.page.blackBox
        var remains = Remains()
        remains.wasRequested = child.stopRequested && !child.leavesByItself || !context.isRunning && !child.hasDied
        remains.hasFailedToStart = child.hasMissedDeadline
        remains.readyAt = child.readyAt
        remains.endedAt = child.endedAt ?? EventLoop.monotonicNanoseconds()
        remains.answered = work(of: child)
        remains.accepted = child.role.servesConnections ? UInt64(pages.table.taken(child.page.index)) : 0
        remains.wasInRequest = box.current != nil || box.waiting > 0
        remains.mark = box.crash
        remains.status = child.status
        remains.wasOutOfMemory = child.wasOutOfMemory == true
        remains.master = context.pid
        remains.signalsOfMaster = child.sentSignals
        return remains
    }

    // MARK: Starts

    func limitStart(of child: Child) {
        let deadline = context.options.respawn.startDeadline
        child.startTimer = context.loop.after(deadline) { [unowned self, unowned child] in
            // On a loaded machine, one that wants the CPU and got little of it has not had its time.
            if let status = child.threadStatus, status.state == .runnable, status.cpuNanoseconds < deadline.wholeNanoseconds / 2 {
                return limitStart(of: child)
            }
            startIsOverdue(child)
        }
    }

    /// The start's deadline is over. A process that hangs in the kernel outlives even KILL: its slot does not wait for it.
    func startIsOverdue(_ child: Child, _ reason: String = "deadline") {
        guard child.phase == .starting else { return }
        let time = Duration.from(child.forkedAt, to: EventLoop.monotonicNanoseconds())
        context.log(
            .error, .workerStartTimedOut, "a new worker took too long to get ready: killing it", about: child,
            [
                "after": "\(time.inSeconds)", "because_of": "\(reason)",
            ])
        child.hasMissedDeadline = true
        child.send(9)
        child.channel.close()
        channelEnded(child)
    }
}

extension Remains.Status {
    init(waitStatus status: Int32) {
        let signal = cposix_wait_signal(status)
        self = signal == 0 ? .exited(cposix_wait_exit_status(status)) : .killed(signal: signal)
    }
}
