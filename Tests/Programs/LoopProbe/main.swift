// Proves what can't be proved inside a test runner, which has many threads: an event loop starts none, before and after a fork.
// Forks; the child gives up the loop it inherited, makes its own, and runs every kind of async code on it. Prints one line a fact.

#if TestPrograms
import CEverycorePosix
import EverycoreLoop
import Glibc

func fact(_ name: String, _ value: some CustomStringConvertible) {
    print("\(name)=\(value)")
    fflush(nil)
}

@MainActor final class Counter {
    private(set) var value = 0

    func count() async {
        value += 1
        try? await Task.sleep(for: .milliseconds(2))
        value += 1
    }
}

actor Register {
    private(set) var value = 0

    func add() { value += 1 }
}

/// Runs in the child: everything that could start a thread, on one loop.
func exercise(_ loop: EventLoop) async -> [Bool] {
    var places = [loop.isOnLoop]
    await Task.yield()
    places.append(loop.isOnLoop)
    try? await Task.sleep(for: .milliseconds(2))
    places.append(loop.isOnLoop)
    try? await loop.sleep(for: .milliseconds(2))
    places.append(loop.isOnLoop)
    let counter = Counter()
    await counter.count()
    places.append(await counter.value == 2)
    let register = Register()
    await register.add()
    places.append(await register.value == 1)
    places.append(await Task { loop.isOnLoop }.value)
    places.append(await Task.detached { loop.isOnLoop }.value)
    places.append(await Task { @MainActor in loop.isOnLoop }.value)
    // Without an executor of its own or a preference: the runtime's default takes the job.
    places.append(
        await Task.detached {
            await Task.yield()
            try? await Task.sleep(for: .milliseconds(2))
            return loop.isOnLoop
        }.value)
    let sum = await withTaskGroup(of: Int.self) { group in
        for number in 1...10 { group.addTask { number } }
        return await group.reduce(0, +)
    }
    places.append(sum == 55)
    return places
}

func runChild(_ inherited: EventLoop) throws -> Never {
    inherited.abandonAfterFork()
    cposix_unblock_signals()
    let loop = try EventLoop()
    loop.adoptConcurrency()
    let watch = try loop.onSignal(SIGUSR1) { fact("child-signal", true) }
    kill(getpid(), SIGUSR1)
    let timer = loop.after(.milliseconds(5)) { fact("child-timer", true) }
    Task.immediate(executorPreference: loop) {
        let places = await exercise(loop)
        fact("child-async-on-loop", places.allSatisfy { $0 })
        fact("child-threads", cposix_thread_count())
        loop.stop()
    }
    loop.run()
    watch.cancel()
    timer.cancel()
    exit(0)
}

func runProbe() throws {
    let loop = try EventLoop()
    var ticks = 0
    var isReaped = false
    let ticking = loop.every(.milliseconds(1)) {
        ticks += 1
        if isReaped, ticks > 5 { loop.stop() }
    }
    let child = cposix_fork_blocking_signals()
    if child == 0 { try runChild(loop) }
    let reaping = try loop.onSignal(SIGCHLD) {
        var status: Int32 = 0
        guard unsafe waitpid(child, &status, WNOHANG) == child else { return }
        fact("child-status", cposix_wait_exit_status(status))
        ticks = 0
        isReaped = true
    }
    cposix_unblock_signals()
    loop.run()
    // The child took its copy of this loop apart; this one still turns.
    fact("parent-ticks-after-child", ticks > 5)
    fact("parent-threads", cposix_thread_count())
    reaping.cancel()
    ticking.cancel()
}

try runProbe()
#else
fatalError("built without the trait TestPrograms; scripts/test builds with it")
#endif
