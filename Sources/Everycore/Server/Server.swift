// What an application begins with: its settings, its routes, and `run`, which makes the process the master of a cluster.
//
// Made and run in the process that becomes the master. The routes are built here, before the fork, so that a
// mistake in them ends the program before anything listens; the handlers run in the workers.

internal import Cluster
internal import EventLoop
internal import Glibc
internal import Statistics

/// An HTTP server on every core.
///
/// ```swift
/// try Server { routes in
///     routes.get("/hello/:name") { request in
///         .text("Hello, \(request.parameters["name"] ?? "nobody")")
///     }
/// }
/// .run()
/// ```
///
/// Until ``run()`` has forked its workers the process must have a single thread: start no `Task` and no library with threads of
/// its own before. Handlers may do all of that; each worker is a process of its own with its own copy of what they capture.
public struct Server {
    /// What the banner, `everycore --version` and the admin pages say.
    package static let version = "0.1.0"

    public let configuration: ServerConfiguration
    private let routes: BuiltRoutes

    /// - Parameters:
    ///   - configuration: the settings; the defaults when it is left out. No file and no environment is read.
    ///   - routes: registers the application's routes. The built-in ones are added where no other route is, unless the
    ///     configuration turns them off.
    /// - Throws: ``ServerError/configuration(_:)``, ``RouteErrors``, or what the closure throws.
    public init(
        configuration: ServerConfiguration = ServerConfiguration(), routes: (inout Routes) throws -> Void = { _ in }
    ) throws {
        let problems = configuration.problems()
        guard problems.isEmpty else { throw ServerError.configuration(problems) }
        var registered = Routes()
        try routes(&registered)
        if configuration.routes.builtin { registered.addBuiltIn(hasFiles: configuration.root != nil) }
        self.configuration = configuration
        self.routes = try registered.built()
    }

    /// Makes this process the master of the workers, until a signal ends it. Returns after an orderly stop: then all workers
    /// are gone. In the workers it never returns.
    ///
    /// TERM and INT drain, a second one leaves at once, as QUIT does.
    /// - Throws: why it didn't start or couldn't go on.
    public func run() throws(ServerError) {
        let identity = ServerIdentity(
            name: "everycore", version: Self.version, startedUnixSeconds: UInt64(clamping: time(nil)))
        let (configuration, routes) = (configuration, routes)
        let root: DocumentRoot?
        do throws(SystemError) { root = try configuration.root.map { path throws(SystemError) in try DocumentRoot(path) } } catch {
            throw .configuration([.init(key: "root", reason: error.description)])
        }
        let cluster = Cluster(workers: configuration.workerCount, options: configuration.clusterOptions) { worker in
            try WorkerService.start(in: worker, routes: routes, root: root, configuration: configuration)
        }
        cluster.listen(on: configuration.listenAddresses)
        if let admin = configuration.adminAddress {
            cluster.auxiliary("admin", listen: [admin]) { worker in
                var pages = Routes()
                pages.addAdmin(server: identity) { worker.requestFigures($0) }
                try WorkerService.start(in: worker, routes: try pages.built(), configuration: configuration)
            }
        }
        if !configuration.quiet {
            cluster.onStart { print(Banner(start: $0).text(as: configuration.logFormat)) }
        }
        do throws(ClusterError) {
            try cluster.run()
        } catch {
            throw ServerError(error)
        }
    }
}

extension ServerError {
    init(_ error: ClusterError) {
        switch error {
        case .portTaken(let address): self = .addressTaken(address.description)
        case .badWorkerCount: self = .configuration([.init(key: "workers", reason: error.description)])
        case .badCredentials(let key, let reason): self = .configuration([.init(key: key, reason: reason)])
        case .badInheritedSocket: self = .configuration([.init(key: "LISTEN_FDS", reason: error.description)])
        case .cannotListen: self = .cannotListen(error.description)
        case .severalThreads, .system, .workersKeepDying: self = .failed(error.description)
        }
    }
}
