// Messages from the master to one worker. Runs in the master, on its one thread.

extension WorkerHandle {
    /// Sends a message to this worker, whose handlers for this type get it; see ``Worker/onMessage(_:_:)-(_,(Message)->Void)``. Never waits: the
    /// message leaves at the end of this turn of the loop, with the others of the turn.
    /// - Throws: ``MessageError`` when it wasn't queued, or what the type's own `encode(to:)` throws.
    public func send<Message: Encodable>(_ message: Message) throws { try messenger.send(message) }

    /// Sends raw bytes to this worker, whose handlers for this name get them; see ``Worker/onBytes(_:_:)``.
    public func send(bytes: [UInt8], to name: String) throws(MessageError) { try messenger.send(bytes: bytes.span, to: name) }

    /// Sends raw bytes that are somewhere in memory.
    public func send(bytes: Span<UInt8>, to name: String) throws(MessageError) {
        try messenger.send(bytes: bytes, to: name)
    }

    /// Sends a message as soon as the queue to this worker has room, in the order of the calls. Until then, `send` is refused, so
    /// that it overtakes nothing.
    public nonisolated(nonsending) func sendWhenRoom<Message: Encodable>(_ message: Message) async throws {
        try await messenger.sendWhenRoom(message)
    }

    /// Calls `body` when half of the queue to this worker is free; at once when it is already, or when the worker is gone.
    public func whenRoom(_ body: @escaping () -> Void) { messenger.whenRoom(body) }

    /// Asks this worker and waits for the reply of its handler; see ``Worker/onRequest(_:_:)-6wvmc``. In the master a `Task` runs on
    /// the loop and starts no thread.
    /// - Throws: ``RequestError``, at once when the worker dies; or `CancellationError` when the task is cancelled.
    public nonisolated(nonsending) func request<Request: RequestMessage>(
        _ request: Request, deadline: Duration
    ) async throws -> Request.Reply {
        try await messenger.request(request, deadline: deadline)
    }

    /// Asks this worker.
    /// - Parameter done: called once, on the master's loop.
    public func request<Request: RequestMessage>(
        _ request: Request, deadline: Duration, _ done: @escaping (Result<Request.Reply, RequestError>) -> Void
    ) {
        messenger.request(request, deadline: deadline, done)
    }
}
