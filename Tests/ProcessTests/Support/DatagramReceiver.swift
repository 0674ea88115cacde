// Where a server under test sends datagrams.

import Glibc
import Testing

/// A Unix datagram socket, as a StatsD agent has it.
final class DatagramReceiver {
    private let socket: Int32
    private let path: String
    private(set) var lines: [String] = []

    init(_ path: String) throws {
        self.path = path
        unsafe unlink(path)
        socket = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isShort = unsafe withUnsafeMutableBytes(of: &address.sun_path) { place in
            guard path.utf8.count < place.count else { return false }
            unsafe place.copyBytes(from: path.utf8)
            return true
        }
        try #require(isShort)
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
        try #require(result == 0)
    }

    deinit {
        close(socket)
        unsafe unlink(path)
    }

    func receiveAll() {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { return }
            lines += String(decoding: buffer.prefix(count), as: UTF8.self).split(separator: "\n").map(String.init)
        }
    }

    func sum(of start: String, _ end: String) -> Double {
        lines.filter { $0.hasPrefix(start) && $0.hasSuffix(end) }.reduce(0) { $0 + (Double($1.dropFirst(start.utf8.count).dropLast(end.utf8.count)) ?? 0) }
    }
}
