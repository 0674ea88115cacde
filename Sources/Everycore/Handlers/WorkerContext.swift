// What handlers can know about the process that they run in.
//
// One per worker, made after the fork by the server; changed only on the loop's thread.

package import Cluster
package import EverycoreHTTP
package import EverycoreLoop
package import Logging

/// A worker among its siblings: its place, and how many had that place before.
public struct WorkerIdentity: Sendable, Equatable {
    /// The place in the cluster, from 0.
    public let slot: Int
    /// 1 for the first worker of a slot, one more for each that replaces it.
    public let generation: Int
    public let pid: Int32

    package init(slot: Int, generation: Int, pid: Int32) {
        self.slot = slot
        self.generation = generation
        self.pid = pid
    }
}

/// What a worker knows of the quarantine.
package struct Quarantine {
    package let gate: QuarantineGate
    /// Moves a connection to where its request belongs.
    package let move: ConnectionMover
    /// Counts requests that had to be refused.
    package let refused: () -> Void

    package init(gate: QuarantineGate, move: @escaping ConnectionMover, refused: @escaping () -> Void) {
        self.gate = gate
        self.move = move
        self.refused = refused
    }
}

package final class WorkerContext {
    package let worker: WorkerIdentity
    package let loop: EventLoop
    package let log: Logger
    /// Bounds the lines that requests can bring about, by what they say.
    var lines = LineBudget<String>()
    /// Of handlers that took too long each has its line, unless there are very many.
    var timeoutLines = LineBudget<Int>(burst: 100, interval: 100_000_000)
    /// Whether the worker finishes what it has and takes nothing new: `/ready` says so.
    package var isDraining = false

    /// Whether the worker will drain soon: it takes what comes, and `/ready` says so.
    package var isLameDuck = false

    /// Says which request a handler is in, for the master, which looks at a worker that died or hangs; none without a cluster.
    package let blackBox: BlackBox?

    /// Counts what each endpoint does; none without a cluster.
    package let endpoints: EndpointTable?
    /// Which requests another process is to answer; none without a cluster.
    package var quarantine: Quarantine?

    package init(
        worker: WorkerIdentity, loop: EventLoop, log: Logger, blackBox: BlackBox? = nil, endpoints: EndpointTable? = nil
    ) {
        self.worker = worker
        self.loop = loop
        self.log = log
        self.blackBox = blackBox
        self.endpoints = endpoints
    }
}
