// Tasks whose next step is taken at once, within the call that asks for it, instead of on the loop's next iteration.
// Process: worker · Thread: loop

extension EventLoop {
    /// Starts a task that inherits nothing. What it does before its first suspension happens within this call.
    ///
    /// It has no preference among executors where it needs none: that costs a lock each time that it calls or leaves an async function.
    @discardableResult
    package func startTask(_ operation: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        jobs.runNext(on: self) {
            isAdopted ? Task.detached(operation: operation) : Task.detached(executorPreference: self, operation: operation)
        }
    }

    /// Resumes a task that `startTask` has started: it goes on within this call, up to its next suspension.
    package func resumeTask(_ continuation: UnsafeContinuation<Void, Never>) {
        jobs.runNext(on: self) { unsafe continuation.resume() }
    }
}
