// Notifications to the service manager: ready, reloading, stopping, alive, and a line of status (sd_notify(3)). Does nothing where
// NOTIFY_SOCKET isn't set.
// Process: master · Thread: loop
//
// Sends never block: what a full socket refuses is sent again a little later.

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

package final class ServiceManager {
    /// How often the status is sent.
    private static let statusInterval = Duration.seconds(5)
    private static let retryInterval = Duration.milliseconds(100)

    private let loop: EventLoop
    private let path: String
    private let socket: Int32
    private var unsent: [String] = []
    private var retry: LoopTimer?
    private var watchdog: LoopTimer?
    private var statusTimer: LoopTimer?
    private var isReady = false
    private var isReloading = false
    private var isStopping = false
    /// Another process speaks for the service: it has the role, or still has it.
    private var isSilent = false
    private var lastStatus = ""

    /// Nil when no service manager asked for news.
    convenience init?(loop: EventLoop) {
        guard let path = Self.variable("NOTIFY_SOCKET") else { return nil }
        self.init(loop: loop, path: path, watchdog: Self.watchdogLimit())
    }

    /// - Parameters:
    ///   - path: of the manager's socket, or `@` and its abstract name. Other families, such as a virtual machine's vsock, aren't spoken.
    ///   - limit: how long the manager waits for a sign of life.
    package init?(loop: EventLoop, path: String, watchdog limit: Duration?) {
        guard path.hasPrefix("/") || path.hasPrefix("@") else { return nil }
        socket = cposix_datagram_socket()
        guard socket >= 0 else { return nil }
        self.loop = loop
        self.path = path
        if let limit {
            watchdog = loop.every(limit / 2) { [unowned self] in
                // Never queue WATCHDOG=1: a delayed keep-alive would mask a hang.
                if unsent.isEmpty, !isSilent { _ = sendNow("WATCHDOG=1") }
            }
        }
    }

    deinit { close(socket) }

    /// Runs in a worker: only the master speaks for the service.
    func closeInherited() { close(socket) }

    // MARK: The service's life

    /// The service answers: all workers are ready for the first time.
    package func ready(_ status: String) {
        guard !isReady, !isStopping else { return }
        isReady = true
        tellReady(status)
    }

    /// A reload begins; ``reloaded(_:)`` says that it is over, well or not.
    package func reloading() {
        guard !isStopping else { return }
        isReloading = true
        send("RELOADING=1\nMONOTONIC_USEC=\(EventLoop.monotonicNanoseconds() / 1000)\nSTATUS=reloading")
    }

    package func reloaded(_ status: String) {
        guard isReloading, !isStopping else { return }
        isReloading = false
        tellReady(status)
    }

    private func tellReady(_ status: String) {
        lastStatus = status
        send("READY=1\nMAINPID=\(getpid())\nSTATUS=\(status)")
    }

    /// The end begins, and may take so long.
    package func stopping(within limit: Duration) {
        guard !isStopping else { return }
        isStopping = true
        statusTimer = nil
        let microseconds = (limit + .seconds(5)).wholeNanoseconds / 1000
        send("STOPPING=1\nEXTEND_TIMEOUT_USEC=\(microseconds)\nSTATUS=stopping")
    }

    /// Another process is the master from here on: this one's upgrade. It says itself when it is ready.
    package func handOver(to successor: Int32) {
        watchdog = nil
        statusTimer = nil
        // What waits would be said in the successor's name.
        unsent = []
        send("MAINPID=\(successor)")
        isSilent = true
    }

    /// This process isn't the master yet.
    package func keepSilent() { isSilent = true }

    /// This process is the master from here on.
    package func takeOver() { isSilent = false }

    /// Tells the status from time to time, where it has changed.
    func keepTelling(_ status: @escaping () -> String) {
        statusTimer = loop.every(Self.statusInterval) { [unowned self] in
            let text = status()
            guard isReady, !isReloading, !isSilent, unsent.isEmpty, text != lastStatus else { return }
            if sendNow("STATUS=\(text)") { lastStatus = text }
        }
    }

    // MARK: Sending

    private func send(_ message: String) {
        guard !isSilent else { return }
        if unsent.isEmpty, sendNow(message) { return }
        // A manager that takes none of the few messages that there are will not miss the oldest.
        if unsent.count == 16 { unsent.removeFirst() }
        unsent.append(message)
        scheduleRetry()
    }

    private func scheduleRetry() {
        retry = loop.after(Self.retryInterval) { [unowned self] in
            retry = nil
            while let next = unsent.first, sendNow(next) { unsent.removeFirst() }
            if !unsent.isEmpty { scheduleRetry() }
        }
    }

    /// False when it is worth trying again.
    private func sendNow(_ message: String) -> Bool {
        let bytes = Array(message.utf8)
        let result = unsafe bytes.withUnsafeBytes { unsafe cposix_send_to_path(socket, path, $0.baseAddress, $0.count) }
        if result == 0 { return true }
        // Others mean that no manager is there to miss the message.
        return errno != EAGAIN && errno != ENOBUFS && errno != ENOMEM
    }

    // MARK: The environment

    /// Takes what is meant for the master out of this process's environment: programs that a worker starts would speak for it.
    static func forget() {
        for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
            unsafe unsetenv(name)
        }
    }

    /// How long the manager waits for a sign of life, where it does, and of this process (sd_watchdog_enabled(3)).
    private static func watchdogLimit() -> Duration? {
        guard let text = variable("WATCHDOG_USEC"), let microseconds = Int64(text), microseconds >= 2 else { return nil }
        if let pid = variable("WATCHDOG_PID"), Int32(pid) != getpid() { return nil }
        return .microseconds(microseconds)
    }

    static func variable(_ name: String) -> String? {
        guard let value = unsafe getenv(name), unsafe value.pointee != 0 else { return nil }
        return unsafe String(cString: value)
    }
}
