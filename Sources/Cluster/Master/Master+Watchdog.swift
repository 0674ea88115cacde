// Looks after workers whose loop doesn't turn. The decisions are the Watchdog's (a pure value); this reads memory and /proc for it
// and carries out what it says. Runs in the master.

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
        let sample = Watchdog.Sample(state: status.state, cpuNanoseconds: status.cpuNanoseconds, progress: progress)
        for action in child.watchdog?.sampled(sample, now: EventLoop.monotonicNanoseconds()) ?? [] { carryOut(action, child) }
    }

    func threadStatus(of child: Child) -> ThreadStatus? {
        readSmallFile("/proc/\(child.pid)/task/\(child.pid)/stat").flatMap { ThreadStatus(stat: $0, ticksPerSecond: Self.ticksPerSecond) }
    }

    private func carryOut(_ action: Watchdog.Action, _ child: Child) {
        switch action {
        case .sample:
            break
        case .unresponsive:
            changeState(of: child, to: .unresponsive)
            log(.debug, "worker unresponsive", about: child, request(of: child))
        case .stopped:
            changeState(of: child, to: .unresponsive)
            sayOfPeer(.stopped, "worker is stopped by a signal or a debugger: left alone", about: child)
        case .recovered:
            changeState(of: child, to: child.phase == .draining ? .draining : .ready)
            sayOfPeer(.recovered, "worker responds again", about: child, level: .info)
        case .headless:
            sayOfPeer(.headless, "killing a worker whose main thread has ended", about: child, request(of: child), level: .error)
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
