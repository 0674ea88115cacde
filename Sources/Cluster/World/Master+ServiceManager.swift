// When the service manager hears what. Runs in the master.

internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

extension Master {
    /// HUP has come. For a reload that is refused too: the manager waits for the answer to its signal.
    func tellReloading() { serviceManager?.reloading() }

    /// The reload is over, well or not: what runs serves.
    func tellReloaded() { serviceManager?.reloaded(serviceStatus()) }

    /// The first time that all workers are ready.
    func tellReadiness() {
        guard let serviceManager, readyWorkers == workerCount, !holdsConnections else { return }
        serviceManager.ready(serviceStatus())
    }

    func keepTellingStatus() {
        serviceManager?.keepTelling { [unowned self] in serviceStatus() }
    }

    func tellStopping(within limit: Duration) { serviceManager?.stopping(within: limit) }

    /// The service manager's sockets stand in for configured addresses: said once, since the configuration then says otherwise.
    func noteInherited(_ inherited: InheritedListeners) {
        guard !inherited.service.isEmpty else { return }
        let used = inherited.service.map(\.address)
        let unused = plan.addresses.filter { !used.contains($0) }
        var details: Logger.Metadata = ["listening": "\(used.map(\.description).joined(separator: " "))"]
        if !unused.isEmpty { details["not_opened"] = "\(unused.map(\.description).joined(separator: " "))" }
        log(.info, .socketsActivated, "using the service manager's sockets", details)
    }

    private var readyWorkers: Int { children.values.count { $0.role.isWorker && $0.phase == .ready } }

    private func serviceStatus() -> String {
        let figures = currentFigures()
        return "\(readyWorkers) of \(workerCount) workers ready, \(figures.total[.requests]) requests, "
            + "\(figures.total[.connectionsOpen]) connections open, \(figures.restarts) restarts"
    }
}
