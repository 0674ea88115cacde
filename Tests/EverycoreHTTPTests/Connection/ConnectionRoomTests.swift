// Where connections or requests are bounded: which wait, and which are evicted.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

@Suite struct ConnectionRoomTests {
    private func responses(_ client: RawClient) throws -> [WireResponse] { try WireResponse.parse(client.received) }

    private func limited(_ set: (inout ConnectionLimits) -> Void) throws -> ConnectionServer {
        var limits = ConnectionLimits()
        set(&limits)
        return try ConnectionServer(connectionLimits: limits)
    }

    @Test func `at the connection limit new ones wait while all are busy, and an idle one is evicted`() throws {
        let server = try limited { $0.connections = 2 }
        defer { server.stop() }
        let (first, second) = (try server.connect(), try server.connect())
        first.send(get())
        #expect(first.read(until: "GET /"))
        second.send(request("GET /later/3000 HTTP/1.1", "Host: a"))
        #expect(server.eventually { $0.openConnections == 2 && $0.application.received.count == 2 })
        // None is pending: the idle one stays.
        #expect(first.read(seconds: 0.15) == .open)
        first.clear()
        first.send(request("GET /later/1500 HTTP/1.1", "Host: a"))
        #expect(server.eventually { $0.application.received.count == 3 })
        let third = try server.connect()
        third.send(ConnectionRuleTests.probe)
        #expect(!third.read(until: "after", seconds: 0.1))
        // The first one becomes idle, and no connection closes of itself.
        #expect(third.read(until: "GET /after", seconds: 5))
        #expect(first.read() != .open)
        #expect(try responses(first).map(\.text) == ["later 1500"])
        #expect(second.read(until: "later 3000"))
    }

    @Test(arguments: ["", "GET / HTTP/1.1\r\nHo"])
    func `at the connection limit heads that stay incomplete are evicted, the oldest first, after a second`(part: String) throws {
        let server = try limited { $0.connections = 2 }
        defer { server.stop() }
        let (first, second) = (try server.connect(), try server.connect())
        first.send(Array(part.utf8))
        #expect(server.eventually { $0.openConnections == 2 })
        second.send(Array(part.utf8))
        let third = try server.connect()
        third.send(ConnectionRuleTests.probe)
        // A client far away has a second to complete its head.
        #expect(!third.read(until: "after", seconds: 0.6))
        #expect(third.read(until: "GET /after", seconds: 2))
        #expect(first.read() != .open)
        #expect(second.read(seconds: 0.05) == .open)
    }

    @Test func `the last request of a connection closes it, also when it is refused`() throws {
        let server = try limited { $0.requestsPerConnection = 3 }
        defer { server.stop() }
        for last in [get(), request("BREW / HTTP/1.1", "Host: a"), request("GET /later/5 HTTP/1.1", "Host: a")] {
            let client = try server.connect()
            client.send(get() + get() + last + get())
            #expect(client.read() != .open)
            #expect(try responses(client).map { $0["connection"] } == [nil, nil, "close"])
        }
    }

    @Test(arguments: ["limit", "drain", "handler"])
    func `the last answer arrives whole, though the client sends its next request before it knows`(reason: String) throws {
        let server = try limited { $0.requestsPerConnection = reason == "limit" ? 1 : 0 }
        defer { server.stop() }
        let count = 60_000
        var waiting: Exchange?
        server.onLoop {
            server.application.handler = { exchange in
                waiting = exchange
                return exchange.head.path == "/last"
            }
        }
        // It takes little, so that most of the answer is in the server's kernel when the last of it was written.
        let client = try server.connect(receiveBuffer: 4096)
        client.send(request("GET /last HTTP/1.1", "Host: a"))
        #expect(server.eventually { _ in waiting != nil })
        if reason == "drain" { server.drain() }
        server.onLoop {
            let fields = reason == "handler" ? [(name: "Connection", value: "close")] : []
            try? waiting?.respond(status: 200, fields: fields, body: [UInt8](repeating: 0x78, count: count))
            waiting = nil
        }
        #expect(server.eventually { $0.figures[.bytesOut] >= count })
        client.send(get())
        client.read()
        let whole = try responses(client)
        #expect(whole.map(\.body.count) == [count])
        #expect(whole.map { $0["connection"] } == ["close"])
        #expect(server.onLoop { server.application.received } == ["/last"])
    }

    @Test func `the connection that was idle for longest is evicted first, one after the other`() throws {
        let server = try limited { $0.connections = 3 }
        defer { server.stop() }
        let clients = try (0..<3).map { _ in try server.connect() }
        // The second one is the oldest by its last request, not by its age.
        for index in [1, 2, 0] {
            clients[index].send(get())
            #expect(clients[index].read(until: "GET /"))
        }
        var left: Set<Int> = [0, 1, 2]
        var others: [RawClient] = []
        for oldest in [1, 2] {
            let next = try server.connect()
            others.append(next)
            next.send(get())
            #expect(next.read(until: "GET /"))
            #expect(clients[oldest].read() != .open)
            left.remove(oldest)
            for index in left {
                clients[index].read(seconds: 0.02)
                #expect(clients[index].end == .open)
            }
            #expect(server.onLoop { server.openConnections } == 3)
        }
        #expect(server.onLoop { server.figures[.limitConnections] } >= 2)
    }

    @Test(arguments: [false, true]) func `a client that sends many requests at once doesn't hold up the others`(endsSending: Bool) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        var clients: [RawClient] = []
        server.onLoop {
            server.application.handler = { exchange in
                guard exchange.head.path.hasPrefix("/slow/") else { return false }
                usleep(5000)
                try? exchange.respond(status: 200, body: raw(exchange.head.path))
                return true
            }
            // The loop is held: both connections wait in the queue, and all that they send.
            for bytes in [(0..<200).flatMap { request("GET /slow/\($0) HTTP/1.1", "Host: a") }, []] {
                guard let client = try? server.connect() else { continue }
                client.send(bytes + ConnectionRuleTests.probe)
                if endsSending { client.endSending() }
                clients.append(client)
            }
        }
        try #require(clients.count == 2)
        for client in clients { #expect(client.read() == .closed) }
        #expect(try responses(clients[1]).map(\.text) == ["GET /after"])
        #expect(try responses(clients[0]).map(\.text) == (0..<200).map { "/slow/\($0)" } + ["GET /after"])
        let order = server.onLoop { server.application.received }
        #expect((order.firstIndex(of: "/after") ?? .max) < 50)
    }

    @Test func `a connection whose next request is just arriving doesn't give way`() throws {
        let server = try limited { $0.connections = 2 }
        defer { server.stop() }
        let (partial, sent) = (try server.connect(), try server.connect())
        for client in [partial, sent] {
            client.send(get())
            #expect(client.read(until: "GET /"))
            client.clear()
        }
        partial.send("GET /half HTTP/1.1\r\n")
        usleep(20_000)
        var waiting: RawClient?
        server.onLoop {
            // The loop is held: a request and a connection come before it looks again.
            sent.send(get())
            waiting = try? server.connect()
            waiting?.send(get())
        }
        // Both are kept, and the new one waits until one of them is idle.
        #expect(sent.read(until: "GET /"))
        partial.send("Host: a\r\n\r\n")
        #expect(partial.read(until: "GET /half"))
        #expect(waiting?.read(until: "GET /") == true)
    }
}
