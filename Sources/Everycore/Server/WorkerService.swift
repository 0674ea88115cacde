// One worker's service: its listeners, the HTTP layer behind them, the application behind that, and how they drain.
//
// Runs in a worker or the admin worker, once, right after the fork.

internal import Cluster
internal import HTTP

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
        for listener in worker.listeners { try service.serve(listener: listener.descriptor) }
        worker.onLameDuck { context.isLameDuck = true }
        worker.onDrain { done in
            context.isDraining = true
            // The cluster lets go of this closure when it has called it; the service has to outlive that.
            service.drain { withExtendedLifetime(service) { done() } }
            worker.closeListeners()
        }
    }
}
