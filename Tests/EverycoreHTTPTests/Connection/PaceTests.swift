// How much the kernel may hold for a client: little for one that reads slowly, more for one that has shown to be fast.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

@Suite struct PaceTests {
    /// The server's socket of a connection: both ends are in this process.
    private func serverSide(of client: RawClient) -> Int32? {
        guard let port = unsafe Self.port(of: client.descriptor, getsockname) else { return nil }
        return (3..<Int32(4096)).first { unsafe $0 != client.descriptor && Self.port(of: $0, getpeername) == port }
    }

    private static func port(
        of descriptor: Int32, _ name: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) -> UInt16? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = unsafe withUnsafeMutablePointer(to: &address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe name(descriptor, $0, &length) }
        }
        return result == 0 && address.sin_family == sa_family_t(AF_INET) ? address.sin_port : nil
    }

    private func bound(_ descriptor: Int32) -> Int32 {
        var value: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &value, &length)
        return value
    }

    @Test func `little waits in the kernel for a client that doesn't read`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(request("GET /big/9000000 HTTP/1.1", "Host: a"))
        #expect(client.read(until: "9000000"))
        #expect(server.settles { server.figures[.bytesOut] })
        #expect(server.onLoop { server.figures[.bytesOut] } < 1_000_000)
    }

    @Test func `the kernel's share is bounded until a client has shown to be fast, and again when it no longer is`() throws {
        var timeouts = ConnectionTimeouts()
        timeouts.write = 1_000_000_000
        var limits = ConnectionLimits()
        limits.bodyMinimumRate = 1
        let server = try ConnectionServer(timeouts: timeouts, connectionLimits: limits)
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 65536)
        client.send(raw("GET /big/200000000 HTTP/1.1\r\nHost: a\r\n\r\n"))
        client.readOnce(upTo: 10)
        let socket = try #require(serverSide(of: client))
        #expect(bound(socket) == 65536)
        let start = EventLoop.monotonicNanoseconds()
        while bound(socket) != 0, EventLoop.monotonicNanoseconds() - start < 10_000_000_000 {
            for _ in 0..<20 { client.readOnce(upTo: 65536) }
            client.clear()
        }
        #expect(bound(socket) == 0)
        while bound(socket) == 0, client.end == .open, EventLoop.monotonicNanoseconds() - start < 20_000_000_000 {
            usleep(20_000)
            client.readOnce(upTo: 4096)
        }
        #expect(bound(socket) == 65536)
    }
}
