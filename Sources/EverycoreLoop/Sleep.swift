// One suspended `EventLoop.sleep`: a timer, a continuation, and cancellation from any thread.
// Process: any · Thread: any

import Synchronization

final class Sleep: @unchecked Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Void, any Error>)
        case over
        case cancelled
    }

    private let loop: EventLoop
    private let state = Mutex(State.idle)
    private var timer: LoopTimer?

    init(loop: EventLoop) {
        self.loop = loop
    }

    func wait(for duration: Duration) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = state.withLock { state in
                    if case .cancelled = state { return true }
                    state = .waiting(continuation)
                    return false
                }
                guard !isCancelled else { return continuation.resume(throwing: CancellationError()) }
                loop.execute { self.start(duration) }
            }
        } onCancel: {
            finish(.cancelled)
        }
    }

    private func start(_ duration: Duration) {
        guard state.withLock({ if case .waiting = $0 { true } else { false } }) else { return }
        timer = loop.after(duration) { [self] in
            timer = nil
            finish(.over)
        }
    }

    private func finish(_ end: State) {
        let previous = state.withLock { state in
            let previous = state
            if case .over = previous { return previous }
            state = end
            return previous
        }
        guard case .waiting(let continuation) = previous else { return }
        if case .cancelled = end {
            continuation.resume(throwing: CancellationError())
            loop.execute { self.timer = nil }
        } else {
            continuation.resume()
        }
    }
}
