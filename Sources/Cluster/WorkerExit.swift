// How a worker ended and what it was doing then, as one value: made by the master when it has reaped the process.

/// How a worker process ended.
public struct WorkerExit: Sendable, CustomStringConvertible {
    /// What became of it.
    public enum Reason: Sendable, Hashable, CustomStringConvertible {
        case exited(status: Int32)
        case killed(signal: Int32, name: String)
        /// It never ran: fork(2) failed, or was refused.
        case notStarted(String)

        public var description: String {
            switch self {
            case .exited(let status): "status \(status)"
            case .killed(_, let name): name
            case .notStarted(let reason): "not started: \(reason)"
            }
        }
    }

    /// A request that the worker did not get to answer.
    public struct Request: Sendable, Hashable, CustomStringConvertible {
        /// Method and path, printable ASCII, of at most 232 bytes; longer ones are cut to 224.
        public let description: String
        /// How long it had been in flight when the worker ended.
        public let age: Duration

        public init(description: String, age: Duration) {
            self.description = description
            self.age = age
        }
    }

    /// The worker's ``WorkerHandle/id``.
    public var id = 0
    /// `worker` or an auxiliary's name.
    public let name: String
    /// -1 for an auxiliary.
    public let slot: Int
    public let generation: Int
    /// 0 when it never ran.
    public let pid: Int32
    public let reason: Reason
    /// Whether it went because it was told to (by the cluster's stop, ``WorkerHandle/disconnect()``, ``WorkerHandle/kill(_:)``,
    /// TERM or its own ``Worker/disconnect()``) rather than of a crash, a signal from elsewhere, or a call of `exit` in a
    /// handler. What Node calls `exitedAfterDisconnect`.
    public var isVoluntary = false
    /// Whether the master ended it because its loop did not turn for ``ClusterOptions/stuckLimit``.
    public var wasStuck = false
    /// Whether the kernel's out-of-memory killer ended it, by the count of the cgroup; nil where no cgroup counts.
    public var outOfMemory: Bool?
    /// From the fork to the end of its service.
    public let uptime: Duration
    /// The requests that it answered.
    public var requests: UInt64 = 0
    /// The most memory that it had in RAM at a time, in bytes; what it shared with the master is in it.
    public var peakResidentBytes: UInt64 = 0
    /// The request that it was in, else the oldest of those whose async handlers waited for something.
    public var request: Request?
    /// How many requests were in flight whose async handlers waited for something.
    public var waitingRequests = 0
    /// Seconds since 1970 when the master learned of it.
    public var unixSeconds: UInt64 = 0

    /// The exit status, if it exited.
    public var status: Int32? {
        switch reason {
        case .exited(let status): status
        case .killed, .notStarted: nil
        }
    }

    /// The signal that ended it, if one did.
    public var signal: Int32? {
        switch reason {
        case .killed(let signal, _): signal
        case .exited, .notStarted: nil
        }
    }

    public var description: String {
        let who = slot >= 0 ? "\(name) \(slot)" : name
        var text = "\(who) gen=\(generation) pid=\(pid): \(reason) after \(uptime.inSeconds)"
        if outOfMemory == true { text += ", out of memory" }
        if wasStuck { text += ", stuck" }
        if let request { text += ", in \(request.description) for \(request.age.inSeconds)" }
        return text
    }
}
