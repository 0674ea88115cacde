// The name of a Unix socket in the file system. Other programs may remove it, replace it or want it for themselves at any moment, so
// nothing here looks first and acts on the name afterwards: a file is moved to a name of this process' own, looked at there, and only
// then removed, or moved back. Servers of this kind also exclude each other by a lock on the directory.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

/// A file that a socket of this cluster was bound to.
package struct SocketFile: Codable, Hashable {
    package let path: String
    /// While the socket is open, no other file gets the same two.
    private let device: UInt64
    private let inode: UInt64

    package enum State: Equatable {
        case ours, missing
        /// Another file has the name.
        case taken
    }

    /// The file that has this name now.
    init?(at path: String) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return nil }
        self.init(path: path, status)
    }

    private init(path: String, _ status: stat) {
        self.path = path
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    package var state: State {
        guard let present = SocketFile(at: path) else { return errno == ENOENT ? .missing : .taken }
        return present == self ? .ours : .taken
    }

    /// Removes the name, if it is still this file's.
    package func remove() {
        guard state == .ours else { return }
        let lock = DirectoryLock(of: path)
        defer { lock?.release() }
        _ = Self.remove(self)
    }

    /// - Returns: false when the name was another file's, which has it again.
    private static func remove(_ file: SocketFile) -> Bool {
        let aside = asideName(for: file.path)
        guard unsafe rename(file.path, aside) == 0 else { return errno == ENOENT }
        guard let moved = SocketFile(at: aside), (moved.device, moved.inode) == (file.device, file.inode) else {
            _ = unsafe cposix_rename_new(aside, file.path)
            return false
        }
        _ = unsafe unlink(aside)
        return true
    }

    private static func asideName(for path: String) -> String {
        let directory = DirectoryLock.directory(of: path)
        return "\(directory)/.everycore-\(getpid())-\(UInt64.random(in: 0 ... .max))"
    }

    // MARK: Making one

    /// Binds a socket to the path and has it listen. A file that a socket has left behind is replaced.
    /// - Throws: EADDRINUSE where another program listens there, EEXIST where the file is no socket.
    static func bind(
        _ descriptor: Int32, to path: String, access: SocketAccess, backlog: Int32, waitsForLock: Bool
    ) throws(SystemError) -> SocketFile {
        let address = try SocketAddress(.unix(path: path))
        // Between bind and listen the socket looks like one that was left behind.
        let lock = DirectoryLock(of: path, waits: waitsForLock)
        defer { lock?.release() }
        for _ in 0..<4 {
            do throws(SystemError) {
                try address.bind(descriptor, mode: access.mode)
            } catch {
                guard error.errno == EADDRINUSE, try removeStale(path, address) else { throw error }
                continue
            }
            guard let file = SocketFile(at: path) else { continue }
            do throws(SystemError) {
                try access.own(path)
                try systemCall("listen") { Glibc.listen(descriptor, backlog) }
            } catch {
                _ = remove(file)
                throw error
            }
            return file
        }
        throw SystemError(errno: EADDRINUSE, operation: "bind")
    }

    /// - Returns: false when another program listens there.
    private static func removeStale(_ path: String, _ address: SocketAddress) throws(SystemError) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return true }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw SystemError(errno: EEXIST, operation: "make the socket") }
        let descriptor = cposix_stream_socket(AF_UNIX)
        defer { _ = Glibc.close(descriptor) }
        do throws(SystemError) {
            try address.connect(descriptor)
            return false
        } catch {
            // Others, such as EAGAIN for a full queue, mean that a program listens.
            guard error.errno == ECONNREFUSED || error.errno == ENOENT else { return false }
        }
        return remove(SocketFile(path: path, status))
    }
}

/// Held while names in a directory are made or removed. Without it, where a directory can't be locked, servers that start at the same
/// moment over a stale socket may both believe that they have it.
struct DirectoryLock {
    private let descriptor: Int32

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// - Parameter waits: whether it may take two seconds until another process has released the lock; one that keeps it for longer
    ///   must not keep this one from starting.
    init?(of path: String, waits: Bool = false) {
        let directory = Self.directory(of: path)
        for attempt in 0..<(waits ? 200 : 1) {
            if attempt > 0 { usleep(10_000) }
            let descriptor = unsafe cposix_lock_directory(directory)
            if descriptor >= 0 {
                self.descriptor = descriptor
                return
            }
            guard errno == EWOULDBLOCK else { return nil }
        }
        return nil
    }

    func release() { _ = close(descriptor) }
}
