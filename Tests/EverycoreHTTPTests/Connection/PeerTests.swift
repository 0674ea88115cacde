// Clients that vanish, that leave while a handler works for them, or that take nothing.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

@Suite struct PeerTests {
    private static func option(_ descriptor: Int32, _ level: Int32, _ name: Int32) -> Int32 {
        var (value, size) = (Int32(-1), socklen_t(4))
        _ = unsafe getsockopt(descriptor, level, name, &value, &size)
        return value
    }

    /// The server's descriptor of the connection whose other end is the client's.
    private static func serverSide(of client: RawClient) -> Int32? {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = unsafe withUnsafeMutablePointer(to: &name) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(client.descriptor, $0, &length) }
        }
        return (3..<65536).first { descriptor in
            var peer = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let found = unsafe withUnsafeMutablePointer(to: &peer) {
                unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getpeername(descriptor, $0, &length) }
            }
            return found == 0 && peer.sin_port == name.sin_port && descriptor != client.descriptor
        }
    }

    @Test func `accepted connections are probed, and what they don't take has an end`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect()
        client.send(get())
        #expect(client.read(until: "GET /"))
        let descriptor = try #require(Self.serverSide(of: client))
        #expect(Self.option(descriptor, SOL_SOCKET, SO_KEEPALIVE) == 1)
        let tcp = Int32(IPPROTO_TCP)
        #expect(Self.option(descriptor, tcp, TCP_KEEPIDLE) == 30)
        #expect(Self.option(descriptor, tcp, TCP_KEEPINTVL) == 10)
        #expect(Self.option(descriptor, tcp, TCP_KEEPCNT) == 3)
        #expect(Self.option(descriptor, tcp, TCP_USER_TIMEOUT) == 60_000)
    }

    /// Whatever the handler does: waits, streams and is quiet, or has not asked for the content yet.
    @Test(arguments: ["/never", "/quiet"], [true, false])
    func `a handler hears of a client that has left after it ended its side`(path: String, isPipelined: Bool) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        server.onLoop {
            server.application.handler = { exchange in
                guard exchange.head.path == "/quiet" else { return false }
                exchange.onCancel = { server.application.cancelled += 1 }
                server.application.kept.append(exchange)
                try? exchange.beginResponse(status: 200, length: nil)
                return true
            }
        }
        let client = try server.connect()
        client.send((isPipelined ? get() : []) + request("GET \(path) HTTP/1.1", "Host: a"))
        client.endSending()
        #expect(server.eventually { $0.application.kept.count == 1 })
        // The end of what it sends doesn't say that it has left.
        client.read(seconds: 1.3)
        #expect(server.onLoop { server.application.cancelled } == 0)
        client.reset()
        #expect(server.eventually { $0.application.cancelled == 1 && $0.openConnections == 0 })
    }

    @Test func `a client whose unread input filled the buffer is noticed when it leaves`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect()
        client.send(request("GET /never HTTP/1.1", "Host: a") + [UInt8](repeating: 0x41, count: 400_000))
        #expect(server.eventually { $0.application.kept.count == 1 })
        client.read(seconds: 0.3)
        client.reset()
        #expect(server.eventually { $0.application.cancelled == 1 && $0.openConnections == 0 })
    }

    @Test func `looks at a client that ended its side don't prolong the handler's time`() throws {
        var timeouts = ConnectionTimeouts()
        timeouts.handler = 2_500_000_000
        let server = try ConnectionServer(timeouts: timeouts)
        defer { server.stop() }
        let client = try server.connect()
        let start = EventLoop.monotonicNanoseconds()
        client.send(request("GET /never HTTP/1.1", "Host: a"))
        client.endSending()
        #expect(client.read(seconds: 8) == .closed)
        let time = EventLoop.monotonicNanoseconds() - start
        #expect(try WireResponse.parse(client.received).map(\.status) == [503])
        #expect(time > 2_400_000_000 && time < 4_500_000_000, "\(time)")
    }

    @Test func `a client that takes nothing is reset, so that no bytes wait for it in the kernel`() throws {
        var timeouts = ConnectionTimeouts()
        timeouts.write = 250_000_000
        let server = try ConnectionServer(timeouts: timeouts)
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(raw("GET /big/3000000 HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(server.eventually { $0.application.received.count == 1 && $0.openConnections == 0 })
        #expect(client.read() == .reset)
    }
}
