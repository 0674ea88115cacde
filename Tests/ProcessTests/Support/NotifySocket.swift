// The socket on which a service manager hears from its services (sd_notify(3)), played by the test.

import Glibc
import TestSupport
import Testing

final class NotifySocket {
    /// What a service finds in NOTIFY_SOCKET.
    let name: String
    private let descriptor: Int32
    private(set) var heard: [String] = []

    /// - Parameter name: a path, or `@` and an abstract name.
    init(_ name: String) throws {
        self.name = name
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(name.utf8)
        let isAbstract = bytes.first == 0x40
        if isAbstract { bytes[0] = 0 }
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(2 + bytes.count + (isAbstract ? 0 : 1))
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, length) }
        }
        try #require(result == 0)
    }

    deinit {
        close(descriptor)
        if name.hasPrefix("/") { unsafe unlink(name) }
    }

    /// Waits for a message with this line, and returns it.
    func hears(_ line: String, within limit: Duration = .seconds(5)) -> String? {
        let deadline = ContinuousClock.now + limit
        while true {
            receive()
            if let message = heard.first(where: { $0.split(separator: "\n").contains { $0 == line } }) { return message }
            guard ContinuousClock.now < deadline else { return nil }
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            _ = unsafe poll(&request, 1, 20)
        }
    }

    func receive() {
        var bytes = [UInt8](repeating: 0, count: 8192)
        while true {
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe recv(descriptor, $0.baseAddress, $0.count, 0) }
            guard count > 0 else { return }
            heard.append(String(decoding: bytes.prefix(count), as: UTF8.self))
        }
    }

    func forget() { heard = [] }

    /// Fills the socket as far as an unprivileged sender can, so that the next one would have to wait.
    func fill() {
        let sender = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        defer { close(sender) }
        var address = sockaddr_un()
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe getsockname(descriptor, address, &length)
                while unsafe sendto(sender, "X=1", 3, 0, address, length) == 3 {}
            }
        }
    }
}
