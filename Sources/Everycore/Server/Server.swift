// The entry point of an application: its settings, its routes, and `run`, which makes the process the master of a cluster.
//
// Made and run in the process that becomes the master. The routes are built here, before the fork, so that a
// mistake in them ends the program before anything listens; the handlers run in the workers.

public import Cluster
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

/// An HTTP server on every core.
///
/// ```swift
/// try Server { routes in
///     routes.get("/hello/:name") { request in
///         .text("Hello, \(request.parameters["name"] ?? "stranger")")
///     }
/// }
/// .run()
/// ```
///
/// Until ``run(rereadOnReload:customize:)`` has forked its workers the process must have a single thread: start no `Task` and no library with threads of
/// its own before. Handlers may do all of that; each worker is a process of its own with its own copy of what they capture.
public struct Server {
    /// The version in the banner, in `everycore --version` and on the admin pages.
    package static let version = "0.2.0"

    public let configuration: ServerConfiguration
    private let routes: BuiltRoutes
    private let onWorkerStart: (Worker) throws -> Void

    /// - Parameters:
    ///   - configuration: the settings; the defaults when it is left out. No file and no environment is read.
    ///   - routes: registers the application's routes. `/health` and `/ready` are added where no other route has their paths, unless
    ///     the configuration turns them off.
    ///   - onWorkerStart: runs in each worker before it serves: to open what must not be shared through a fork, such as a database
    ///     connection, and to take messages from the master. When it throws, the worker ends with status 1 and is replaced.
    /// - Throws: ``ServerError/configuration(_:)``, ``RouteErrors``, or what the closure throws.
    public init(
        configuration: ServerConfiguration = ServerConfiguration(), routes: (inout Routes) throws -> Void = { _ in },
        onWorkerStart: @escaping (Worker) throws -> Void = { _ in }
    ) throws {
        try self.init(configuration: configuration, demonstrates: false, routes: routes, onWorkerStart: onWorkerStart)
    }

    /// The command's: with the demonstration routes, unless the configuration turns them off.
    package init(demonstrationWith configuration: ServerConfiguration) throws {
        try self.init(configuration: configuration, demonstrates: configuration.routes.demonstration, routes: { _ in }, onWorkerStart: { _ in })
    }

    private init(
        configuration: ServerConfiguration, demonstrates: Bool, routes: (inout Routes) throws -> Void,
        onWorkerStart: @escaping (Worker) throws -> Void
    ) throws {
        let problems = configuration.problems()
        guard problems.isEmpty else { throw ServerError.configuration(problems) }
        var registered = Routes()
        try routes(&registered)
        let hasFiles = configuration.root != nil
        if configuration.routes.builtin { registered.addHealth() }
        if configuration.routes.builtin, demonstrates { registered.addDemonstration(hasFiles: hasFiles) }
        self.configuration = configuration
        self.onWorkerStart = onWorkerStart
        self.routes = try registered.built(hasFiles: hasFiles)
    }

    /// Makes this process the master of the workers, until a signal ends it. Returns after an orderly stop: then all workers
    /// are gone. In the workers it never returns.
    ///
    /// TERM and INT drain; a second one half a second later stops at once, as QUIT does. HUP replaces the workers one by one, closing no connection;
    /// TTIN and TTOU start one worker more, and one fewer.
    ///
    /// - Parameters:
    ///   - reread: makes the server anew on HUP, from what its settings are now. It runs in this process and so starts no
    ///     thread. An error is logged, and the old server stays. Without it HUP restarts the workers with the same settings.
    ///   - customize: called with the cluster before it runs, to register handlers of messages and events in the master.
    /// - Throws: ``ServerError``: the reason that it didn't start or has ended.
    public func run(
        rereadOnReload reread: (() throws -> Server)? = nil, customize: (Cluster) -> Void = { _ in }
    ) throws(ServerError) {
        let cluster = try makeCluster()
        customize(cluster)
        if let reread { cluster.onReload { try reread().makeCluster() } }
        if !configuration.quiet {
            let format = configuration.logFormat
            cluster.onStart { print(Banner(start: $0).text(as: format)) }
        }
        do throws(ClusterError) {
            try cluster.run()
        } catch {
            throw ServerError(error, of: configuration)
        }
    }

