// One task that waits for an event of the loop: content that arrives, room in a socket. It resumes at the event or at its cancellation,
// whichever is first.
//
// Made in the workers for one wait; used on the loop's thread. Only the cancellation may come from another thread.

internal import EverycoreLoop

final class LoopWait<Value>: @unchecked Sendable {
    private let loop: EventLoop
    private var continuation: CheckedContinuation<Value, any Error>?

    init(on loop: EventLoop) { self.loop = loop }

    /// False before `value(from:)` and once the task goes on.
    var isWaiting: Bool { continuation != nil }

    /// Waits for `end(_:)`.
    /// - Parameter begin: asks for what is waited for; may call `end(_:)` at once.
    /// - Throws: `CancellationError` when the task is cancelled, or was before: then `begin` isn't called.
    func value(from begin: () -> Void = {}) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // A task is marked as cancelled before its handlers run: what comes later comes to `cancel()`.
                guard !Task.isCancelled else { return continuation.resume(throwing: CancellationError()) }
                self.continuation = continuation
                begin()
            }
        } onCancel: {
            loop.isOnLoop ? cancel() : loop.execute { self.cancel() }
        }
    }

    func end(_ result: sending Result<Value, any Error>) {
        continuation.take()?.resume(with: result)
    }

    private func cancel() { end(.failure(CancellationError())) }
}
