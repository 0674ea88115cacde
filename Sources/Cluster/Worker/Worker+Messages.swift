// Messages as the code in a worker sees them: to the master, to other workers by way of it, and what comes from them.
// Runs in the worker process, on its loop.

internal import EverycoreLoop
internal import Glibc
internal import Logging

extension Worker {
    // MARK: Sending

    /// Sends a message to the master, whose handlers for this type get it; see ``Cluster/onMessage(_:_:)``. Never waits: the
    /// message leaves at the end of this turn of the loop, with the others of the turn. Messages arrive in the order in which they
    /// are sent, also those that are sent just before an orderly exit.
    ///
    /// - Throws: ``MessageError`` when it wasn't queued, or what the type's own `encode(to:)` throws.
    public func send<Message: Encodable>(_ message: Message) throws { try messenger.send(message) }

    /// Sends raw bytes to the master, whose handlers for this name get them; see ``Cluster/onBytes(_:_:)``.
    public func send(bytes: [UInt8], to name: String) throws(MessageError) { try messenger.send(bytes: bytes.span, to: name) }

    /// Sends raw bytes that are somewhere in memory.
    public func send(bytes: Span<UInt8>, to name: String) throws(MessageError) {
        try messenger.send(bytes: bytes, to: name)
    }

    /// Sends a message to the worker of a slot, by way of the master. When the master can't forward it, because there is no such
    /// worker or its queue is full, ``onMessageError(_:)`` is called.
    /// - Throws: ``MessageError`` when it wasn't queued for the master.
    public func send<Message: Encodable>(_ message: Message, toWorker slot: Int) throws {
        try messenger.send(message, route: route(to: slot))
    }

    /// Sends raw bytes to the worker of a slot, by way of the master.
    public func send(bytes: [UInt8], to name: String, ofWorker slot: Int) throws(MessageError) {
        try messenger.send(bytes: bytes.span, to: name, route: route(to: slot))
    }

    /// Sends a message to all other workers, by way of the master.
    public func broadcast<Message: Encodable>(_ message: Message) throws { try messenger.send(message, route: .all) }

    private func route(to slot: Int) -> MessageRecord.Route {
        MessageRecord.Route(slot: Int32(clamping: max(slot, -1)), generation: 0)
    }

    /// Sends a message to the master as soon as the queue has room, in the order of the calls. Until then, `send` is refused, so
    /// that it overtakes nothing.
    public nonisolated(nonsending) func sendWhenRoom<Message: Encodable>(_ message: Message) async throws {
        try await messenger.sendWhenRoom(message)
    }

    /// Calls `body` when half of the queue to the master is free; at once when it is already.
    public func whenRoom(_ body: @escaping () -> Void) { messenger.whenRoom(body) }

    /// Sends what this turn of the loop has gathered so far; for code that then keeps the loop for long, or may crash.
    public func flushMessages() { channel.sendBatch() }

    // MARK: Requests

    /// Asks the master and waits for the reply of its handler; see ``Cluster/onRequest(_:_:)-547o``.
    /// - Throws: ``RequestError``, or `CancellationError` when the task is cancelled.
    public nonisolated(nonsending) func request<Request: RequestMessage>(
        _ request: Request, deadline: Duration
    ) async throws -> Request.Reply {
        try await messenger.request(request, deadline: deadline)
    }

    /// Asks the master.
    /// - Parameter done: called once, on the loop.
    public func request<Request: RequestMessage>(
        _ request: Request, deadline: Duration, _ done: @escaping (Result<Request.Reply, RequestError>) -> Void
    ) {
        messenger.request(request, deadline: deadline, done)
    }

    // MARK: Receiving

    /// Calls `body` for each message of this type that the master or another worker sends to this worker. All handlers of a type
    /// are called, in the order of registration.
    public func onMessage<Message: Decodable>(_ type: Message.Type, _ body: @escaping (Message) -> Void) {
        messenger.handlers.register(type) { message, _ in body(message) }
    }

    /// As ``onMessage(_:_:)``, with who sent it.
    public func onMessage<Message: Decodable>(_ type: Message.Type, _ body: @escaping (Message, MessageSender) -> Void) {
        messenger.handlers.register(type, body)
    }

    /// Calls `body` for raw bytes of this name. The bytes are a view of where they arrived, gone when it returns.
    public func onBytes(_ name: String, _ body: @escaping (Span<UInt8>, MessageSender) -> Void) {
        messenger.handlers.register(bytes: name, body)
    }

    /// Answers the master's requests of this type. A second handler for a type takes the first one's place. What `body` throws
    /// the asker gets as ``RequestError/failed(reason:)``.
    public func onRequest<Request: RequestMessage>(_ type: Request.Type, _ body: @escaping (Request) throws -> Request.Reply) {
        messenger.handlers.register(type, answering: { request, _, reply in reply(Result { try body(request) }) })
    }

    /// Answers requests with a handler that may suspend. It runs on the loop, at once up to its first suspension.
    public func onRequest<Request: RequestMessage>(
        _ type: Request.Type, _ body: @escaping (Request) async throws -> Request.Reply
    ) {
        messenger.handlers.register(
            type, answeringAsync: { request, _ in try await body(request) }, loop: { [weak self] in self?.loop })
    }

    /// Answers requests from wherever the answer becomes known, on the loop; the first call of `reply` counts.
    public func onRequest<Request: RequestMessage>(
        _ type: Request.Type, _ body: @escaping (Request, _ reply: @escaping (Result<Request.Reply, any Error>) -> Void) -> Void
    ) {
        messenger.handlers.register(type, answering: { request, _, reply in body(request, reply) })
    }

    /// Calls `body` for each message that reached no handler, and for each to another worker that the master could not pass on.
    public func onMessageError(_ body: @escaping (MessageFailure, MessageSender) -> Void) {
        messenger.handlers.onFailure.append(body)
    }

    func receiveMessages() {
        messenger.peer = .master
        messenger.author = { .worker(slot: Int($0.slot), generation: Int($0.generation)) }
        var count = 0
        messenger.onFailure = { [unowned self] failure, author in
            count += 1
            guard count.isWorthALine else { return }
            logger.log(
                .warning, .messageIgnored, "a message was ignored",
                metadata: [
                    "type": "\(LogText.plain(failure.type))", "from": "\(author ?? .master)",
                    "reason": "\(LogText.plain("\(failure.reason)"))", "ignored": "\(count)",
                ])
        }
        // What was sent before an orderly exit arrives, also when the program itself calls exit(3).
        unsafe leaving = self
        atexit {
            // Not in a process that this one has forked, and not while the loop's thread is at work.
            guard let worker = unsafe leaving, worker.loop.isOnLoop, getpid() == worker.pid else { return }
            worker.channel.flush(until: EventLoop.monotonicNanoseconds() &+ 1_000_000_000)
        }
    }
}

/// The worker that this process is.
private nonisolated(unsafe) weak var leaving: Worker?

extension Int {
    /// Whether the so-many-th of something deserves a line in the log: a side that sends nothing else must not fill it.
    var isWorthALine: Bool { self <= 10 || self & (self - 1) == 0 }
}
