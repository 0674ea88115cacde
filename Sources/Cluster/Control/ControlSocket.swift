// Opens the control socket: where the plan says, or in the first usual place where one can be. Runs in the master, before the first fork.
// Process: master · Thread: before the loop

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc
internal import Logging

/// A control socket as it is described.
struct ControlPlan: Equatable {
    let place: ControlPlace
    /// The name of the auxiliary that serves it.
    let auxiliary: String
}

extension ListenAddress {
    /// A Unix socket without a file.
    static func abstract(_ name: String) -> ListenAddress { .unix(path: "\0\(name)") }
}

extension Listeners {
    /// Those who may order are root and the master's user: for no other is the file writable.
    static let controlAccess = SocketAccess(mode: 0o600)

    /// What was seen on the way to the socket, for the log.
    package struct ControlNotes {
        /// Another service has these.
        var taken: [ListenAddress] = []
        /// These could not be used, and why.
        var unfit: [(directory: String, reason: String)] = []
    }

    /// Opens it as one more of the auxiliary's listeners.
    /// - Returns: what stood in the way of the first choice.
    @discardableResult
    package mutating func openControl(_ place: ControlPlace, of auxiliary: Int) throws(ClusterError) -> ControlNotes {
        var notes = ControlNotes()
        guard ofAuxiliaries.indices.contains(auxiliary) else { return notes }
        let listener: Listener?
        switch place {
        case .path(let path): listener = try openControl(at: path)
        case .automatic: listener = openControl(&notes)
        }
        if let listener { add(control: listener, of: auxiliary) }
        noteSettings()
        return notes
    }

    var controlListener: Listener? {
        control.flatMap { seat in ofAuxiliaries[seat.auxiliary].first { $0.address == seat.address } }
    }

    mutating func add(control listener: Listener, of auxiliary: Int) {
        guard ofAuxiliaries.indices.contains(auxiliary) else { return }
        ofAuxiliaries[auxiliary].append(listener)
        control = ControlSeat(address: listener.address, auxiliary: auxiliary)
    }

    private mutating func openControl(at path: String) throws(ClusterError) -> Listener {
        do throws(SystemError) {
            let (descriptor, file) = try openSocket(at: path, access: Self.controlAccess, waitsForLock: true)
            socketFiles.append(file)
            return Listener(descriptor: descriptor, address: .unix(path: path))
        } catch {
            throw error.errno == EADDRINUSE ? .portTaken(.unix(path: path)) : .cannotListen(.unix(path: path), error)
        }
    }

    private mutating func openControl(_ notes: inout ControlNotes) -> Listener? {
        let user = geteuid()
        let name = ControlName(of: addresses, pid: getpid())
        for directory in ControlDirectory.all(of: user, variable: ServiceManager.variable) {
            do throws(SystemError) {
                try directory.prepare(for: user)
                for choice in name.choices {
                    let path = "\(directory.path)/\(choice)\(ControlName.ending)"
                    do throws(ClusterError) { return try openControl(at: path) } catch {
                        guard case .portTaken(let address) = error else {
                            if case .cannotListen(_, let reason) = error { throw reason }
                            break
                        }
                        notes.taken.append(address)
                    }
                }
            } catch {
                notes.unfit.append((directory.path, error.description))
            }
        }
        for choice in name.choices {
            let address = ListenAddress.abstract("\(ControlName.abstractPrefix)\(user)/\(choice)")
            do throws(SystemError) { return try openAbstract(address) } catch {
                guard error.errno == EADDRINUSE else {
                    notes.unfit.append(("\(address)", error.description))
                    return nil
                }
                notes.taken.append(address)
            }
        }
        return nil
    }

    private func openAbstract(_ address: ListenAddress) throws(SystemError) -> Listener {
        let bound = try SocketAddress(address)
        let descriptor = try systemCall("socket") { cposix_stream_socket(AF_UNIX) }
        cposix_lock_filter(descriptor)
        do throws(SystemError) {
            try bound.bind(descriptor)
            try systemCall("listen") { Glibc.listen(descriptor, backlog) }
            return Listener(descriptor: descriptor, address: address)
        } catch {
            _ = Glibc.close(descriptor)
            throw error
        }
    }
}

extension ControlDirectory {
    /// Makes it where it is missing, and looks whether no other user can do harm in it.
    package func prepare(for user: UInt32) throws(SystemError) {
        if kind == .runtime || kind == .temporary { try checkParent(for: user) }
        if kind != .given, unsafe mkdir(path, mode) == 0 { _ = unsafe chmod(path, mode) }
        // A symbolic link is followed nowhere: it may be another user's.
        let descriptor = unsafe Glibc.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw SystemError(errno: errno, operation: "open \(path)") }
        defer { close(descriptor) }
        var status = stat()
        try systemCall("look at \(path)") { unsafe fstat(descriptor, &status) }
        guard accepts(owner: status.st_uid, mode: UInt32(status.st_mode) & 0o7777, for: user) else {
            throw SystemError(errno: EPERM, operation: "use \(path), which other users can write to or own")
        }
    }

    /// In a directory that is neither this user's nor sticky, any user could put another directory in this one's place.
    private func checkParent(for user: UInt32) throws(SystemError) {
        let parent = DirectoryLock.directory(of: path)
        var status = stat()
        try systemCall("look at \(parent)") { unsafe stat(parent, &status) }
        let isOwn = status.st_uid == user && status.st_mode & 0o022 == 0
        let isSafe = (status.st_uid == 0 || status.st_uid == user) && (status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0)
        guard kind == .runtime ? isOwn : isSafe else {
            throw SystemError(errno: EPERM, operation: "use \(path): others can replace it")
        }
    }
}

extension Listeners.ControlNotes {
    func log(to logger: Logger, opened: ListenAddress?) {
        for (directory, reason) in unfit {
            logger.log(.debug, .controlPlaceUnfit, "no control socket there", metadata: ["place": "\(directory)", "reason": "\(reason)"])
        }
        if let opened, let first = taken.first {
            logger.log(
                .warning, .controlAddressTaken, "another service has the usual control socket: using another one",
                metadata: ["taken": "\(first)", "control": "\(opened)"])
        } else if opened == nil {
            logger.log(
                .warning, .controlUnavailable, "no control socket could be opened: only signals steer this service",
                metadata: ["reason": "\(unfit.last?.reason ?? "every name is taken")"])
        }
    }
}
