// Facts about handlers that wait.

import Everycore
import EverycoreLoop
import Glibc
import Synchronization
import Testing

private actor Counter {
    var count = 0
    func next() -> Int {
        count += 1
        return count
    }
}

struct AsyncHandlerTests {
    @Test func `one that never suspends is answered within the call`() throws {
        let client = try TestClient { $0.get("/") { request async in .text("at once") } }
        let exchange = try client.start("GET", "/")
        #expect(exchange.response?.body == "at once")
    }

    @Test func `one that waits runs on the loop's thread, before and after`() throws {
        let client = try TestClient {
            $0.get("/") { request in
                let before = request.context.loop.isOnLoop
                try await request.context.loop.sleep(for: .milliseconds(1))
                return .text("\(before) \(request.context.loop.isOnLoop)")
            }
        }
        let exchange = try client.start("GET", "/")
        #expect(!exchange.isAnswered)
        #expect(try client.get("/").body == "true true")
    }

    @Test func `it comes back to the loop from an actor`() throws {
        let counter = Counter()
        let client = try TestClient {
            $0.get("/") { request in
                let count = await counter.next()
                return .text("\(count) \(request.context.loop.isOnLoop)")
            }
        }
        #expect(try client.get("/").body == "1 true")
        #expect(try client.get("/").body == "2 true")
    }

    @Test func `other requests are answered while it waits`() throws {
        let client = try TestClient {
            $0.get("/slow") { request in
                try await request.context.loop.sleep(for: .seconds(60))
                return .text("slow")
            }
            $0.get("/fast") { _ in .text("fast") }
        }
        let slow = try client.start("GET", "/slow")
        #expect(try client.get("/fast").body == "fast")
        #expect(!slow.isAnswered)
        slow.abandon()
    }

    @Test func `it is cancelled when the client has disconnected, and that is no error`() throws {
        let wasCancelled = Atomic(false)
        let client = try TestClient {
            $0.get("/") { request in
                do {
                    try await request.context.loop.sleep(for: .seconds(60))
                } catch {
                    wasCancelled.store(error is CancellationError, ordering: .relaxed)
                    throw error
                }
                return .text("never")
            }
        }
        let exchange = try client.start("GET", "/")
        exchange.abandon()
        let timer = client.loop.every(.milliseconds(1)) { if wasCancelled.load(ordering: .relaxed) { client.loop.stop() } }
        let limit = client.loop.after(.seconds(5)) { client.loop.stop() }
        client.loop.run()
        timer.cancel()
        limit.cancel()
        let isCancelled = wasCancelled.load(ordering: .relaxed)
        #expect(isCancelled)
        #expect(client.log.lines.isEmpty)
    }

    @Test(arguments: ["/sync", "/at-once", "/later", "/streaming"])
    func `what makes a response's content is cancelled when its client goes, whichever kind of handler answered`(path: String) throws {
        let began = Atomic(false)
        let wasCancelled = Atomic(false)
        let server = try SocketServer { routes in
            @Sendable func endless(_ loop: EventLoop) -> Response {
                .stream { writer in
                    try await writer.write("begun")
                    began.store(true, ordering: .relaxed)
                    do { try await loop.sleep(for: .seconds(60)) } catch {
                        wasCancelled.store(error is CancellationError, ordering: .relaxed)
                        throw error
                    }
                }
            }
            routes.get("/sync") { endless($0.context.loop) }
            routes.get("/at-once") { request async in endless(request.context.loop) }
            routes.get("/later") { request async throws in
                try await request.context.loop.sleep(for: .milliseconds(1))
                return endless(request.context.loop)
            }
            routes.stream(.get, "/streaming", upTo: 10) { request, _ in endless(request.context.loop) }
        }
        let client = server.connect()
        SocketServer.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n", to: client)
        for _ in 0..<2500 where !began.load(ordering: .relaxed) { usleep(2000) }
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(client, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(client)
        for _ in 0..<1000 where !wasCancelled.load(ordering: .relaxed) { usleep(2000) }
        let isCancelled = wasCancelled.load(ordering: .relaxed)
        #expect(isCancelled)
    }

    @Test func `a request stays readable after its connection has gone on`() throws {
        let client = try TestClient {
            $0.post("/:name") { request in
                try await request.context.loop.sleep(for: .milliseconds(1))
                return .text("\(request.parameters["name"] ?? "?") \(request.header("host") ?? "?") \(request.body.text)")
            }
        }
        #expect(try client.send("POST", "/anna", body: "hello").body == "anna test hello")
    }
}
