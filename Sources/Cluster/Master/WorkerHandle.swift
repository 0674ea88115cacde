// A worker as the code in the master sees it. Lives in the master, on its one thread; owned by the worker's Child.

/// A worker process, seen from the master.
public final class WorkerHandle {
    /// A number of its own, from 1: no other process of the cluster has had it or will, in whatever slot.
    public let id: Int
    /// `worker`, or the name of the auxiliary.
    public let name: String
    /// From 0; -1 for an auxiliary.
    public let slot: Int
    /// From 1; one more for each process that the slot has had.
    public let generation: Int
    public let pid: Int32
    /// How it ended; nil while it hasn't.
    public internal(set) var exit: WorkerExit?
    let channel: Channel
    weak var master: Master?
    private let names: MessageNames
    private let sizeLimit: Int

    init(
        id: Int, name: String, slot: Int, generation: Int, pid: Int32, channel: Channel, names: MessageNames, sizeLimit: Int
    ) {
        self.id = id
        self.name = name
        self.slot = slot
        self.generation = generation
        self.pid = pid
        self.channel = channel
        self.names = names
        self.sizeLimit = sizeLimit
    }

    /// Whether messages can still reach the worker.
    public var isConnected: Bool { channel.isOpen }

    /// Sends a message to this worker, whose handler for this type gets it; see ``Worker/onMessage(_:_:)``. Never waits.
    /// - Throws: ``MessageError`` when it wasn't sent, or what the type's own `encode(to:)` throws.
    public func send<Message: Encodable>(_ message: Message) throws {
        let payload = try WireEncoder(sizeLimit: sizeLimit).encode(message)
        try channel.send(message: names.name(of: Message.self), payload: payload)
    }
}
