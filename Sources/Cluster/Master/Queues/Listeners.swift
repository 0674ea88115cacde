// Opens every listening socket of the cluster. Runs in the master, before the first fork; the master owns what it opens.
//
// Several workers share a TCP port through SO_REUSEPORT, one listener for each slot (socket(7)). The same option would
// let another program of the same user share it unnoticed, so a first bind without it finds out whether the port is
// taken. Between that socket's end and our own bind another program could still slip in; it would have to run as the
// same user and to ask for SO_REUSEPORT, and the kernel offers no way to exclude it.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

package struct Listeners {
    /// For each slot, one for each address; also for slots that are not in use, whose TCP sockets are bound and don't listen. So
    /// every worker has every listener from its birth, and no other program can take a socket's place later.
    package internal(set) var ofSlots: [[Listener]] = []
    /// For each auxiliary, by its index.
    package internal(set) var ofAuxiliaries: [[Listener]] = []
    /// TCP sockets that all slots share: the service manager's, and all where the system has no SO_REUSEPORT.
    var inheritedDescriptors: Set<Int32> = []
    /// The paths of Unix sockets that this cluster has bound.
    var socketFiles: [SocketFile] = []
    /// How each descriptor's socket should be set.
    var settings: [Int32: cposix_listener_settings] = [:]
    let backlog: Int32
    /// How many slots listen; those behind don't.
    var listening: Int
    let access: SocketAccess
    /// The control socket, which is the last listener of its auxiliary.
    var control: ControlSeat?
    /// Addresses that were taken, and what the auxiliary listens on in their place: nil for nothing.
    private(set) var replaced: [(wanted: ListenAddress, opened: ListenAddress?)] = []

    /// - Parameters:
    ///   - slots: how many listen from the start.
    ///   - capacity: how many may be in use later.
    ///   - yielding: the auxiliaries that listen on another port where theirs is taken.
    package init(
        addresses: [ListenAddress], slots: Int, capacity: Int = 0, auxiliaries: [[ListenAddress]], yielding: Set<Int> = [],
        backlog: Int32, access: SocketAccess = SocketAccess()
    ) throws(ClusterError) {
        self.backlog = backlog
        self.access = access
        listening = slots
        ofSlots = Array(repeating: [], count: max(slots, capacity))
        do throws(ClusterError) {
            for address in addresses {
                // On Linux `::` takes the IPv4 connections too, unless they have a listener of their own.
                let isShared = addresses.contains { $0 != address && $0.port == address.port }
                try openForSlots(address, onlyIPv6: isShared)
            }
            for (index, addresses) in auxiliaries.enumerated() {
                var listeners: [Listener] = []
                for address in addresses {
                    if yielding.contains(index) {
                        if let listener = openYielding(address) { listeners.append(listener) }
                    } else {
                        listeners.append(try open(address, isShared: false))
                    }
                }
                ofAuxiliaries.append(listeners)
            }
            noteSettings()
        } catch {
            close()
            throw error
        }
    }

    var all: [Listener] { (ofSlots + ofAuxiliaries).flatMap { $0 } }

    /// The addresses of the service with their real ports.
    package var addresses: [ListenAddress] { (ofSlots.first ?? []).map(\.address) }

    /// Closes the master's copies of the workers' listeners: when a worker closes its own, its queue is gone.
    /// The paths of Unix sockets go first: another server may make its own there while this one drains.
    mutating func closeThoseOfSlots() {
        let paths = Set(ofSlots.joined().map(\.address))
        removeFiles { paths.contains(.unix(path: $0.path)) }
        for descriptor in Set(ofSlots.joined().map(\.descriptor)) { _ = Glibc.close(descriptor) }
        ofSlots = []
    }

    /// Closes the master's descriptors and removes the paths of Unix sockets.
    package mutating func close() {
        removeFiles { _ in true }
        for descriptor in Set(all.map(\.descriptor)) { _ = Glibc.close(descriptor) }
        ofSlots = []
        ofAuxiliaries = []
    }

    /// Those only that are still this cluster's: another server may have taken the path.
    private mutating func removeFiles(where isMeant: (SocketFile) -> Bool) {
        for file in socketFiles where isMeant(file) { file.remove() }
        socketFiles.removeAll(where: isMeant)
    }

    /// Has the slots before `count` listen, too. Once a listener has begun, it listens for as long as the cluster.
    package mutating func listen(slots count: Int) throws(ClusterError) {
        while listening < min(count, ofSlots.count) {
            for listener in own(listening) {
                do throws(SystemError) {
                    try systemCall("listen") { Glibc.listen(listener.descriptor, backlog) }
                } catch {
                    throw .cannotListen(listener.address, error)
                }
            }
            listening += 1
        }
    }

    /// The slot's listeners: those that no other slot has, or all.
    func own(_ slot: Int, all: Bool = false) -> [Listener] {
        guard ofSlots.indices.contains(slot) else { return [] }
        return all ? ofSlots[slot] : ofSlots[slot].filter { !isShared($0) }
    }

    /// Those from which every slot accepts.
    var shared: [Listener] { (ofSlots.first ?? []).filter(isShared) }

    private func isShared(_ listener: Listener) -> Bool {
        listener.address.port == nil || inheritedDescriptors.contains(listener.descriptor)
    }

    /// Whether connections can wait in the slot's queues.
    func listens(_ slot: Int) -> Bool { slot < listening && ofSlots.indices.contains(slot) }

    /// Another port of the host where this one can't be had, and nothing where there is none: what nobody asked for keeps no service from
    /// starting.
    private mutating func openYielding(_ address: ListenAddress) -> Listener? {
        do throws(ClusterError) { return try open(address, isShared: false) } catch {
            var listener: Listener?
            if case .tcp(let host, _) = address { listener = try? open(.tcp(host: host, port: 0), isShared: false) }
            replaced.append((address, listener?.address))
            return listener
        }
    }

    private mutating func openForSlots(_ address: ListenAddress, onlyIPv6: Bool) throws(ClusterError) {
        guard case .tcp(let host, let port) = address else {
            // The kernel has no SO_REUSEPORT for Unix sockets: all slots accept from one queue.
            let listener = try open(address, isShared: false)
            for slot in ofSlots.indices { ofSlots[slot].append(listener) }
            return
        }
        guard cposix_has_reuse_port() != 0 else {
            let listener = try open(address, isShared: false, onlyIPv6: onlyIPv6)
            inheritedDescriptors.insert(listener.descriptor)
            for slot in ofSlots.indices { ofSlots[slot].append(listener) }
            return
        }
        if port != 0 { try probe(address, onlyIPv6: onlyIPv6) }
        var bound = address
        for slot in ofSlots.indices {
            let listener = try open(bound, isShared: true, onlyIPv6: onlyIPv6, listens: slot < listening)
            ofSlots[slot].append(listener)
            bound = .tcp(host: host, port: listener.address.port ?? port)
        }
    }

    private func probe(_ address: ListenAddress, onlyIPv6: Bool) throws(ClusterError) {
        let descriptor = try bindAndListen(address, isShared: false, onlyIPv6: onlyIPv6).descriptor
        _ = Glibc.close(descriptor)
    }

    mutating func open(
        _ address: ListenAddress, isShared: Bool, onlyIPv6: Bool = false, listens: Bool = true
    ) throws(ClusterError) -> Listener {
        guard case .unix(let path) = address else {
            return try bindAndListen(address, isShared: isShared, onlyIPv6: onlyIPv6, listens: listens)
        }
        do throws(SystemError) {
            let (descriptor, file) = try openSocket(at: path, access: access, waitsForLock: true)
            socketFiles.append(file)
            return Listener(descriptor: descriptor, address: address)
        } catch {
            throw error.errno == EADDRINUSE ? .portTaken(address) : .cannotListen(address, error)
        }
    }

    func openSocket(at path: String, access: SocketAccess, waitsForLock: Bool) throws(SystemError) -> (descriptor: Int32, file: SocketFile) {
        let descriptor = try systemCall("socket") { cposix_stream_socket(AF_UNIX) }
        cposix_lock_filter(descriptor)
        do throws(SystemError) {
            return (descriptor, try SocketFile.bind(descriptor, to: path, access: access, backlog: backlog, waitsForLock: waitsForLock))
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }

    private func bindAndListen(
        _ address: ListenAddress, isShared: Bool, onlyIPv6: Bool, listens: Bool = true
    ) throws(ClusterError) -> Listener {
        var descriptor: Int32 = -1
        do throws(SystemError) {
            let socketAddress = try SocketAddress(address)
            descriptor = try systemCall("socket") { cposix_stream_socket(socketAddress.family) }
            cposix_lock_filter(descriptor)
            // Where the system refuses it, a port that was just in use is taken for a minute.
            try? set(SOL_SOCKET, SO_REUSEADDR, 1, on: descriptor)
            if isShared { try set(SOL_SOCKET, SO_REUSEPORT, 1, on: descriptor) }
            if socketAddress.family == AF_INET6 {
                try? set(Int32(IPPROTO_IPV6), IPV6_V6ONLY, onlyIPv6 ? 1 : 0, on: descriptor)
            }
            // Accepted connections inherit it (tcp(7)), which saves a system call for each. Without it answers come later, that is all.
            try? set(Int32(IPPROTO_TCP), TCP_NODELAY, 1, on: descriptor)
            try socketAddress.bind(descriptor)
            if listens { try systemCall("listen") { Glibc.listen(descriptor, backlog) } }
            guard case .tcp(let host, _) = address else { return Listener(descriptor: descriptor, address: address) }
            let port = try SocketAddress(boundTo: descriptor).port
            return Listener(descriptor: descriptor, address: .tcp(host: host, port: port))
        } catch {
            if descriptor >= 0 { _ = Glibc.close(descriptor) }
            throw error.errno == EADDRINUSE ? .portTaken(address) : .cannotListen(address, error)
        }
    }

    private func set(_ level: Int32, _ option: Int32, _ value: Int32, on descriptor: Int32) throws(SystemError) {
        var value = value
        try systemCall("setsockopt \(option)") {
            unsafe setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }
}
