// The settings of a server, with their defaults.
// A plain value: read in the master before the fork (by the command or by the program that embeds the server),
// inherited by every worker, read anew by the master on HUP.
// Names, ranges and texts of the settings are in `Setting+Table.swift`.

public import struct Cluster.ClusterOptions

/// The settings of a server. `ServerConfiguration()` holds the defaults.
///
/// ```swift
/// var configuration = ServerConfiguration()
/// configuration.port = 3000
/// configuration.workers = .count(4)
/// ```
///
/// A server refuses to start with a configuration that has `problems()`.
public struct ServerConfiguration: Sendable, Equatable {
    /// The address to listen on: an IPv4 or IPv6 address without brackets. All IPv4 interfaces by default, as with
    /// nginx and Node. The admin page, which isn't public, is on the loopback.
    public var host = "0.0.0.0"

    /// The TCP port, 0…65535. 0 lets the kernel choose one; the start banner names it.
    public var port = 8080

    /// Every address to listen on, in the place of ``host`` and ``port``: TCP addresses in numbers and paths of Unix sockets. `[::]:8080`
    /// takes IPv4's connections too, unless `0.0.0.0:8080` stands beside it. Empty leaves it to `host` and `port`.
    public var listen: [ListenAddress] = []

    /// The permissions of Unix sockets, the admin's included, 0…0o777. They belong to ``user`` and ``group`` where these are set.
    public var listenMode = 0o660

    /// How many workers are forked.
    public var workers = Workers.auto

    /// The directory that static files are served from; `nil` for none. A relative path counts from the working directory.
    public var root: String?

    /// Where the admin pages `/stats` and `/metrics` are served.
    public var admin = Admin.automatic

    /// The names that the admin pages answer to over TCP, besides `localhost` and addresses in numbers. A page of another site can give its own
    /// name this machine's address; a request with a name that isn't known is answered with a 421.
    public var adminHosts: [String] = []

    /// Where the control socket is, by which `everycore status`, `everycore reload` and the others reach this service.
    public var control = Control.automatic

    /// How often the figures are printed.
    public var reportInterval = ReportInterval.automatic

    /// How the figures and the log are printed where no terminal reads them.
    public var logFormat = LogFormat.text

    /// Prints no banner and no figures: warnings and errors only.
    public var quiet = false

    /// From which age on a request is logged, with its route, and with its stack where it holds its worker, 100 ms…1 d; `nil` logs none.
    /// The signal that asks for the stack cuts a sleep or a poll of a handler short, once for each such request.
    public var slowRequest: Duration? = .seconds(1)

    /// The queue of connections that the kernel holds per listener, 1…65535. The kernel cuts it to `net.core.somaxconn` (listen(2)).
    public var backlog = 4096

    /// Whether a worker that has more than its share of the connections hands new ones to the worker with the fewest.
    public var balance = true
    /// The user that workers run as, by name or number; `nil` is the master's user. Needs root. The master's user never changes.
    public var user: String?

    /// The workers' group, by name or number; `nil` is the user's own. With neither, nothing is changed.
    public var group: String?

    /// Workers and the programs that they start never get more privileges than they have (`PR_SET_NO_NEW_PRIVS`).
    public var noNewPrivs = true

    /// Whether each worker stays on one core.
    public var pinning = ClusterOptions.Pinning.off

    public var accessLog = AccessLog()
    public var routes = BuiltInRoutes()
    public var statsd = StatsD()
    public var files = Files()
    public var compression = Compression()
    public var limits = Limits()
    public var timeouts = Timeouts()
    public var rates = Rates()
    public var messages = Messages()
    public var respawn = Respawn()
    public var stuck = Stuck()
    public var quarantine = Quarantine()
    public var recycle = Recycle()

    /// The defaults.
    public init() {}
}

extension ServerConfiguration {
    /// How many workers there are.
    public enum Workers: Sendable, Equatable {
        /// One per usable core: the affinity mask and the cgroup's CPU quota, rounded up.
        case auto
        /// Exactly so many, 1…1024.
        case count(Int)
        /// As many as the load needs, between two bounds, 1…1024.
        case range(ClosedRange<Int>)
    }

    /// How often the figures are printed.
    public enum ReportInterval: Sendable, Equatable {
        /// A table once a second on a terminal; elsewhere a line a minute, when anything has changed.
        case automatic
        /// The table, or a line, so often: 100 ms…1 h.
        case every(Duration)
        /// Only the summary at the end.
        case off
    }

    /// Where the admin worker listens.
    public enum Admin: Sendable, Equatable {
        /// `127.0.0.1:8081`; where that is taken another port, which the banner names.
        case automatic
        /// A TCP address: an IPv4 or IPv6 address without brackets; port 0 lets the kernel choose one.
        case address(host: String, port: Int)
        /// A Unix socket, at most 107 bytes (unix(7)).
        case path(String)
        /// There is no admin worker.
        case off
    }

    /// Where the control socket is.
    public enum Control: Sendable, Equatable {
        /// In `/run/everycore` for root, else in the service manager's `RUNTIME_DIRECTORY`, in `everycore` below `XDG_RUNTIME_DIR` or in
        /// `/tmp/everycore-UID`; where none of them can be written to, a socket without a file. The banner names it.
        case automatic
        /// A Unix socket, at most 107 bytes (unix(7)).
        case path(String)
        /// There is none: signals alone steer the service.
        case off
    }

    /// The form of printed figures and log lines.
    public enum LogFormat: String, Sendable, Equatable, CaseIterable {
        /// Lines of text.
        case text
        /// One JSON object per line.
        case json
    }
}
