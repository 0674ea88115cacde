// How a service ends: what is in flight and arriving is answered, what is idle is closed, and nothing holds it up.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import TestSupport
import Testing

@Suite struct ConnectionDrainTests {
    private func statuses(_ client: RawClient) throws -> [Int] { try WireResponse.parse(client.received).map(\.status) }

    @Test func `draining answers what is in flight and arriving, closes what is idle, and ends once`() throws {
        let server = try ConnectionServer()
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

    @Test(arguments: [true, false]) func `a fresh connection that stays silent doesn't hold up a drain`(isClosedByClient: Bool) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect()
        #expect(server.eventually { $0.openConnections == 1 })
        var ended = false
        let start = EventLoop.monotonicNanoseconds()
        server.drain { ended = true }
        #expect(client.read() == .closed)
        #expect(client.text == "")
        if isClosedByClient { client.endSending() }
        #expect(server.eventually { _ in ended })
        #expect(EventLoop.monotonicNanoseconds() - start < 2_500_000_000)
    }

    @Test(arguments: ["\r\n", "\r\n\r", "\r\n\r\n\r\n"]) func `empty lines behind content don't hold up a drain`(blank: String) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/echo", "hello" + blank, "Content-Length: 5"))
        #expect(client.read(until: "hello"))
        var ended = false
        let start = EventLoop.monotonicNanoseconds()
        server.drain { ended = true }
        #expect(server.eventually { _ in ended })
        #expect(EventLoop.monotonicNanoseconds() - start < 1_000_000_000)
    }

    @Test(arguments: [true, false]) func `a connection that comes from another worker during a drain doesn't hold it up`(isNew: Bool) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let inFlight = try server.connect()
        inFlight.send(request("GET /later/200 HTTP/1.1", "Host: a"))
        #expect(server.eventually { $0.application.received.count == 1 })
        var ended = false
        server.drain { ended = true }
        var pair: [Int32] = [-1, -1]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &pair) == 0)
        defer { close(pair[1]) }
        let late = pair[0]
        server.onLoop { server.service.take(late, isNew: isNew) }
        #expect(inFlight.read() == .closed)
        inFlight.endSending()
        #expect(server.eventually { _ in ended })
    }

    @Test func `what waits in the accept queue when the drain begins is answered before it ends`() throws {
        let server = try ConnectionServer()
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
        let listener = try Endpoint.ipv4(0).listening(waits: false, backlog: 8)
        let port = Endpoint.port(of: listener)
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
            service?.drain {
                hasEnded = true; loop.stop()
            }
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