    /// The cluster that runs this server. The root of its files is opened here.
    private func makeCluster() throws(ServerError) -> Cluster {
        let identity = ServerIdentity(
            name: "everycore", version: Self.version, startedUnixSeconds: UInt64(clamping: time(nil)))
        let (configuration, routes, onWorkerStart) = (configuration, routes, onWorkerStart)
        let root: DocumentRoot?
        do throws(SystemError) { root = try configuration.root.map { path throws(SystemError) in try DocumentRoot(path) } } catch {
            throw .configuration([.init(key: "root", reason: error.description)])
        }
        if root?.walks == true {
            configuration.clusterOptions.logger.log(.warning, .openat2Refused, "openat2 is refused: symbolic links below root are answered with 404")
        }
        let cluster = Cluster(workers: configuration.workerCount, options: configuration.clusterOptions) { worker in
            try onWorkerStart(worker)
            try WorkerService.start(in: worker, routes: routes, root: root, configuration: configuration)
        }
        cluster.describe(endpoints: routes.descriptions)
        cluster.describe(modules: ["Everycore", "EverycoreHTTP"])
        cluster.counts(.init(work: .requests) { "\($0[.requests]) requests, \($0[.connectionsOpen]) connections open" })
        cluster.listen(on: configuration.listenAddresses)
        if let target = configuration.lineTarget {
            do throws(SystemError) { try cluster.writesLines(to: target) } catch {
                throw .configuration([.init(key: "access_log", reason: error.description)])
            }
        }
        addAdmin(to: cluster, identity)
        if configuration.statsd.address != .off {
            cluster.auxiliary(StatsDService.name) { worker in
                StatsDService.start(in: worker, settings: configuration.statsd, server: identity)
            }
        }
        return cluster
    }

    /// The admin worker, where there is an admin address or a control socket.
    private func addAdmin(to cluster: Cluster, _ identity: ServerIdentity) {
        let control = configuration.controlPlace
        guard configuration.adminAddress != nil || control != nil else { return }
        let service = AdminService(configuration: configuration, identity: identity, user: geteuid())
        let addresses = configuration.adminAddress.map { [$0] } ?? []
        if configuration.admin == .automatic {
            cluster.auxiliary("admin", orElsewhere: addresses) { try service.start(in: $0) }
        } else {
            cluster.auxiliary("admin", listen: addresses) { try service.start(in: $0) }
        }
        if let control { cluster.control(at: control, servedBy: "admin") }
    }
}

extension ServerConfiguration {
    /// Which setting says that this address is listened on.
    fileprivate func setting(of address: ListenAddress) -> String {
        if case .path(let path) = control, address == .unix(path: path) { return "control" }
        return address == adminAddress ? "admin" : listen.isEmpty ? "port" : "listen"
    }
}

extension ServerError {
    init(_ error: ClusterError, of configuration: ServerConfiguration) {
        switch error {
        case .portTaken(let address):
            self = .addressTaken(address.description, setting: configuration.setting(of: address))
        case .badWorkerCount: self = .configuration([.init(key: "workers", reason: error.description)])
        case .badCredentials(let key, let reason): self = .configuration([.init(key: key, reason: reason)])
        case .badInheritedSocket: self = .configuration([.init(key: "LISTEN_FDS", reason: error.description)])
        case .cannotListen(let address, _):
            let setting = configuration.setting(of: address)
            self = .cannotListen(["admin", "control"].contains(setting) ? "\(setting): \(error.description)" : error.description)
        case .severalThreads, .badUpgrade, .system, .workersKeepDying: self = .failed(error.description)
        }
    }
}
