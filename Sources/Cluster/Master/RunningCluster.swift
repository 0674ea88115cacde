// The workers that run, as the user's code in the master sees them. Made by the master; empty in every other process.

internal import EverycoreLoop

/// All workers of a cluster that runs, for code in the master.
public final class RunningCluster: @unchecked Sendable {
    private weak var router: MessageRouter?

    init() {}

    func begin(_ router: MessageRouter) { self.router = router }

    var loop: EventLoop? { router?.loop }

    /// This process is no master any more, or never was.
    func leaveToMaster() { router = nil }

    /// The workers to whom messages can be sent, one for each slot at most, in the order of their slots. Without auxiliaries.
    public var workers: [WorkerHandle] { router?.reachableWorkers ?? [] }

    /// The slot's worker, if messages can be sent to it.
    public func worker(_ slot: Int) -> WorkerHandle? { router?.reachableWorker(slot) }

    /// Sends a message to all workers. It is encoded once; a large one travels in one file.
    /// - Returns: who was not sent it, and why: for one, because its queue is full.
    /// - Throws: ``MessageError/tooLarge(limit:)``, ``MessageError/disconnected`` outside a running master, or what the type's own
    ///   `encode(to:)` throws.
    @discardableResult
    public func broadcast<Message: Encodable>(_ message: Message) throws -> [(worker: WorkerHandle, error: MessageError)] {
        guard let router else { throw MessageError.disconnected }
        let workers = router.reachableWorkers
        guard let first = workers.first else { return [] }
        return router.send(try first.messenger.encoded(message), to: workers)
    }

    /// Sends raw bytes to all workers; see ``broadcast(_:)``.
    @discardableResult
    public func broadcast(bytes: [UInt8], to name: String) throws(MessageError) -> [(worker: WorkerHandle, error: MessageError)] {
        guard let router else { throw .disconnected }
        guard bytes.count <= router.byteLimit else {
            throw .tooLarge(limit: router.byteLimit)
        }
        let message = try OutgoingMessage(kind: .message, flags: .raw, name: name, route: nil, bytes)
        return router.send(message, to: router.reachableWorkers)
    }
}
