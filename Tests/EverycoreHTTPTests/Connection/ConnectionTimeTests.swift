// Deadlines, and how a connection's time is counted.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

@Suite struct ConnectionTimeTests {
    private static func server(_ set: (inout ConnectionTimeouts) -> Void, rate: UInt64 = 240) throws -> ConnectionServer {
        var timeouts = ConnectionTimeouts()
        set(&timeouts)
        var limits = ConnectionLimits()
        limits.bodyMinimumRate = rate
        return try ConnectionServer(timeouts: timeouts, connectionLimits: limits)
    }

    private static let short: UInt64 = 250_000_000

    private func statuses(_ client: RawClient) throws -> [Int] { try WireResponse.parse(client.received).map(\.status) }

    @Test(arguments: ["", "\r\n", "\r\n\r", "\r\n\r\n"]) func `a connection on which no request begins is closed in silence`(blank: String) throws {
        let server = try Self.server { $0.header = Self.short }
        defer { server.stop() }
        let client = try server.connect()
        client.send(blank)
        #expect(client.read() == .closed)
        #expect(client.text == "")
        #expect(server.onLoop { server.figures[.responses4xx] == 0 && server.figures[.timeoutsHeader] == 0 })
    }

    @Test(arguments: ["\r\n", "\r\n\r", "\r\n\r\n"]) func `empty lines behind content leave the connection idle`(blank: String) throws {
        let server = try Self.server {
            $0.header = Self.short
            $0.idle = 4 * Self.short
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/echo", "hello" + blank, "Content-Length: 5"))
        let start = EventLoop.monotonicNanoseconds()
        #expect(client.read(until: "hello"))
        // They don't prolong the idle time either.
        while client.end == .open, EventLoop.monotonicNanoseconds() - start < 4_000_000_000 {
            client.read(seconds: 0.1)
            if !blank.hasSuffix("\r") { client.send("\r\n") }
        }
        #expect(client.end != .open)
        #expect(try statuses(client) == [200])
        #expect(EventLoop.monotonicNanoseconds() - start > 3 * Self.short)
    }

    @Test(arguments: [("GET / HTTP/1.1\r\nHo", false), ("\r\nHEAD / HT", true)]) func `a head that does not come is a 408`(
        part: String, isHead: Bool
    ) throws {
        let server = try Self.server { $0.header = Self.short }
        defer { server.stop() }
        let client = try server.connect()
        client.send(part)
        #expect(client.read() == .closed)
        let responses = try WireResponse.parse(client.received, heads: isHead ? [0] : [])
        #expect(responses.map(\.status) == [408])
        #expect(responses.last?["connection"] == "close")
        // A worker that has served nothing yet knows the date, too.
        #expect(responses.last?["date"]?.contains("1970") == false)
    }

    @Test func `bytes that trickle in don't prolong the header's time, on any request`() throws {
        let server = try Self.server { $0.header = Self.short }
        defer { server.stop() }
        for served in [0, 1] {
            let client = try server.connect()
            if served > 0 {
                client.send(get())
                #expect(client.read(until: "GET /"))
            }
            let start = EventLoop.monotonicNanoseconds()
            for byte in request("GET / HTTP/1.1", "Host: a", "A: " + String(repeating: "b", count: 200)) {
                client.send([byte])
                if client.read(seconds: 0.02) != .open { break }
            }
            let time = EventLoop.monotonicNanoseconds() - start
            #expect(time > 200_000_000 && time < 4_000_000_000, "\(time)")
            #expect(try statuses(client) == Array(repeating: 200, count: served) + [408])
        }
    }

    @Test func `an idle connection is closed in silence`() throws {
        let server = try Self.server { $0.idle = Self.short }
        defer { server.stop() }
        let client = try server.connect()
        client.send(get())
        #expect(client.read() == .closed)
        #expect(try statuses(client) == [200])
    }

    @Test(arguments: ["/never-echo", "/echo"]) func `a body that stalls is a 408`(path: String) throws {
        let server = try Self.server { $0.body = Self.short }
        defer { server.stop() }
        let client = try server.connect()
        client.send(post(path, "hel", "Content-Length: 5"))
        #expect(client.read() == .closed)
        #expect(try statuses(client) == [408])
        #expect(server.onLoop { server.application.bodyFailures } == [.incomplete])
    }

    @Test func `a body that stalls after its early answer ends the connection without another`() throws {
        let server = try Self.server { $0.body = Self.short }
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/early", "hel", "Content-Length: 5"))
        #expect(client.read() == .closed)
        #expect(try statuses(client) == [200])
    }

    @Test func `a body slower than the minimum rate is a 408, though it never pauses`() throws {
        let server = try Self.server({ $0.body = 10_000_000_000 }, rate: 1000)
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/echo", "", "Content-Length: 500000"))
        let start = EventLoop.monotonicNanoseconds()
        while client.end == .open, EventLoop.monotonicNanoseconds() - start < 12_000_000_000 {
            client.send("0123456789")
            client.read(seconds: 0.1)
        }
        client.read()
        #expect(try statuses(client) == [408])
        #expect(EventLoop.monotonicNanoseconds() - start < 11_000_000_000)
    }

    @Test(arguments: [true, false]) func `a body's time runs from when it was wanted`(isWanted: Bool) throws {
        let server = try Self.server({ $0.body = 4_000_000_000 }, rate: 1000)
        defer { server.stop() }
        let client = try server.connect()
        client.send(post(isWanted ? "/later-echo/5300" : "/later/5300", "", "Content-Length: 5", isWanted ? "Expect: 100-continue" : "A: b"))
        #expect(client.read(until: isWanted ? "100 Continue" : "later", seconds: 8))
        client.read(seconds: 1.2)
        client.send(raw("hello") + ConnectionRuleTests.probe)
        client.read()
        #expect(try statuses(client) == (isWanted ? [100, 200, 200] : [200, 200]))
    }

    @Test(arguments: ["Content-Length: 0", "Content-Length: 5"]) func `a handler that does not answer is a 503`(line: String) throws {
        let server = try Self.server { $0.handler = Self.short }
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/never", "", line) + (line.hasSuffix("5") ? [] : ConnectionRuleTests.probe))
        #expect(client.read() == .closed)
        #expect(try statuses(client) == [503])
        #expect(server.onLoop { server.application.cancelled } == 1)
        server.onLoop { for exchange in server.application.kept { try? exchange.respond(status: 200, body: raw("late")) } }
        #expect(server.onLoop { server.application.received } == ["/never"])
        client.endSending()
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test func `a client that stops reading is closed`() throws {
        let server = try Self.server { $0.write = Self.short }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(raw("GET /big/30000000 HTTP/1.1\r\nHost: a\r\n\r\n"))
        #expect(server.eventually { $0.application.received.count == 1 })
        #expect(server.eventually { $0.openConnections == 0 })
        client.read()
        #expect(client.received.count < 30_000_000)
    }

    @Test func `a client that reads a little all the time, but less than the minimum rate, is closed`() throws {
        let server = try Self.server({ $0.write = 1_000_000_000 }, rate: 100_000)
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(raw("GET /big/30000000 HTTP/1.1\r\nHost: a\r\n\r\n"))
        let start = EventLoop.monotonicNanoseconds()
        while EventLoop.monotonicNanoseconds() - start < 12_000_000_000, server.onLoop({ server.openConnections }) > 0 || client.received.isEmpty {
            let count = client.received.count
            client.readOnce(upTo: 2000)
            _ = count
            usleep(50_000)
        }
        #expect(server.onLoop { server.openConnections } == 0)
    }

    @Test func `a client that reads slowly, but fast enough, gets all`() throws {
        let server = try Self.server({ $0.write = Self.short }, rate: 10_000)
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 65536)
        client.send(raw("GET /big/6000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
        while client.end == .open {
            client.readOnce(upTo: 60_000)
            usleep(20_000)
        }
        #expect(try WireResponse.parse(client.received).map(\.body.count) == [6_000_000])
    }
}
