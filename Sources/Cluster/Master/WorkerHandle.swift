// A worker as the code in the master sees it. Lives in the master, on its one thread; owned by the worker's Child.

/// A worker process, seen from the master. Everything here is for the master's one thread, which is the main actor's.
public final class WorkerHandle: @unchecked Sendable {
    /// A number of its own, from 1: no other process of the cluster has had it or will, in whatever slot.
    public let id: Int
    /// `worker`, or the name of the auxiliary.
    public let name: String
    /// From 0; -1 for an auxiliary.
    public let slot: Int
    /// From 1; one more for each process that the slot has had.
    public let generation: Int
    public let pid: Int32
    /// All workers, to send to others than this one.
    public let cluster: RunningCluster
    /// How it ended; nil while it hasn't.
    public internal(set) var exit: WorkerExit?
    let messenger: Messenger<WorkerHandle>
    weak var pool: WorkerPool?

    init(
        id: Int, name: String, slot: Int, generation: Int, pid: Int32, cluster: RunningCluster, messenger: Messenger<WorkerHandle>
    ) {
        self.id = id
        self.name = name
        self.slot = slot
        self.generation = generation
        self.pid = pid
        self.cluster = cluster
        self.messenger = messenger
    }

    var channel: Channel { messenger.channel }

    /// Whether messages can still reach the worker.
    public var isConnected: Bool { channel.isOpen }
}
