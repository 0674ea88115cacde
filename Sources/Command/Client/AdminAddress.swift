// Where a service can be asked: a control socket, or an admin address.
// Process: any other than a service's · Thread: main

#if Command
import Glibc

package enum AdminAddress: Hashable, Sendable, CustomStringConvertible {
    /// A socket in the file system.
    case path(String)
    /// A socket without a file (unix(7), "abstract"): written with an `@` before its name.
    case abstract(String)
    case tcp(host: String, port: UInt16)

    /// Reads a path with a slash in it or that ends in `.sock`, `@name`, `http://host:port` or `host:port`. Nil for anything else.
    package init?(_ text: String) {
        if text.utf8.contains(0) || text.isEmpty { return nil }
        if text.hasPrefix("@") {
            guard (2...107).contains(text.utf8.count) else { return nil }
            self = .abstract(String(text.dropFirst()))
            return
        }
        if text.hasPrefix("http://") {
            self.init(authority: text.dropFirst(7).prefix { $0 != "/" })
        } else if text.contains("://") {
            return nil
        } else if text.contains("/") || text.hasSuffix(".sock") {
            let path = text.hasPrefix("unix:") ? String(text.dropFirst(5)) : text
            guard (1...107).contains(path.utf8.count) else { return nil }
            self = .path(path)
        } else {
            self.init(authority: text[...])
        }
    }

    private init?(authority: Substring) {
        guard let colon = authority.lastIndex(of: ":"), let port = UInt16(authority[authority.index(after: colon)...]) else { return nil }
        var host = authority[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains(where: { $0 == "[" || $0 == "]" || $0.isWhitespace }) else { return nil }
        self = .tcp(host: String(host), port: port)
    }

    package var description: String {
        switch self {
        case .path(let path): path
        case .abstract(let name): "@\(name)"
        case .tcp(let host, let port): host.contains(":") ? "http://[\(host)]:\(port)" : "http://\(host):\(port)"
        }
    }

    /// The Host field of a request.
    var host: String {
        guard case .tcp(let host, let port) = self else { return "localhost" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    // MARK: Connecting

    /// A nonblocking socket that is connected, or is about to be.
    func connect(until deadline: UInt64) throws(AdminFailure) -> Int32 {
        switch self {
        case .path(let path): try connectUnix(Array(path.utf8), until: deadline)
        case .abstract(let name): try connectUnix([0] + Array(name.utf8), until: deadline)
        case .tcp(let host, let port): try connectTCP(host, port, until: deadline)
        }
    }

    private func connectUnix(_ name: [UInt8], until deadline: UInt64) throws(AdminFailure) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let offset = 2
        unsafe withUnsafeMutableBytes(of: &address) { bytes in
            for (index, byte) in name.prefix(bytes.count - offset - 1).enumerated() { unsafe bytes[offset + index] = byte }
        }
        // An abstract name ends where the address does, a path with a zero.
        let length = socklen_t(offset + name.count + (name.first == 0 ? 0 : 1))
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        guard descriptor >= 0 else { throw .cannotConnect(self, reason: words(for: errno)) }
        while true {
            let result = unsafe withUnsafePointer(to: &address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe Glibc.connect(descriptor, $0, length) }
            }
            if result == 0 { return descriptor }
            let code = errno
            if code == EINTR { continue }
            // The queue is full for the moment.
            if code == EAGAIN, monotonicNow() < deadline {
                usleep(10_000)
                continue
            }
            close(descriptor)
            throw failure(code)
        }
    }

    private func connectTCP(_ host: String, _ port: UInt16, until deadline: UInt64) throws(AdminFailure) -> Int32 {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        guard unsafe getaddrinfo(host, "\(port)", &hints, &found) == 0 else { throw .cannotConnect(self, reason: "there is no such host") }
        defer { unsafe freeaddrinfo(found) }
        var last = AdminFailure.cannotConnect(self, reason: "there is no such host")
        var next = unsafe found
        while let entry = unsafe next {
            unsafe next = entry.pointee.ai_next
            let descriptor = unsafe socket(
                entry.pointee.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
            guard descriptor >= 0 else { continue }
            var code = unsafe Glibc.connect(descriptor, entry.pointee.ai_addr, entry.pointee.ai_addrlen) == 0 ? 0 : errno
            if code == EINPROGRESS || code == EINTR {
                guard wait(descriptor, for: POLLOUT, until: deadline) else {
                    close(descriptor)
                    last = .cannotConnect(self, reason: words(for: ETIMEDOUT))
                    continue
                }
                var length = socklen_t(MemoryLayout<Int32>.size)
                if unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) != 0 { code = errno }
            }
            if code == 0 { return descriptor }
            close(descriptor)
            last = failure(code)
        }
        throw last
    }

    private func failure(_ code: Int32) -> AdminFailure {
        switch code {
        case ENOENT: return .notThere(self)
        case ECONNREFUSED: return isFileOfAnotherKind ? .notASocket(self) : .isDead(self)
        case ENOTSOCK: return .notASocket(self)
        case EACCES, EPERM: return .notPermitted(self, owner: owner)
        default: return .cannotConnect(self, reason: words(for: code))
        }
    }

    private var isFileOfAnotherKind: Bool {
        var status = stat()
        guard case .path(let path) = self, unsafe stat(path, &status) == 0 else { return false }
        return status.st_mode & S_IFMT != S_IFSOCK
    }

    private var owner: UInt32? {
        var status = stat()
        guard case .path(let path) = self, unsafe stat(path, &status) == 0 else { return nil }
        return status.st_uid
    }
}

private func words(for code: Int32) -> String { unsafe String(cString: strerror(code)) }

/// Monotonic nanoseconds.
func monotonicNow() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_nsec)
}

/// Waits until the descriptor is ready. False at the deadline.
func wait(_ descriptor: Int32, for events: Int32, until deadline: UInt64) -> Bool {
    while true {
        let time = monotonicNow()
        guard time < deadline else { return false }
        var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
        let milliseconds = Int32(clamping: min((deadline - time) / 1_000_000 + 1, 3_600_000))
        if unsafe poll(&request, 1, milliseconds) > 0 { return true }
    }
}
#endif
