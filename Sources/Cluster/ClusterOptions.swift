// The settings of a cluster, with their defaults. Read by the master; workers inherit them with the fork.

public import Logging

/// Settings of a ``Cluster``.
public struct ClusterOptions {
    /// What the master prints on its standard output about the figures.
    public enum Output: Sendable, Hashable {
        /// A live table on a terminal, else one line of text each interval; a summary at the end.
        case automatic
        /// One line of text each interval, a summary at the end.
        case text
        /// One JSON object on a line each interval and at the end.
        case json
        /// Only what is asked for with the signal USR1.
        case quiet
    }

    /// Which cores workers run on.
    public enum Pinning: String, Sendable, Hashable, CaseIterable {
        /// Wherever the kernel puts them.
        case off
        /// The worker of slot n on the nth core of the master's affinity mask, modulo their number.
        case cores
    }

    /// What is printed. The library's own default is to leave standard output to the program.
    public var output = Output.quiet
    /// How often workers report and figures are printed; at least 10 ms.
    public var reportInterval: Duration = .seconds(1)
    /// How often a line is printed where no terminal shows a table, and only when anything has changed since the last one; nil for a line at
    /// each ``reportInterval``.
    public var lineInterval: Duration?
    /// How long workers may take to finish what is in flight when they are told to go.
    public var drainDeadline: Duration = .seconds(10)
    /// How long a crashed worker may live on with all its descriptors closed, held by Swift's backtracer.
    public var dyingDeadline: Duration = .seconds(60)
    /// How long a worker's loop may be stuck before the worker is ended and replaced: time in which its thread used the CPU, or slept in
    /// the kernel, without turning the loop. Time in which it got no CPU doesn't count. At least 100 ms; nil for ever.
    public var stuckLimit: Duration? = .seconds(60)
    /// When no worker's loop has turned for so long, successors of the stuck workers start; these go when they go on. At most as many
    /// as there are workers; then the one that is stuck for longest is killed. At least 100 ms; nil never.
    public var standInAfter: Duration? = .seconds(2)
    /// From which age on a request is logged: with its stack, where it holds its worker's loop. The signal that asks for the stack cuts sleeps
    /// and polls of a handler short, once for each such request. At least 100 ms; nil never.
    public var slowRequest: Duration? = .seconds(1)
    /// When dead workers are replaced.
    public var respawn = RespawnPolicy()
    /// When requests that keep killing workers get a worker of their own.
    public var quarantine = QuarantinePolicy()
    /// When living workers are replaced: never, by default.
    public var recycle = RecyclePolicy()
    /// Bounds for messages.
    public var messages = MessageOptions()
    /// Connections that wait to be accepted, for each worker; the kernel cuts it to `net.core.somaxconn`.
    public var backlog: Int32 = 4096
    /// Whether a worker that has more than its share of the connections hands new ones to the sibling with the fewest; see
    /// ``Worker/handOver(_:)``.
    public var balancesConnections = true
    /// The permissions of Unix sockets. Where ``user`` or ``group`` is set, the sockets belong to them.
    public var socketMode: UInt32 = 0o660
    /// Who the workers run as, by name or number; as the master does where it is nil. The master stays who it is.
    public var user: String?
    /// The workers' group, by name or number; the user's own where it is nil.
    public var group: String?
    /// Workers and what they start never get more privileges than they have, not by setuid programs either (`PR_SET_NO_NEW_PRIVS`).
    public var noNewPrivileges = true
    /// Whether each worker stays on one core.
    public var pinning = Pinning.off
    /// How long the cluster serves on after TERM, before it drains: ``Worker/onLameDuck(_:)`` is called in the workers meanwhile.
    public var lameDuck = Duration.zero
    /// What worker processes are called in `ps` and `top`, followed by `-w` and the slot.
    public var processName = "everycore"
    /// Takes the master's and the workers' log lines; standard error by default, where a line that would have to wait for a
    /// reader is lost. A handler of your own must not wait either: the master and each worker have but one thread.
    public var logger = Logger(label: "everycore", factory: { SteeredLogHandler(StreamLogHandler(label: $0, stream: StandardErrorStream())) })

    /// What ``user`` and ``group`` stand for, once it has been looked up.
    var credentials: Credentials?

    public init() {}

    /// How often an idle loop leaves a sign of life.
    var beatInterval: Duration {
        let interval = Watchdog.interval(for: stuckLimit ?? Watchdog.noLimit)
        return standInAfter.map { min(interval, max($0 / 2, .milliseconds(10))) } ?? interval
    }
}
