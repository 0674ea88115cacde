// The admin worker: the admin pages on an address, and on the control socket the same pages and the orders. Two services that share nothing but
// the loop: clients of the address can take up all of its connections, and an operator still gets through.
// Process: admin · Thread: loop

internal import CEverycorePosix
internal import Cluster
internal import EverycoreHTTP
internal import EverycoreStatistics
internal import Glibc

struct AdminService {
    let configuration: ServerConfiguration
    let identity: ServerIdentity
    /// Who started the service: the master's user.
    let user: UInt32

    /// Connections of the address at a time. Where more come, those that have been idle for longest go.
    private static let connectionLimit = 512
    private static let controlConnectionLimit = 64

    /// Runs in the admin worker.
    func start(in worker: Worker) throws {
        var identity = identity
        identity.pid = getppid()
        identity.listening = worker.serviceAddresses.map(\.description)
        identity.control = worker.controlAddress?.description ?? "off"
        let live = LiveFigures(server: identity, history: worker.history, on: worker.loop) { worker.requestFigures($0) }
        worker.onDrain { done in
            live.stop()
            done()
        }
        func addPages(to routes: inout Routes) {
            routes.addAdmin(
                server: identity, figures: { worker.requestFigures($0) }, metrics: worker.countsMetrics ? { worker.requestMetrics($0) } : nil,
                stacks: { worker.requestStacks($0) })
            routes.addDashboard(live)
        }
        if configuration.adminAddress != nil {
            var pages = Routes()
            if case .tcp? = configuration.adminAddress {
                pages.group(with: HostCheck(names: configuration.adminHosts)) { addPages(to: &$0) }
            } else {
                addPages(to: &pages)
            }
            try WorkerService.start(in: worker, routes: try pages.built(), configuration: settings(connections: connectionLimit))
        }
        guard worker.controlAddress != nil else { return }
        var orders = Routes()
        addPages(to: &orders)
        orders.addControl { order, connection, progress, done in worker.order(order, of: connection, progress: progress, done: done) }
        try WorkerService.startControl(
            in: worker, routes: try orders.built(), configuration: settings(connections: Self.controlConnectionLimit),
            permits: { [user] in Self.permits($0, user) })
    }

    /// The admin pages go by the defaults and not by what is set for the service's clients: a small limit there must not keep an operator out.
    private func settings(connections: Int) -> ServerConfiguration {
        var settings = ServerConfiguration()
        settings.compression = configuration.compression
        settings.timeouts.drain = configuration.timeouts.drain
        // Events and orders take their time.
        settings.timeouts.handler = nil
        settings.limits.body = 65_536
        settings.limits.connections = connections
        return settings
    }

    /// The half of the descriptors that this process can have, where that is less.
    private var connectionLimit: Int {
        var (soft, hard) = (0, 0)
        guard unsafe cposix_open_file_limits(&soft, &hard) == 0 else { return Self.connectionLimit }
        return max(min(Self.connectionLimit, max(soft, hard) / 2), 1)
    }

    /// Whether a connection to the control socket is root's or the user's who started the service. Others reach it only where it has no file.
    private static func permits(_ connection: Int32, _ user: UInt32) -> Bool {
        var peer = cposix_peer()
        guard unsafe cposix_peer_of(connection, &peer) == 0 else { return false }
        return peer.user == 0 || peer.user == user
    }
}
