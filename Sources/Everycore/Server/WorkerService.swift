// One worker's service: its listeners, the HTTP layer behind them, the application behind that, and how they drain.
//
// Runs in a worker or the admin worker, once, right after the fork.

internal import Cluster
internal import EverycoreHTTP

enum WorkerService {
    /// Starts to serve. The service lives until the worker has drained, which ends the process.
    /// - Parameter root: of static files, opened before the fork.
    static func start(
        in worker: Worker, routes: BuiltRoutes, root: DocumentRoot? = nil, configuration: ServerConfiguration
    ) throws {
        let context = WorkerContext(
            worker: WorkerIdentity(slot: worker.slot, generation: worker.generation, pid: worker.pid),
            loop: worker.loop, log: worker.logger, blackBox: worker.blackBox)
        let application = RoutedApplication(
            routes: routes, context: context, bodyLimit: configuration.limits.body,
            files: root.map { StaticFiles(root: $0, settings: configuration.files) },
            compressor: ResponseCompressor(configuration.compression))
        let service = HTTPService(
            loop: worker.loop, application: application, limits: configuration.httpLimits,
            timeouts: configuration.connectionTimeouts, connectionLimits: configuration.connectionLimits,
            figures: worker.figures)
        service.handOver = { [unowned worker] connection in worker.handOver(connection) }
        service.acceptingPaused = { [unowned worker] isAtLimit in
            worker.pausesAccepting(because: isAtLimit ? .connectionLimit : .noDescriptors)
        }
        service.connectionEnded = { [unowned worker] isShort in worker.connectionEnded(afterShortLife: isShort) }
        service.excess = (
            { [unowned worker] in worker.excessConnections }, { [unowned worker] connection in worker.passOn(connection) }
        )
        try worker.serveConnections(with: HTTPConnections(service))
        worker.onLameDuck { context.isLameDuck = true }
        worker.onDrain { [unowned worker] done in
            // The cluster lets go of this closure when it has called it; the service has to outlive that.
            let finish = { withExtendedLifetime(service) { done() } }
            if worker.isHandingOver {
                // To clients nothing ends: `/ready` says yes, and answers keep their connections.
                // An auxiliary's are its own.
                service.drain(to: { worker.isHandingOver && !worker.isAuxiliary ? worker.passOn($0) : nil }, finish)
            } else {
                context.isDraining = true
                service.drain(finish)
                worker.closeListeners()
            }
        }
    }
}

/// The HTTP layer, which knows no processes, as the cluster knows it.
private final class HTTPConnections: ConnectionService {
    private let service: HTTPService

    init(_ service: HTTPService) { self.service = service }

    func startAccepting(from listener: Listener) throws { try service.serve(listener: listener.descriptor) }

    func stopAccepting(from listener: Listener) { service.stopServing(listener: listener.descriptor) }

    func take(_ connection: Int32, isNew: Bool) { service.take(connection, isNew: isNew) }
}
