// Looks after workers whose loop doesn't turn. The decisions are the Watchdog's (a pure value); this reads memory and /proc for it
// and carries out what it says. Runs in the master.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

extension Master {
    private static let ticksPerSecond = UInt64(clamping: sysconf(Int32(_SC_CLK_TCK)))
    /// From SIGABRT, which lets a backtrace show where the worker is stuck, to SIGKILL.
    static let abortGrace = Duration.seconds(1)

    /// One timer for all that the master looks at by itself. Once more after a reload.
    func startLooking() {
        let interval = options.stuckLimit.map(Watchdog.interval) ?? .seconds(1)
        lookTimer = loop.every(interval) { [unowned self] in
            let now = EventLoop.monotonicNanoseconds()
            observeMemoryKills(now: now)
            lookAtListeners(now: now)
            for child in children.values { look(at: child, now: now) }
            lookAtEndpoints(now: now)
            recycleIfDue(now: now)
        }
    }

    /// Kills that nobody has claimed have to be seen in time to be forgotten.
    private func observeMemoryKills(now: UInt64) {
        guard now &- min(lastMemoryLook, now) >= 1_000_000_000 else { return }
        lastMemoryLook = now
        memoryKills.observe(now: now)
    }

    private func look(at child: Child, now: UInt64) {
        // A start may take its time, and who is on its way out has a deadline. A stuck one that drains has two.
        guard child.watchdog != nil, child.phase == .ready || child.phase == .draining else { return }
        let beat = child.page.blackBox.lastBeat
        for action in child.watchdog?.looked(lastBeat: beat, now: now) ?? [] {
            action == .sample ? sample(child) : carryOut(action, child)
        }
    }

    private func sample(_ child: Child) {
        guard let status = threadStatus(of: child) else { return }
        let figures = child.page.figures
        let progress = figures[.requests] &+ figures[.messagesReceived] &+ (child.page.blackBox.current?.since ?? 0)
        // Whoever stops the quarantine worker, a request that it serves may have done it.
        let isStuck = child.role == .quarantine && status.state == .stopped
        let sample = Watchdog.Sample(state: isStuck ? .blocked : status.state, cpuNanoseconds: status.cpuNanoseconds, progress: progress)
        for action in child.watchdog?.sampled(sample, now: EventLoop.monotonicNanoseconds()) ?? [] { carryOut(action, child) }
    }

    func threadStatus(of child: Child) -> ThreadStatus? {
        .read(pid: child.pid, ticksPerSecond: Self.ticksPerSecond)
    }

    private func carryOut(_ action: Watchdog.Action, _ child: Child) {
        switch action {
        case .sample:
            break
        case .unresponsive:
            changeState(of: child, to: .unresponsive)
            log(.debug, .workerUnresponsive, "worker unresponsive", about: child, request(of: child))
        case .stopped:
            changeState(of: child, to: .unresponsive)
            sayOfPeer(.stopped, .workerStopped, "worker is stopped by a signal or a debugger: left alone", about: child)
        case .recovered:
            changeState(of: child, to: child.phase == .draining ? .draining : .ready)
            say(.recovered, .info, .workerResponsive, "worker responds again", about: child)
        case .headless:
            say(.headless, .error, .workerKilledThreadEnded, "killing a worker whose main thread has ended", about: child, request(of: child))
            send(SIGKILL, to: child)
        case .kill:
            let limit = (child.role == .quarantine ? options.quarantine.stuckLimit : options.stuckLimit) ?? .zero
            killStuck(child, ["limit": "\(limit.inSeconds)"])
        }
    }

    private func changeState(of child: Child, to state: WorkerState) {
        guard case .worker(let slot) = child.role else { return }
        ledger.changed(slot: slot, generation: child.generation, to: state)
    }

    func request(of child: Child) -> Logger.Metadata {
        guard let request = child.page.blackBox.current else { return [:] }
        let age = Duration.from(request.since, to: EventLoop.monotonicNanoseconds())
        return ["request": "\(request.description)", "request_age": "\(age.inSeconds)"]
    }
}

extension ThreadStatus {
    /// Of a child's main thread; nil when the process has ended, reaped or not. Gone is a main thread that others survive.
    package static func read(pid: Int32, ticksPerSecond: UInt64) -> Self? {
        let text = readSmallFile("/proc/\(pid)/task/\(pid)/stat")
        guard let status = text.flatMap({ Self(stat: $0, ticksPerSecond: ticksPerSecond) }) else { return nil }
        var end: Int32 = 0
        // With a thousand deaths at once the kernel's news of one waits for longer than the watchdog does.
        if status.state == .gone, unsafe cposix_peek_status(pid, &end) == 1 { return nil }
        return status
    }
}
