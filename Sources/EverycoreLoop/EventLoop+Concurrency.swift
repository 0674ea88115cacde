// Makes one loop the home of all concurrency in the process: Task, Task.sleep, @MainActor and detached tasks run on it.
// A worker does this before any user code: a fork leaves no Dispatch threads, and none need to start.

import CEverycoreLibevent
import CEverycorePosix
import Synchronization

private let adopted = Mutex<EventLoop?>(nil)

extension EventLoop {
    /// Makes this loop the main actor's executor and the global executor of this process, for as long as the process lives.
    ///
    /// Code that blocks then blocks the loop; give such work a thread of its own.
    public func adoptConcurrency() {
        let executor = unsafe asUnownedSerialExecutor()
        let words = unsafe unsafeBitCast(executor, to: cposix_executor_ref.self)
        adopted.withLock { $0 = self }
        unsafe cposix_adopt_concurrency(words) { job in
            guard let job = unsafe job, let loop = adopted.withLock({ $0 }) else { return }
            loop.jobs.append(.job(unsafe unsafeBitCast(job, to: UnownedJob.self)), fromLoop: loop.isOnLoop)
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
        if isMine { cposix_release_concurrency() }
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
            jobs.append(.job(job), fromLoop: true)
        }
    }
}

private struct SendableJob: @unchecked Sendable {
    let job: UnownedJob
}

private final class PendingJob {
    var timer: LoopTimer?
}
