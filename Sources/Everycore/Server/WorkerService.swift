// One worker's service: its listeners, the HTTP layer behind them, the application behind that, and how they drain.
//
// Runs in a worker or the admin worker, once, right after the fork.

internal import Cluster
internal import EverycoreHTTP
internal import Glibc

enum WorkerService {
    /// Starts to serve. The service lives until the worker has drained, which ends the process.
    /// - Parameter root: of static files, opened before the fork.
    static func start(
        in worker: Worker, routes: BuiltRoutes, root: DocumentRoot? = nil, configuration: ServerConfiguration
    ) throws {
        let context = makeContext(of: worker, blackBox: worker.blackBox, endpoints: worker.endpoints)
        context.quarantine = worker.quarantineGate.map { gate in
            Quarantine(
                gate: gate, move: { [unowned worker] in worker.move($0, $1, readAt: $2) },
                refused: { [unowned worker] in worker.noteQuarantineRefusal() })
        }
        let application = RoutedApplication(
            routes: routes, context: context, bodyLimit: configuration.limits.body,
            files: root.map { StaticFiles(root: $0, settings: configuration.files) },
            compressor: ResponseCompressor(configuration.compression))
        var connectionLimits = configuration.connectionLimits
        // A few contents of the size that is allowed fit in any case.
        connectionLimits.heldMemory = max(worker.memoryShare, 16 << 20, UInt64(clamping: configuration.limits.body) &* 4)
        let service = HTTPService(
            loop: worker.loop, application: application, limits: configuration.httpLimits,
            timeouts: configuration.connectionTimeouts, connectionLimits: connectionLimits,
            figures: worker.figures)
        service.handlerTimedOut = { application.timedOut($0) }
        if let lines = worker.lines {
            let name = worker.isQuarantine ? "quarantine" : "\(worker.slot)"
            service.accessLog = AccessLog(
                configuration.accessLogSettings, worker: name, generation: worker.generation, figures: worker.figures, sink: lines)
        }
        service.acceptingPaused = { [unowned worker] isAtLimit in
            worker.pausesAccepting(because: isAtLimit ? .connectionLimit : .noDescriptors)
        }
        if worker.isQuarantine {
            service.connectionEnded = { [unowned worker] _ in worker.movedConnectionEnded() }
            service.giveAway(to: { [unowned worker] connection in worker.giveBack(connection) })
        } else {
            service.handOver = { [unowned worker] connection in worker.handOver(connection) }
            service.connectionEnded = { [unowned worker] isShort in worker.connectionEnded(afterShortLife: isShort) }
            service.excess = (
                { [unowned worker] in worker.excessConnections }, { [unowned worker] connection in worker.passOn(connection) }
            )
        }
        try worker.serveConnections(with: HTTPConnections(service))
        worker.onLameDuck { context.isLameDuck = true }
        worker.onDrain { [unowned worker] done in
            // The cluster releases this closure after the call; the service must outlive it.
            let finish = { withExtendedLifetime(service) { done() } }
            if worker.isQuarantine, worker.isHandingOver {
                // The quarantine worker's connections go back with their responses.
                service.drain(to: { worker.giveBack($0) }, finish)
            } else if worker.isHandingOver {
                // A hand-over ends no connection: `/ready` answers 200, and connections stay open.
                // An auxiliary has no siblings to hand over to.
                service.drain(to: { worker.isHandingOver && !worker.isAuxiliary ? worker.passOn($0) : nil }, finish)
            } else {
                context.isDraining = true
                service.drain(acceptedAll: { [unowned worker] in worker.closeListeners() }, finish)
            }
        }
    }
}

extension WorkerService {
    /// Starts to serve the control socket, beside what this process serves otherwise, and in the same way.
    /// - Parameter permits: whether a connection may be served.
    static func startControl(
        in worker: Worker, routes: BuiltRoutes, configuration: ServerConfiguration, permits: @escaping (Int32) -> Bool
    ) throws {
        let context = makeContext(of: worker, blackBox: nil, endpoints: nil)
        let service = HTTPService(
            loop: worker.loop, application: RoutedApplication(routes: routes, context: context, bodyLimit: configuration.limits.body),
            limits: configuration.httpLimits, timeouts: configuration.connectionTimeouts, connectionLimits: configuration.connectionLimits,
            figures: worker.figures)
        service.handOver = { [unowned worker] connection in
            if permits(connection) { return worker.handOver(connection) }
            refuse(connection)
            return true
        }
        try worker.serveControl(with: HTTPConnections(service))
        worker.onLameDuck { context.isLameDuck = true }
        worker.onDrain { [unowned worker] done in
            if worker.isHandingOver { return service.drain(to: { _ in nil }, { withExtendedLifetime(service) { done() } }) }
            context.isDraining = true
            // The socket is the other service's to close where there is one, and ends with the process.
            service.drain(acceptedAll: {}, { withExtendedLifetime(service) { done() } })
        }
    }

    private static func makeContext(of worker: Worker, blackBox: BlackBox?, endpoints: EndpointTable?) -> WorkerContext {
        WorkerContext(
            worker: WorkerIdentity(slot: worker.slot, generation: worker.generation, pid: worker.pid),
            loop: worker.loop, log: worker.logger, blackBox: blackBox, endpoints: endpoints)
    }

    /// A connection of another user's. The answer fits into a socket that nothing was written to.
    private static func refuse(_ connection: Int32) {
        let text = "only root and the user who started the service may use its control socket\n"
        let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
        let answer = "\(head)Content-Length: \(text.utf8.count)\r\n\r\n\(text)"
        _ = unsafe Array(answer.utf8).withUnsafeBytes { unsafe send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        shutdown(connection, Int32(SHUT_WR))
        close(connection)
    }
}
/// What waits in the worker's ring is written by another process.
extension LineProducer: LineSink {}

/// The cluster's view of the HTTP layer, which has no notion of processes.
private final class HTTPConnections: MovedConnectionService {
    private let service: HTTPService

    init(_ service: HTTPService) { self.service = service }

    func startAccepting(from listener: Listener) throws { try service.serve(listener: listener.descriptor) }

    func stopAccepting(from listener: Listener) { service.stopServing(listener: listener.descriptor) }

    func take(_ connection: Int32, isNew: Bool) { service.take(connection, isNew: isNew) }

    func take(_ connection: Int32, bytes: [UInt8], readAt: UInt64) {
        service.take(connection, isNew: false, bytes: bytes, readAt: readAt)
    }
}
