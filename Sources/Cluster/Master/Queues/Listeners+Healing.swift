// Listeners that no longer listen: any worker can shut down a socket that all have, and any program can remove a path. The master
// notices, and brings the listener back. What a worker's own copy stands for is the worker's affair (ListenerKeeper.swift).
// Process: master · Thread: loop

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

extension Listeners {
    /// Those that should listen now.
    var listeningNow: [Listener] {
        var seen: Set<Listener> = []
        return (ofSlots.prefix(listening) + ofAuxiliaries).joined().filter { seen.insert($0).inserted }
    }

    /// Those of them that don't: shut down, or disconnected.
    package var ended: [Listener] {
        let all = listeningNow
        var requests = all.map { pollfd(fd: $0.descriptor, events: Int16(cposix_poll_ended), revents: 0) }
        guard unsafe poll(&requests, nfds_t(requests.count), 0) > 0 else { return [] }
        return zip(all, requests).filter { $1.revents != 0 }.map(\.0)
    }

    package enum Healing: Equatable {
        /// The same socket listens again, in every process.
        case listensAgain
        /// Another socket has its number in the master; living workers need it sent.
        case replaced
        /// The service manager's path is none of ours.
        case notOurs
        /// Another program has the path now.
        case pathTaken
    }

    /// Brings a listener back that has ended, or whose path is missing.
    /// - Parameter whenReplaced: runs before another socket gets the listener's number.
    package mutating func heal(_ listener: Listener, whenReplaced: () -> Void = {}) throws(SystemError) -> Healing {
        guard case .unix(let path) = listener.address else {
            try listenAgain(listener)
            return .listensAgain
        }
        guard let index = socketFiles.firstIndex(where: { $0.path == path }) else { return .notOurs }
        switch socketFiles[index].state {
        case .ours: socketFiles[index].remove()
        case .missing: break
        case .taken: return .pathTaken
        }
        let made: (descriptor: Int32, file: SocketFile)
        do throws(SystemError) {
            made = try openSocket(at: path, access: listener.address == control?.address ? Self.controlAccess : access, waitsForLock: false)
        } catch {
            if error.errno == EADDRINUSE || error.errno == EEXIST { return .pathTaken }
            throw error
        }
        defer { _ = Glibc.close(made.descriptor) }
        whenReplaced()
        try systemCall("replace a listener") { cposix_replace_descriptor(made.descriptor, listener.descriptor) }
        socketFiles[index] = made.file
        return .replaced
    }

    /// Shutting a TCP listener down takes it back to before listen(2), and to before bind(2) where the kernel had chosen the port.
    private func listenAgain(_ listener: Listener) throws(SystemError) {
        var address = try SocketAddress(boundTo: listener.descriptor)
        if let port = listener.address.port { address.port = port }
        do throws(SystemError) {
            try address.bind(listener.descriptor)
        } catch {
            // It is bound.
            guard error.errno == EINVAL else { throw error }
        }
        try systemCall("listen") { Glibc.listen(listener.descriptor, backlog) }
        restoreSettings(of: listener)
    }

    /// Takes down how listeners are set, before any other process has them.
    mutating func noteSettings() {
        for listener in all where settings[listener.descriptor] == nil {
            var noted = cposix_listener_settings()
            unsafe cposix_note_listener(listener.descriptor, &noted)
            settings[listener.descriptor] = noted
        }
    }

    /// A listener's settings belong to all processes that have it, and accepted connections inherit them: what one process has changed is
    /// put right. About fifteen system calls.
    /// - Returns: the names of those that were otherwise. The backlog is set without a look, since the kernel doesn't tell it.
    @discardableResult
    package func restoreSettings(of listener: Listener) -> [String] {
        _ = Glibc.listen(listener.descriptor, backlog)
        guard var noted = settings[listener.descriptor] else { return [] }
        let restored = unsafe cposix_restore_listener(listener.descriptor, &noted)
        guard restored != 0 else { return [] }
        return (0..<UInt32.bitWidth).map { UInt32(1) << $0 }.filter { restored & $0 != 0 }
            .map { unsafe String(cString: cposix_listener_setting_name($0)) }
    }
}
