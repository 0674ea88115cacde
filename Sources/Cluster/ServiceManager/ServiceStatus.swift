// When which notification goes to the service manager: the master's side of ServiceManager. Does nothing without NOTIFY_SOCKET.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

final class ServiceStatus {
    private let context: MasterContext
    private let pool: WorkerPool
    private let figures: FiguresCollector
    private let reconciler: Reconciler
    private let manager: ServiceManager?

    init(_ context: MasterContext, pool: WorkerPool, figures: FiguresCollector, reconciler: Reconciler, start: MasterStart) {
        self.context = context
        self.pool = pool
        self.figures = figures
        self.reconciler = reconciler
        manager = ServiceManager(loop: context.loop)
        // The master before this one is in charge for now.
        if start.state != nil { manager?.keepSilent() }
    }

    func closeInherited() { manager?.closeInherited() }

    func start() { manager?.keepTelling { [unowned self] in text() } }

    /// HUP has come. For a reload that is refused too: the manager waits for the answer to its signal.
    func reloading() { manager?.reloading() }

    /// The reload is over, well or not: what runs serves.
    func reloaded() { manager?.reloaded(text()) }

    /// A worker is ready. Tells it the first time that all are.
    func workerReady() {
        guard let manager, pool.readyWorkerCount == reconciler.workerCount, !context.holdsConnections else { return }
        manager.ready(text())
    }

    func stopping(within limit: Duration) { manager?.stopping(within: limit) }

    /// This process is in charge from here on.
    func takeOver() { manager?.takeOver() }

    func handOver(to successor: Int32) { manager?.handOver(to: successor) }

    private func text() -> String {
        let current = figures.current()
        let service = context.plan.service.map { "\($0.summary(current.total)), " } ?? ""
        return "\(pool.readyWorkerCount) of \(reconciler.workerCount) workers ready, \(service)\(current.restarts) restarts"
    }
}

extension InheritedListeners {
    /// The service manager's sockets stand in for configured addresses: said once, since the configuration then says otherwise.
    func note(in context: MasterContext) {
        guard !service.isEmpty else { return }
        let used = service.map(\.address)
        let unused = context.plan.addresses.filter { !used.contains($0) }
        var details: Logger.Metadata = ["listening": "\(used.map(\.description).joined(separator: " "))"]
        if !unused.isEmpty { details["not_opened"] = "\(unused.map(\.description).joined(separator: " "))" }
        context.log(.info, .socketsActivated, "using the service manager's sockets", details)
    }
}
