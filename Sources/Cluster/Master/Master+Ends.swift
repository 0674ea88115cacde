// Children that end: their figures are secured, their successors started, their processes reaped. Runs in the master.
//
// A child ends for its slot when its channel does, which a crashing worker's signal handler brings about at once, or
// when it says that it drains. The process may live on for a while; it ends for the kernel when it is reaped.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

extension Master {
    /// The child's channel is at its end.
    func channelEnded(_ child: Child) {
        child.hasSuccessor = child.phase == .draining && !child.waitsForSuccessor && stopping == .running
        child.phase = .dying
        child.startTimer = nil
        let now = EventLoop.monotonicNanoseconds()
        child.endedAt = now
        if !child.wasAsked, stopping == .running { child.hasDied = true }
        if case .worker(let slot) = child.role {
            ledger.retire(slot: slot, generation: child.generation, final: child.page.figures.snapshot(), now: now)
        }
        if child.role == .quarantine { ledger.retireApart(child.page.figures.snapshot()) }
        forgetInCollections(child)
        pages.board.close(child.page.index)
        assignQueues()
        killAfter(stopping == .running ? options.dyingDeadline : .milliseconds(500), child)
        log(.debug, .workerReaped, "worker reaped", about: child)
        emitDisconnect(child)
        judge(child)
        forgetUnused(child.role)
    }

    /// The child wants to go: it got TERM.
    func wantsToGo(_ child: Child) {
        guard child.phase == .starting || child.phase == .ready, stopping == .running else { return }
        child.phase = .draining
        child.wasAsked = true
        // The timer's handler keeps the child, and with it the timer, until it has run.
        child.successorTimer = loop.after(Self.successorDelay) { [unowned self] in
            child.successorTimer = nil
            go(child)
        }
    }

    /// Lets a child go that has been asked to: when its successor is ready, if one can be started before it goes.
    func go(_ child: Child) {
        guard stopping == .running, child.phase != .dying else { return }
        child.waitsForSuccessor = true
        guard case .worker(let slot) = child.role, replaceWorker(slot: slot) else { return goWithoutSuccessor(child) }
    }

    func goWithoutSuccessor(_ child: Child) {
        child.waitsForSuccessor = false
        letGo(child)
        ended(child)
    }

    /// The child's slot is free from here on.
    func ended(_ child: Child, _ death: Death = .requested, wasGood: Bool = true) {
        if child.role == .quarantine { return quarantineEnded(child, death) }
        passInRoll(child)
        supervise(child.role) { .ended(slot: $0, generation: child.generation, death, wasGood: wasGood) }
    }

    /// Tells a child to go while others stay: they empty its queues from now on, and it gives them its connections.
    func letGo(_ child: Child) {
        guard child.phase != .dying else { return }
        child.phase = .draining
        child.wasAsked = true
        child.waitsForSuccessor = false
        child.isReplacedStuck = child.isStuck || child.pulse.stuckSince != nil
        if case .worker(let slot) = child.role {
            ledger.changed(slot: slot, generation: child.generation, to: .draining)
        }
        log(.debug, .workerDraining, "worker draining", about: child)
        pages.board.close(child.page.index)
        assignQueues()
        do throws(MessageError) {
            try child.channel.send(control: Packet(.handOver, number: options.drainDeadline.wholeMilliseconds))
            // One that is stuck hears of it when it goes on; until then the watchdog has the say.
            let patience = child.isReplacedStuck ? max(options.drainDeadline, options.stuckLimit ?? .zero) : options.drainDeadline
            killAfter(patience + .milliseconds(500), child)
        } catch {
            send(SIGKILL, to: child)
        }
    }

    /// A service manager sends TERM to all processes at once: the master's own gets this much time to arrive, so that
    /// no successors are started to be stopped.
    private static let successorDelay = Duration.milliseconds(20)

    func killAfter(_ delay: Duration, _ child: Child) {
        child.killTimer = loop.after(delay) { [unowned self, unowned child] in
            sayOfPeer(.staysTooLong, .workerKilledDraining, "killing a worker that stays too long", about: child, request(of: child))
            send(SIGKILL, to: child)
        }
    }

    /// Takes the status of every process that has ended. Also of strangers: as process 1 of a container the master
    /// inherits them.
    func reapChildren() {
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
                reapTimer = loop.after(.zero) { [unowned self] in reapChildren() }
                break
            }
            var status: Int32 = 0
            var peak: UInt64 = 0
            let pid = unsafe cposix_reap(-1, WNOHANG, &status, &peak)
            if pid < 0, errno == EINTR { continue }
            guard pid > 0 else { break }
            if pid == upgrade?.pid { upgrade?.status = status }
            if let child = children[pid] { reaped(child, status: status, peakResidentBytes: peak) }
        }
        childrenChanged()
    }

    func reaped(_ child: Child, status: Int32, peakResidentBytes: UInt64) {
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
        quarantine.readings[child.pid] = nil
        note(exit)
        logEnd(of: child, exit)
        pages.giveBack(child.page)
        emitExit(child.handle, exit)
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
