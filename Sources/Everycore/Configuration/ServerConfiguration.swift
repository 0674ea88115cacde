// Everything about a server that its owner may decide, with the defaults.
// A plain value: read in the master before the fork (by the command or by the program that embeds the server),
// inherited by every worker, read anew by the master on HUP.
// Names, ranges and texts of the settings are in `Setting+Table.swift`.

/// The settings of a server. `ServerConfiguration()` holds the defaults.
///
/// ```swift
/// var configuration = ServerConfiguration()
/// configuration.port = 3000
/// configuration.workers = .count(4)
/// ```
///
/// A value is only as good as its `problems()` are few: a server refuses to start with any.
public struct ServerConfiguration: Sendable, Equatable {
    /// The address to listen on: an IPv4 or IPv6 address without brackets. All IPv4 interfaces by default, as with
    /// nginx and Node: a server is started to be reached, and the admin page, which isn't meant for everyone, stays on the loopback.
    public var host = "0.0.0.0"

    /// The TCP port, 0…65535. 0 lets the kernel choose one; the start banner names it.
    public var port = 8080

    /// How many workers are forked.
    public var workers = Workers.auto

    /// The directory that static files are served from; `nil` for none. A relative path counts from the working directory.
    public var root: String?

    /// Where the dashboard, `/stats` and `/metrics` are served.
    public var admin = Admin.address(host: "127.0.0.1", port: 8081)

    /// How often the workers report and the figures are printed, 100 ms…1 h; `nil` leaves only the summary at the end.
    public var reportInterval: Duration? = .seconds(1)

    /// How the figures and the log are printed where no terminal reads them.
    public var logFormat = LogFormat.text

    /// Prints no banner and no figures: warnings and errors only.
    public var quiet = false

    /// The queue of connections that the kernel holds per listener, 1…65535. The kernel cuts it to `net.core.somaxconn` (listen(2)).
    public var backlog = 4096

    public var routes = Routes()
    public var files = Files()
    public var compression = Compression()
    public var limits = Limits()
    public var timeouts = Timeouts()
    public var rates = Rates()
    public var messages = Messages()
    public var respawn = Respawn()
    public var stuck = Stuck()
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
    }

    /// Where the admin worker listens.
    public enum Admin: Sendable, Equatable {
        /// A TCP address: an IPv4 or IPv6 address without brackets; port 0 lets the kernel choose one.
        case address(host: String, port: Int)
        /// A Unix socket, at most 107 bytes (unix(7)).
        case path(String)
        /// There is no admin worker.
        case off
    }

    /// The form of printed figures and log lines.
    public enum LogFormat: String, Sendable, Equatable, CaseIterable {
        /// Lines for people.
        case text
        /// One JSON object per line.
        case json
    }
}
