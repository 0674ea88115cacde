// Children that leave, are told to, or are gone.
// Process: master · Thread: loop
//
// A child ends for its slot when its channel does, which a crashing worker's signal handler brings about at once, or
// when it says that it drains. The process may live on for a while; it ends for the kernel when it is reaped.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

extension WorkerPool {
    /// The child's channel is at its end.
    func channelEnded(_ child: Child) {
        child.hasSuccessor = child.phase == .draining && !child.waitsForSuccessor && context.isRunning
        child.phase = .dying
        child.startTimer = nil
        child.endedAt = EventLoop.monotonicNanoseconds()
        if !child.stopRequested, context.isRunning { child.hasDied = true }
        pages.table.close(child.page.index)
        metrics?.disconnected(child.pid)
        killAfter(context.isRunning ? context.options.dyingDeadline : .milliseconds(500), child)
        context.log(.debug, .workerReaped, "worker reaped", about: child)
        observer?.disconnected(child)
        judge(child)
    }

    /// The child asks to drain: it got TERM.
    func wantsToDrain(_ child: Child) {
        guard child.phase == .starting || child.phase == .ready, context.isRunning else { return }
        child.phase = .draining
        child.stopRequested = true
        // The timer's handler keeps the child, and with it the timer, until it has run.
        child.successorTimer = context.loop.after(Self.successorDelay) { [unowned self] in
            child.successorTimer = nil
            observer?.leaves(child)
        }
    }

    /// A service manager sends TERM to all processes at once: the master's own gets this much time to arrive, so that
    /// no successors are started to be stopped.
    private static let successorDelay = Duration.milliseconds(20)

    /// Tells a child to go while others stay: they empty its queues from now on, and it gives them its connections.
    func drain(_ child: Child) {
        guard child.phase != .dying else { return }
        child.phase = .draining
        child.stopRequested = true
        child.waitsForSuccessor = false
        child.isReplacedStuck = child.isStuck || child.pulse.stuckSince != nil
        context.log(.debug, .workerDraining, "worker draining", about: child)
        pages.table.close(child.page.index)
        observer?.drains(child)
        let deadline = context.options.drainDeadline
        // A stuck one reads the order when its handler returns; until then the watchdog decides.
        let patience = child.isReplacedStuck ? max(deadline, context.options.stuckLimit ?? .zero) : deadline
        tell(child, to: Packet(.handOver, number: deadline.wholeMilliseconds), within: patience)
    }

    /// Tells a child to go to the workers of another master.
    func drain(_ child: Child, toSuccessors count: UInt32) {
        child.phase = .draining
        child.stopRequested = true
        let deadline = context.options.drainDeadline
        tell(child, to: Packet(.handOverToSuccessors, number: deadline.wholeMilliseconds, and: Packet.bytes(of: count)), within: deadline)
    }

    private func tell(_ child: Child, to packet: Packet, within patience: Duration) {
        do throws(MessageError) {
            try child.channel.send(control: packet)
            killAfter(patience + .milliseconds(500), child)
        } catch {
            child.send(SIGKILL)
        }
    }

    /// Tells children to finish what they have: the cluster stops.
    func finish(within deadline: Duration, _ isMeant: (Child) -> Bool) {
        let packet = Packet(.drain, number: deadline.wholeMilliseconds)
        for child in children.values where isMeant(child) {
            let reached: Void? = child.phase == .dying ? nil : try? child.channel.send(control: packet)
            if reached == nil {
                kill(child.pid, SIGKILL)
            } else {
                killAfter(deadline + .milliseconds(500), child)
            }
        }
    }

    func killAll() { for child in children.values { kill(child.pid, SIGKILL) } }

    func killAfter(_ delay: Duration, _ child: Child) {
        child.killTimer = context.loop.after(delay) { [unowned self, unowned child] in
            if child.phase == .dying, child.isEnding { return killAfter(delay, child) }
            context.logOfPeer(.staysTooLong, .workerKilledDraining, "killing a worker that stays too long", about: child, child.requestDetails)
            child.send(SIGKILL)
        }
    }

    /// From SIGABRT, which lets a backtrace show where the worker is stuck, to SIGKILL.
    private static let abortGrace = Duration.seconds(1)

    /// With ABRT first, which lets a backtrace show where it is stuck.
    func killStuck(_ child: Child, _ details: Logger.Metadata) {
        guard !child.wasStuck else { return }
        child.wasStuck = true
        context.logOfPeer(.killedStuck, .workerKilledStuck, "killing a stuck worker", about: child, child.requestDetails.merging(details) { $1 }, level: .error)
        child.send(SIGABRT)
        killAfter(Self.abortGrace, child)
    }

    // MARK: Reaping

    /// Takes the status of every process that has ended. Also of strangers: as process 1 of a container the master
    /// inherits them.
    func reap() {
        // The end of one is often where that of the next is noticed. That one is the turn below's: were it reaped in here, workers that
        // die faster than they are replaced would take up the whole stack.
        guard !isReaping else { return }
        isReaping = true
        defer { isReaping = false }
        // When many die at once, others have their turn in between.
        var rest = 64
        reapTimer = nil
        while true {
            rest -= 1
            guard rest > 0 else {
                reapTimer = context.loop.after(.zero) { [unowned self] in reap() }
                break
            }
            var status: Int32 = 0
            var peak: UInt64 = 0
            let pid = unsafe cposix_reap(-1, WNOHANG, &status, &peak)
            if pid < 0, errno == EINTR { continue }
            guard pid > 0 else { break }
            if let child = children[pid] {
                reaped(child, status: status, peakResidentBytes: peak)
            } else if helpers.remove(pid) == nil {
                observer?.reapedStranger(pid, status: status)
            }
        }
        observer?.reaped()
    }

    private func reaped(_ child: Child, status: Int32, peakResidentBytes: UInt64) {
        // Once only: handling its last messages below can lead here again.
        guard children[child.pid] === child else { return }
        children[child.pid] = nil
        let end = Remains.Status(waitStatus: status)
        child.status = end
        child.wasOutOfMemory = findMemoryKill(child, end)
        // What it sent before its end comes before the news of its end.
        child.channel.receiveAll()
        if child.channel.isOpen {
            // A process of the worker's own making holds the other end.
            child.channel.close()
            channelEnded(child)
        }
        child.killTimer = nil
        let exit = describeEnd(of: child, status: status, peakResidentBytes: peakResidentBytes)
        judge(child)
        note(exit)
        logEnd(of: child, exit)
        pages.giveBack(child.page)
        metrics?.reaped(child.pid)
        observer?.exited(child.handle, exit)
    }
}
