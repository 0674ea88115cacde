// Work that waits for the loop: jobs of Swift's concurrency and closures. From the loop's thread it is a plain array and no
// system call; from another thread a locked array and one write to an eventfd (eventfd(2)), or a pipe. Owned by its loop.

import CEverycoreLibevent
import CEverycorePosix
import Glibc

final class JobQueue {
    enum Work: @unchecked Sendable {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    /// Hears of every job before and after it runs.
    struct Watcher {
        let began: (UInt) -> Void
        let ended: () -> Void
    }

    var watcher: Watcher?
    private var local: [Work] = []
    private var running: [Work] = []
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

    func append(_ work: Work, fromLoop: Bool) {
        guard fromLoop else {
            let isFirst = remote.withLock { queue in
                queue.append(work)
                return queue.count == 1
            }
            if isFirst { wake() }
            return
        }
        local.append(work)
        if local.count == 1 { turn?.activate() }
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
        let wasEmpty = local.isEmpty
        local.append(contentsOf: work)
        if wasEmpty, !local.isEmpty { turn?.activate() }
    }

    /// Runs what waited when the turn began; what these add waits for the next turn, so that input and timers get theirs.
    private func run(on loop: EventLoop) {
        swap(&local, &running)
        for work in running {
            switch work {
            case .job(let job):
                if let watcher { watcher.began(EventLoop.identity(of: job)) }
                unsafe job.runSynchronously(
                    isolatedTo: loop.asUnownedSerialExecutor(), taskExecutor: loop.asUnownedTaskExecutor())
                watcher?.ended()
            case .closure(let body):
                body()
            }
        }
        running.removeAll(keepingCapacity: true)
        if !local.isEmpty { turn?.defer() }
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
