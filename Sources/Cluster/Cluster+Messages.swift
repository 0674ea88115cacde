// What the master does with messages, as it is described before the run; and messages to all workers during it.

extension Cluster {
    /// Calls `body` in the master for each message of this type from any worker or auxiliary. Types are told apart by
    /// their fully qualified names. All handlers of a type are called, in the order of registration. A message that can't be decoded
    /// ends nothing; see ``onMessageError(_:)``.
    @discardableResult
    public func onMessage<Message: Decodable>(
        _ type: Message.Type, _ body: @escaping (Message, WorkerHandle) -> Void
    ) -> Cluster {
        plan.handlers.register(type, body)
        return self
    }

    /// Calls `body` in the master for raw bytes of this name. The bytes are a view of where they arrived, gone when it returns.
    @discardableResult
    public func onBytes(_ name: String, _ body: @escaping (Span<UInt8>, WorkerHandle) -> Void) -> Cluster {
        plan.handlers.register(bytes: name, body)
        return self
    }

    /// Answers the workers' requests of this type. A second handler for a type takes the first one's place. What `body` throws
    /// the asker gets as ``RequestError/failed(reason:)``.
    @discardableResult
    public func onRequest<Request: RequestMessage>(
        _ type: Request.Type, _ body: @escaping (Request, WorkerHandle) throws -> Request.Reply
    ) -> Cluster {
        plan.handlers.register(type, answering: { request, worker, reply in reply(Result { try body(request, worker) }) })
        return self
    }

    /// Answers requests with a handler that may suspend. It runs on the master's loop, at once up to its first suspension, and starts
    /// no thread.
    @discardableResult
    public func onRequest<Request: RequestMessage>(
        _ type: Request.Type, _ body: @escaping (Request, WorkerHandle) async throws -> Request.Reply
    ) -> Cluster {
        plan.handlers.register(type, answeringAsync: body, loop: { [weak self] in self?.running?.loop })
        return self
    }

    /// Answers requests from wherever the answer becomes known, in the master; the first call of `reply` counts.
    @discardableResult
    public func onRequest<Request: RequestMessage>(
        _ type: Request.Type,
        _ body: @escaping (Request, WorkerHandle, _ reply: @escaping (Result<Request.Reply, any Error>) -> Void) -> Void
    ) -> Cluster {
        plan.handlers.register(type, answering: body)
        return self
    }

    /// Calls `body` in the master for each message that reached no handler: one that can't be decoded, an answer to no request,
    /// one that is damaged. It is logged and counted besides.
    @discardableResult
    public func onMessageError(_ body: @escaping (MessageFailure, WorkerHandle) -> Void) -> Cluster {
        plan.handlers.onFailure.append(body)
        return self
    }

    /// While the cluster runs, in the master: sends a message to all workers; see ``RunningCluster/broadcast(_:)``.
    @discardableResult
    public func broadcast<Message: Encodable>(_ message: Message) throws -> [(worker: WorkerHandle, error: MessageError)] {
        guard let running else { throw MessageError.disconnected }
        return try running.broadcast(message)
    }
}
