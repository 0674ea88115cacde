// Work that waits for the loop: jobs of Swift's concurrency and closures. From the loop's thread it is a plain array and no
// system call; from another thread a locked array and one write to an eventfd (eventfd(2)), or a pipe. Owned by its loop.
// Process: any · Thread: any

import CEverycoreLibevent
import CEverycorePosix
import Glibc

final class JobQueue {
    enum Work: @unchecked Sendable {
        /// Nonisolated code of a task that has no preference among executors.
        case anywhere(UnownedJob)
        /// Nonisolated code of a task that prefers the loop.
        case preferring(UnownedJob)
        /// Code that is isolated to the loop.
        case isolated(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    /// Called before and after each job runs.
    struct Watcher {
        let began: (UInt) -> Void
        let ended: () -> Void
    }

    var watcher: Watcher?
    // On the loop's thread, and each access as short as a call that doesn't come back here.
    @exclusivity(unchecked) private var local: [Work] = []
    private var running: [Work] = []
    private var isRunning = false
    @exclusivity(unchecked) private var takesNext = false
    @exclusivity(unchecked) private var next: Work?
    private let remote = Guarded<[Work]>([])
    private let wakeUp: (reader: Int32, writer: Int32)
    private var wakeUpWatch: DescriptorWatch?
    private var turn: LoopTurn?

    init() throws(SystemError) {
        var (reader, writer) = (Int32(-1), Int32(-1))
        _ = try systemCall("make a descriptor to wake the loop") { unsafe cposix_wake_up_pair(&reader, &writer) }
        wakeUp = (reader, writer)
    }

    deinit {
        close(wakeUp.reader)
        if wakeUp.writer != wakeUp.reader { close(wakeUp.writer) }
    }

    func attach(to loop: EventLoop) {
        turn = LoopTurn(loop: loop, keepsLoop: false) { [unowned loop] in loop.jobs.run(on: loop) }
        let watch = DescriptorWatch(loop: loop, descriptor: wakeUp.reader, interest: .read, keepsLoop: false) { [unowned loop] _ in
            loop.jobs.takeRemote()
        }
        // Such a descriptor can always be watched; without memory for it the loop would still serve its own thread.
        _ = watch.add()
        wakeUpWatch = watch
    }

    /// Drops what refers to the loop, which does not keep the loop alive.
    func detach() {
        wakeUpWatch = nil
        turn = nil
    }

    /// Runs the job that `body` enqueues, and must enqueue on this thread: within this call, before all that waits.
    @inline(__always)
    func runNext<Result>(on loop: EventLoop, _ body: () -> Result) -> Result {
        unsafe takesNext = true
        let result = body()
        unsafe takesNext = false
        if let work = unsafe next.take() { work.run(on: loop) }
        return result
    }

    func append(_ work: Work, fromLoop: Bool) {
        guard fromLoop else {
            let isFirst = remote.withLock { queue in
                queue.append(work)
                return queue.count == 1
            }
            if isFirst { wake() }
            return
        }
        if unsafe takesNext {
            unsafe takesNext = false
            return unsafe next = work
        }
        unsafe local.append(work)
        if unsafe local.count == 1, !isRunning { turn?.activate() }
    }

    private func wake() {
        var one: UInt64 = 1
        // EAGAIN means that the counter is full, so the loop is awake already.
        _ = unsafe write(wakeUp.writer, &one, 8)
    }

    private func takeRemote() {
        // A pipe may hold several; it stays readable then.
        var count: UInt64 = 0
        _ = unsafe read(wakeUp.reader, &count, 8)
        let work = remote.withLock { queue in
            let taken = queue
            queue.removeAll(keepingCapacity: true)
            return taken
        }
        let wasEmpty = unsafe local.isEmpty
        unsafe local.append(contentsOf: work)
        if wasEmpty, unsafe !local.isEmpty { turn?.activate() }
    }

    /// Runs what waited when the turn began, and a few rounds of what that adds: a task that goes on after a wait is often queued twice.
    /// Later additions wait for the next iteration: jobs must not starve input and timers.
    private func run(on loop: EventLoop) {
        isRunning = true
        var round = 0
        while round < Self.rounds, unsafe !local.isEmpty {
            round &+= 1
            unsafe swap(&local, &running)
            for work in running { run(work, on: loop) }
            running.removeAll(keepingCapacity: true)
        }
        isRunning = false
        if unsafe !local.isEmpty { turn?.defer() }
    }

    private static var rounds: Int { 4 }

    @inline(__always)
    private func run(_ work: Work, on loop: EventLoop) {
        if case .closure(let body) = work { return body() }
        if let watcher { watcher.began(work.identity) }
        work.run(on: loop)
        if let watcher { watcher.ended() }
    }
}

extension JobQueue.Work {
    /// The task's, where it is one's job.
    var identity: UInt {
        switch self {
        case .anywhere(let job), .preferring(let job), .isolated(let job): EventLoop.identity(of: job)
        case .closure: 0
        }
    }

    @inline(__always)
    func run(on loop: EventLoop) {
        switch self {
        case .anywhere(let job): unsafe job.runSynchronously(on: Self.noExecutor)
        case .preferring(let job): unsafe job.runSynchronously(on: loop.asUnownedTaskExecutor())
        case .isolated(let job): unsafe job.runSynchronously(on: loop.asUnownedSerialExecutor())
        case .closure(let body): body()
        }
    }

    /// What nonisolated code runs on for the runtime (`SerialExecutorRef::generic()`, swift/include/swift/ABI/Executor.h): two words of
    /// zeros. Were another one said, each call of a nonisolated function would queue the task once more.
    private static var noExecutor: UnownedSerialExecutor {
        unsafe unsafeBitCast((UInt(0), UInt(0)), to: UnownedSerialExecutor.self)
    }
}

/// An event that nothing outside triggers: the loop runs it when it is activated.
package final class LoopTurn: LoopEvent {
    private let body: () -> Void

    package init(loop: EventLoop, keepsLoop: Bool = true, body: @escaping () -> Void) {
        self.body = body
        super.init(loop: loop, descriptor: -1, flags: 0, keepsLoop: keepsLoop)
    }

    override func fire(_ flags: Int16) {
        body()
    }

    /// Runs in this round of the loop, after what is due already. Activating it twice changes nothing.
    package func activate() {
        if unsafe !loop.isAbandoned { unsafe event_active(event, EV_TIMEOUT, 0) }
    }

    /// Runs in the next round, after input was looked at.
    func `defer`() {
        _ = add(timeout: .zero)
    }
}
