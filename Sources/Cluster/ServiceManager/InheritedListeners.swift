// Listening sockets that the service manager has opened and handed over (sd_listen_fds(3)): descriptors from 3 on, for this
// process only. Runs in the master, before the first fork.
//
// Each is one queue, from which all workers accept: another listener of our own can't share its port, since the kernel lets only
// sockets that all were bound with SO_REUSEPORT do that. The manager keeps its copies, so what waits in a queue waits also
// while the service is down; for the same reason a Unix socket's path stays the manager's.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

package struct InheritedListeners {
    /// Those of the service, in the manager's order. Where there are any, the service opens no others.
    package private(set) var service: [Listener] = []
    /// Those of the auxiliaries, by their index: by their name in the manager's configuration (`FileDescriptorName=admin`), or by
    /// their address.
    package private(set) var auxiliaries: [Int: [Listener]] = [:]

    private static let firstDescriptor: Int32 = 3

    /// Takes over what the environment speaks of, and takes it out of the environment, so that no child does.
    static func take(for auxiliaries: [AuxiliaryPlan], backlog: Int32) throws(ClusterError) -> InheritedListeners {
        let (names, isOurs) = announced()
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsafe unsetenv(name) }
        guard isOurs else { return InheritedListeners() }
        return try InheritedListeners(
            names: names, from: firstDescriptor,
            // One that listens on nothing of its own serves no other socket either.
            auxiliaries: auxiliaries.map { ($0.addresses.isEmpty ? "\0" : $0.name, $0.addresses) }, backlog: backlog)
    }

    private init() {}

    /// - Parameters:
    ///   - names: one for each descriptor, empty for none.
    ///   - first: the first descriptor; the others follow it.
    package init(
        names: [String], from first: Int32, auxiliaries: [(name: String, addresses: [ListenAddress])], backlog: Int32
    ) throws(ClusterError) {
        for (offset, name) in names.enumerated() {
            let listener = try Self.takeOver(first + Int32(clamping: offset), backlog: backlog)
            let owner =
                auxiliaries.firstIndex { $0.name == name }
                ?? auxiliaries.firstIndex { $0.addresses.contains { Self.isSame($0, listener.address) } }
            if let owner { self.auxiliaries[owner, default: []].append(listener) } else { service.append(listener) }
        }
    }

    /// The names of the descriptors, and whether they are meant for this process.
    private static func announced() -> (names: [String], isOurs: Bool) {
        guard let count = ServiceManager.variable("LISTEN_FDS").flatMap({ Int($0) }), (1...1024).contains(count),
            let pid = ServiceManager.variable("LISTEN_PID"), Int32(pid) == getpid()
        else { return ([], false) }
        var names = (ServiceManager.variable("LISTEN_FDNAMES") ?? "").split(separator: ":", omittingEmptySubsequences: false)
            .map(String.init)
        names = Array(names.prefix(count)) + Array(repeating: "", count: max(count - names.count, 0))
        return (names, true)
    }

    private static func takeOver(_ descriptor: Int32, backlog: Int32) throws(ClusterError) -> Listener {
        do throws(SystemError) {
            let type = try systemCall("look at it") { cposix_listening_type(descriptor) }
            guard type == Int32(SOCK_STREAM.rawValue) else { throw SystemError(errno: ESOCKTNOSUPPORT, operation: "use it") }
            let bound = try SocketAddress(boundTo: descriptor)
            guard let address = bound.readable else { throw SystemError(errno: EAFNOSUPPORT, operation: "use it") }
            try systemCall("take it over") { cposix_take_over(descriptor) }
            if case .tcp = address {
                var on: Int32 = 1
                _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
            }
            // Listening again changes the length of the queue alone.
            try systemCall("listen") { listen(descriptor, backlog) }
            return Listener(descriptor: descriptor, address: address)
        } catch {
            throw .badInheritedSocket(descriptor: descriptor, error)
        }
    }

    private static func isSame(_ configured: ListenAddress, _ bound: ListenAddress) -> Bool {
        if configured == bound { return true }
        guard case .tcp(_, let port) = configured, port != 0,
            let one = try? SocketAddress(configured).readable, let other = try? SocketAddress(bound).readable
        else { return false }
        return one == other
    }
}
