// The tasks that run async handlers. One serves a request after the other: a task that is made for each request costs as much as the
// rest of the request, and one that waits for the next costs a third of that.
//
// A task goes back to the pool when its handler has returned, or ends: when it was cancelled, which can't be undone, and after many
// requests, since it keeps the memory that its deepest call took. What a handler sets for its task (task-local values, cancellation
// handlers) ends with the handler's scopes.
//
// Process: worker · Thread: loop

internal import EverycoreHTTP
internal import EverycoreLoop

/// The tasks of one application that have no request, the last one that became free first.
final class HandlerTasks {
    private var first: PooledTask?
    private var count = 0

    /// So many may be free. More are only needed for as long as more requests wait in their handlers.
    private static let bound = 64

    var isFull: Bool { count >= Self.bound }

    func take<Exchange: RequestExchange>(for exchange: Exchange.Type) -> HandlerTask<Exchange>? {
        guard let task = first, let fitting = task as? HandlerTask<Exchange> else { return nil }
        first = unsafe task.next.take()
        count &-= 1
        return fitting
    }

    func put(_ task: PooledTask) {
        unsafe task.next = first.take()
        first = task
        count &+= 1
    }

    deinit {
        while let task = first {
            first = unsafe task.next.take()
            task.end()
        }
    }
}

@safe class PooledTask {
    @exclusivity(unchecked) fileprivate final var next: PooledTask?
    fileprivate func end() {}
}

/// One task. All of it is touched on the loop's thread only.
@safe final class HandlerTask<Exchange: RequestExchange>: PooledTask, @unchecked Sendable {
    typealias Body = @Sendable (sending Request) async throws -> Response

    private let loop: EventLoop
    /// The black box's record of its suspended request.
    private let entry: WaitingRequests.Entry?
    private let waiting: WaitingRequests?
    @exclusivity(unchecked) private var task: Task<Void, Never>?
    /// While it has no request.
    @exclusivity(unchecked) private var idle: UnsafeContinuation<Void, Never>?

    // The request that it serves.
    @exclusivity(unchecked) private var body: Body?
    @exclusivity(unchecked) private var request: Request?
    @exclusivity(unchecked) private var exchange: Exchange?
    // The exchange keeps both.
    @exclusivity(unchecked) private unowned(unsafe) var application: RoutedApplication
    @exclusivity(unchecked) private unowned(unsafe) var endpoint: Endpoint
    /// Whether the call that gave it the request hasn't returned.
    @exclusivity(unchecked) private var isWithinCall = false
    /// Of a handler that was over within that call.
    @exclusivity(unchecked) private var outcome: Outcome?
    /// Changes when a request begins, and when its handler is over.
    @exclusivity(unchecked) private var turn: UInt64 = 0
    @exclusivity(unchecked) private var hasEnded = false

    /// Of requests that one task serves.
    private static var longestLife: UInt64 { 1000 }

    init(_ application: RoutedApplication, _ endpoint: Endpoint) {
        loop = application.context.loop
        waiting = application.waiting
        entry = waiting.map { _ in WaitingRequests.Entry() }
        unsafe self.application = application
        unsafe self.endpoint = endpoint
    }

    /// Runs a handler up to its first suspension, or its end.
    /// - Returns: what it came to, or that this comes later.
    func serve(
        _ body: @escaping Body, _ request: Request, _ exchange: Exchange, _ endpoint: Endpoint
    ) -> Outcome {
        unsafe (self.body, self.request, self.exchange, self.endpoint) = (body, request, exchange, endpoint)
        unsafe turn &+= 1
        unsafe isWithinCall = true
        if let idle = unsafe idle.take() {
            unsafe loop.resumeTask(idle)
        } else {
            let task = loop.startTask { await self.run() }
            if unsafe !hasEnded { unsafe self.task = task }
        }
        unsafe isWithinCall = false
        if let outcome = unsafe outcome.take() { return outcome }
        waits(exchange)
        return .later
    }

    private func waits(_ exchange: Exchange) {
        if let entry, let task = unsafe task { unsafe waiting?.add(entry, of: task, exchange, endpoint) }
        // A handler may have left a producer of content, which has a cancellation handler of its own.
        guard !exchange.isAnswered, exchange.onCancel == nil else { return }
        let turn = unsafe turn
        exchange.onCancel = { self.cancel(turn) }
    }

    private func cancel(_ turn: UInt64) {
        if unsafe turn == self.turn { unsafe task?.cancel() }
    }

    // MARK: Within the task

    private func run() async {
        while await serveNext() {
            unsafe await withUnsafeContinuation { continuation in
                unsafe idle = continuation
                unsafe application.tasks.put(self)
            }
        }
        unsafe hasEnded = true
        unsafe task = nil
        if let entry { waiting?.forget(entry) }
    }

    /// A function of its own, so that nothing of the request is held while the task is free.
    /// - Returns: whether the task may serve another request.
    @inline(never)
    private func serveNext() async -> Bool {
        guard let body = unsafe body.take(), let request = unsafe request.take(), let exchange = unsafe exchange.take() else { return false }
        let (application, taken) = unsafe (application, LoopBound((request: request, exchange: exchange)))
        let outcome: Outcome
        do {
            let response = try await body(taken.value.request)
            unsafe outcome = application.outcome(response, exchange, of: endpoint)
        } catch {
            outcome = application.failed(exchange, error)
        }
        unsafe turn &+= 1
        if unsafe isWithinCall { unsafe self.outcome = outcome } else { exchange.respond(outcome) }
        unsafe endpoint.answered(in: application.context.endpoints)
        if let entry { waiting?.remove(entry) }
        return unsafe turn < Self.longestLife &* 2 && !application.tasks.isFull && !Task.isCancelled
    }

    /// The pool goes, and this with it.
    override fileprivate func end() {
        guard loop.isOnLoop, let idle = unsafe idle.take() else { return }
        unsafe loop.resumeTask(idle)
    }
}
