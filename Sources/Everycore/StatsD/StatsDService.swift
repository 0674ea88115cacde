// The push to a StatsD receiver: at each interval the figures are asked for, turned into lines and sent. In a process of its own, so that
// neither a worker nor the admin pages depend on it. Datagrams: a receiver that is not there, or doesn't read, costs nothing.
// Process: auxiliary · Thread: loop

internal import CEverycorePosix
internal import Cluster
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

final class StatsDService {
    static let name = "statsd"

    private unowned let worker: Worker
    private let settings: ServerConfiguration.StatsD
    private let server: ServerIdentity
    private var lines: StatsDLines
    private var socket: Int32 = -1
    private var timer: LoopTimer?
    /// The receiver took nothing last time, which was logged.
    private var isUnreachable = false

    /// Datagrams that need not be cut into pieces on an Ethernet.
    private static let udpByteLimit = 1432
    private static let unixByteLimit = 8192

    static func start(in worker: Worker, settings: ServerConfiguration.StatsD, server: ServerIdentity) {
        let service = StatsDService(worker, settings, server)
        service.timer = worker.loop.every(settings.interval) { service.push() }
        // What came since the last push is pushed before the process goes.
        worker.onDrain { done in
            service.timer = nil
            service.push(done)
        }
    }

    private init(_ worker: Worker, _ settings: ServerConfiguration.StatsD, _ server: ServerIdentity) {
        self.worker = worker
        self.settings = settings
        self.server = server
        let byteLimit = if case .path = settings.address { Self.unixByteLimit } else { Self.udpByteLimit }
        lines = StatsDLines(
            prefix: settings.prefix, usesTags: settings.tags, byteLimit: byteLimit,
            // What was counted before this process took another one's place, that one has pushed.
            countsFromNow: worker.generation > 1)
        if worker.generation > 1 { push() }
    }

    private func push(_ done: @escaping () -> Void = {}) {
        worker.requestFigures { [self] figures in
            guard let figures else { return done() }
            worker.requestMetrics { [self] metrics in
                send(lines.datagrams(for: MetricsPage.collect(figures, server: server, metrics: metrics)))
                done()
            }
        }
    }

    private func send(_ datagrams: [[UInt8]]) {
        for datagram in datagrams {
            // The receiver may have been started anew, at another socket.
            guard send(datagram) || (reconnect() && send(datagram)) else {
                if !isUnreachable { worker.logger.log(.warning, .statsdUnreachable, "the StatsD receiver takes nothing", metadata: ["reason": "\(lastError)"]) }
                isUnreachable = true
                return
            }
        }
        isUnreachable = false
    }

    private var lastError = ""

    private func send(_ datagram: [UInt8]) -> Bool {
        guard socket >= 0 || reconnect() else { return false }
        let result = unsafe datagram.withUnsafeBytes { unsafe cposix_send_datagram(socket, $0.baseAddress, $0.count) }
        // A receiver that is slow loses a datagram.
        if result == 0 || errno == EAGAIN || errno == ENOBUFS { return true }
        lastError = SystemError(errno: errno, operation: "send to \(settings.address)").description
        return false
    }

    private func reconnect() -> Bool {
        if socket >= 0 { close(socket) }
        switch settings.address {
        case .address(let host, let port): socket = unsafe cposix_datagram_to(host, UInt16(clamping: port), nil)
        case .path(let path): socket = unsafe cposix_datagram_to("", 0, path)
        case .off: socket = -1
        }
        if socket < 0 { lastError = SystemError(errno: errno, operation: "connect to \(settings.address)").description }
        return socket >= 0
    }
}
