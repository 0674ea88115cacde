// The loop as an executor of Swift's concurrency: what is enqueued here runs on the loop's thread.
// Process: any · Thread: loop

@_spi(ExperimentalScheduling) public import _Concurrency

extension EventLoop: TaskExecutor, SerialExecutor {
    /// Queues a job for the loop's thread. From any thread; from the loop's own without a lock or a system call.
    public func enqueue(_ job: consuming ExecutorJob) {
        jobs.append(.isolated(UnownedJob(job)), fromLoop: isOnLoop)
    }

    /// The same for a task that prefers the loop. Its code isn't isolated to the loop: were it run as if it were, the runtime would
    /// queue it once more at the next call of a nonisolated function.
    @_implements(TaskExecutor,enqueue(_:))
    public func enqueuePreferring(_ job: consuming ExecutorJob) {
        jobs.append(.preferring(UnownedJob(job)), fromLoop: isOnLoop)
    }

    public func isIsolatingCurrentContext() -> Bool? {
        isOnLoop
    }

    /// Suspends the task for at least `duration`, on the loop's timers: no thread is started, unlike the runtime's own clock.
    /// - Throws: `CancellationError` when the task is cancelled before the time is up.
    public func sleep(for duration: Duration) async throws {
        try await Sleep(loop: self).wait(for: duration)
    }
}

// With this conformance `Task.sleep` in code on the loop uses the loop's timers as well.
@_spi(ExperimentalScheduling)
extension EventLoop: SchedulingExecutor {
    @_spi(ExperimentalScheduling)
    public func enqueue<C: Clock>(
        _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
        // Swift's own clocks measure in Duration; a clock with another unit sleeps in its own way and doesn't come here.
        schedule(UnownedJob(job), after: delay as? Duration ?? .zero)
    }
}
