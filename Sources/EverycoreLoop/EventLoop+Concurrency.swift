// Makes one loop the home of all concurrency in the process: Task, Task.sleep, @MainActor and detached tasks run on it.
// A worker does this before any user code: a fork leaves no Dispatch threads, and none need to start.
// Process: any · Thread: loop

import CEverycoreLibevent
import CEverycorePosix
import Synchronization
@_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency

private let adopted = Mutex<EventLoop?>(nil)

private func adoptedLoop() -> EventLoop? { adopted.withLock { $0 } }

extension EventLoop {
    /// Makes this loop the main actor's executor and the global executor of this process, for as long as the process lives.
    ///
    /// Code that blocks then blocks the loop; give such work a thread of its own.
    public func adoptConcurrency() {
        let executor = unsafe asUnownedSerialExecutor()
        let words = unsafe unsafeBitCast(executor, to: cposix_executor_ref.self)
        adopted.withLock { $0 = self }
        isAdopted = true
        _createExecutors(factory: LoopExecutors.self)
        unsafe cposix_adopt_concurrency(words) { job, isIsolated in
            guard let job = unsafe job, let loop = adoptedLoop() else { return }
            let unowned = unsafe unsafeBitCast(job, to: UnownedJob.self)
            loop.jobs.append(isIsolated ? .isolated(unowned) : .anywhere(unowned), fromLoop: loop.isOnLoop)
        }
    }

    /// Gives concurrency back to Swift's own executors, for a process that goes on without this loop. What still waits on
    /// the loop never runs.
    package func releaseConcurrency() {
        let isMine = adopted.withLock { current in
            guard current === self else { return false }
            current = nil
            return true
        }
        guard isMine else { return }
        isAdopted = false
        cposix_release_concurrency()
        _createExecutors(factory: PlatformExecutorFactory.self)
    }

    /// Enqueues `job` when `delay` is over. From any thread.
    func schedule(_ job: UnownedJob, after delay: Duration) {
        guard isOnLoop else {
            let job = SendableJob(job: job)
            execute { self.schedule(job.job, after: delay) }
            return
        }
        // The timer holds itself until it has fired.
        let pending = PendingJob()
        pending.timer = after(delay) { [unowned self] in
            pending.timer = nil
            jobs.append(.anywhere(job), fromLoop: true)
        }
    }
}

/// What code without a preference runs on where it names no executor: `Task.yield` and `Task.sleep` ask for this one. The runtime's own
/// starts threads.
private struct LoopExecutors: ExecutorFactory {
    // The hooks stand in for it.
    static var mainExecutor: any MainExecutor { PlatformExecutorFactory.mainExecutor }
    static var defaultExecutor: any TaskExecutor { AdoptedLoop() }
}

/// The loop that concurrency has in this process: after a fork another one than before.
private final class AdoptedLoop: TaskExecutor, SchedulingExecutor {
    func enqueue(_ job: consuming ExecutorJob) {
        guard let loop = adoptedLoop() else { return PlatformExecutorFactory.defaultExecutor.enqueue(job) }
        loop.jobs.append(.anywhere(UnownedJob(job)), fromLoop: loop.isOnLoop)
    }

    func enqueue<C: Clock>(_ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C) {
        guard let loop = adoptedLoop() else { return PlatformExecutorFactory.defaultExecutor.enqueue(job) }
        loop.enqueue(job, after: delay, tolerance: tolerance, clock: clock)
    }
}

private struct SendableJob: @unchecked Sendable {
    let job: UnownedJob
}

private final class PendingJob {
    var timer: LoopTimer?
}
