// Deadlines, draining, and how a connection's time is counted.

import EventLoop
import Glibc
import HTTP
import Statistics
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

    @Test(arguments: ["", "GET / HTTP/1.1\r\nHo"]) func `a head that does not come is a 408`(part: String) throws {
        let server = try Self.server { $0.header = Self.short }
        defer { server.stop() }
        let client = try server.connect()
        client.send(part)
        #expect(client.read() == .closed)
        let responses = try WireResponse.parse(client.received)
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

    // MARK: Draining

    @Test func `draining answers what is in flight and arriving, closes what is idle, and ends once`() throws {
        let server = try Self.server { _ in }
        defer { server.stop() }
        let (idle, inFlight, arriving, fresh) = (try server.connect(), try server.connect(), try server.connect(), try server.connect())
        idle.send(get())
        #expect(idle.read(until: "GET /"))
        arriving.send(get() + Array(get().prefix(20)))
        #expect(arriving.read(until: "GET /"))
        inFlight.send(request("GET /later/150 HTTP/1.1", "Host: a"))
        #expect(server.eventually { $0.application.received.count == 3 && $0.openConnections == 4 })
        var ended = 0
        server.drain { ended += 1 }
        #expect(idle.read() == .closed)
        #expect(try statuses(idle) == [200])
        arriving.send(Array(get().dropFirst(20)) + ConnectionRuleTests.probe)
        fresh.send(get())
        for client in [inFlight, arriving, fresh] { client.read() }
        #expect(try statuses(inFlight) == [200])
        #expect(try statuses(arriving) == [200, 200])
        #expect(try statuses(fresh) == [200])
        for client in [inFlight, arriving, fresh] { #expect(try WireResponse.parse(client.received).last?["connection"] == "close") }
        for client in [idle, inFlight, arriving, fresh] { client.endSending() }
        #expect(server.eventually { _ in ended == 1 })
        #expect(server.onLoop { server.openConnections } == 0)
    }

    @Test func `a fresh connection that stays silent doesn't hold up a drain`() throws {
        let server = try Self.server { _ in }
        defer { server.stop() }
        let client = try server.connect()
        #expect(server.eventually { $0.openConnections == 1 })
        var ended = false
        server.drain { ended = true }
        #expect(client.read() == .closed)
        #expect(client.text == "")
        client.endSending()
        #expect(server.eventually { _ in ended })
    }

    @Test func `what waits in the accept queue when the drain begins is answered before it ends`() throws {
        let server = try Self.server { _ in }
        defer { server.stop() }
        var clients: [RawClient] = []
        var ended = false
        var openAtEnd = -1
        var receivedAtEnd = -1
        server.onLoop {
            // The loop is held, so that all of them wait.
            for index in 0..<40 {
                guard let client = try? server.connect() else { continue }
                client.send(request("GET /\(index) HTTP/1.1", "Host: a"))
                clients.append(client)
            }
            server.service.drain {
                ended = true
                openAtEnd = server.openConnections
                receivedAtEnd = server.application.received.count
            }
        }
        for client in clients {
            client.read()
            #expect(try statuses(client) == [200])
        }
        #expect(server.eventually { _ in ended })
        #expect(openAtEnd == 0)
        #expect(receivedAtEnd == 40)
    }

    @Test func `the service may go when the drain's last word was said by a deadline`() throws {
        let (listener, port) = try Socket.listen(backlog: 8)
        defer { close(listener) }
        let loop = try EventLoop()
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 1 << 16, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: 1 << 16)
        defer { unsafe memory.deallocate() }
        var timeouts = ConnectionTimeouts()
        timeouts.handler = 20_000_000
        let application = WireApplication()
        var service: HTTPService? = unsafe HTTPService(
            loop: loop, application: application, timeouts: timeouts, figures: .init(at: memory))
        weak let weakService = service
        try service?.serve(listener: listener)
        let client = try RawClient(port: port)
        client.send(request("GET /forgotten HTTP/1.1", "Host: a"))
        var hasEnded = false
        let start = loop.after(.milliseconds(5)) {
            service?.drain { hasEnded = true; loop.stop() }
            service = nil
        }
        let limit = loop.after(.seconds(5)) { loop.stop() }
        loop.run()
        start.cancel()
        limit.cancel()
        #expect(hasEnded)
        #expect(weakService == nil)
        client.read()
        #expect(try statuses(client) == [503])
    }
}
