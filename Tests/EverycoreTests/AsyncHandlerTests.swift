// Facts about handlers that wait.

import EventLoop
import Everycore
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

    @Test func `it is cancelled when nobody waits for the answer any longer, and that is no error`() throws {
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
