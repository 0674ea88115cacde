// Where a server listens, and plain sockets to and on it.

import Glibc

package enum Endpoint: Hashable, CustomStringConvertible {
    case ipv4(UInt16)
    case ipv6(UInt16)
    case unix(String)

    package var description: String {
        switch self {
        case .ipv4(let port): "127.0.0.1:\(port)"
        case .ipv6(let port): "[::1]:\(port)"
        case .unix(let path): path
        }
    }

    /// A socket that connects, nonblocking.
    package func connecting() throws -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw ConnectFailure(code: errno) }
        let result = unsafe withAddress { unsafe connect(descriptor, $0, $1) }
        guard result == 0 || errno == EINPROGRESS else {
            let code = errno
            close(descriptor)
            throw ConnectFailure(code: code)
        }
        return descriptor
    }

    /// A listening socket of the test's own; with port 0 the kernel chooses one.
    /// - Parameter waits: for a connection, where it is accepted from.
    package func listening(reusesPort: Bool = false, waits: Bool = true, backlog: Int32 = 16) throws -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | (waits ? 0 : SOCK_NONBLOCK.rawValue)), 0)
        var on: Int32 = 1
        if reusesPort { unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, 4) }
        guard unsafe withAddress({ unsafe bind(descriptor, $0, $1) }) == 0, listen(descriptor, backlog) == 0 else {
            throw ConnectFailure(code: errno)
        }
        return descriptor
    }

    /// A connection whose reads and writes wait, reads at most so many seconds.
    package func connectingAndWaiting(upTo seconds: Int = 5, receiveBuffer: Int32 = 0) throws -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var wait = timeval(tv_sec: seconds, tv_usec: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, socklen_t(MemoryLayout<timeval>.size))
        var size = receiveBuffer
        if receiveBuffer > 0 { _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        guard unsafe withAddress({ unsafe connect(descriptor, $0, $1) }) == 0 else {
            let code = errno
            close(descriptor)
            throw ConnectFailure(code: code)
        }
        return descriptor
    }

    /// The port that a listening IPv4 socket got.
    package static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(descriptor, $0, &length) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    private var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    private func withAddress(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        func call<Address>(_ address: Address, _ length: Int) -> Int32 {
            unsafe withUnsafePointer(to: address) { pointer in
                unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(length)) }
            }
        }
        switch self {
        case .ipv4(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return call(address, MemoryLayout<sockaddr_in>.size)
        case .ipv6(let port):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0[15] = 1 }
            return call(address, MemoryLayout<sockaddr_in6>.size)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
            return call(address, MemoryLayout<sockaddr_un>.size)
        }
    }
}

package struct ConnectFailure: Error {
    package let code: Int32
}
