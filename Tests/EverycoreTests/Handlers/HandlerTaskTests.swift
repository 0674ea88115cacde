// Tasks that serve one request after the other: nothing of a request is left for the next.

import Cluster
import Everycore
import EverycoreLoop
import Synchronization
import Testing

private enum Values {
    @TaskLocal static var name = "none"
}

/// The task that runs: no other one that lives has the same number.
private func currentTask() -> Int { unsafe withUnsafeCurrentTask { unsafe $0?.hashValue ?? 0 } }

struct HandlerTaskTests {
    /// Turns the loop until it has done what is due now.
    private func turn(_ loop: EventLoop) {
        let end = loop.after(.milliseconds(5)) { loop.stop() }
        loop.run()
        end.cancel()
    }

    @Test func `one task serves requests that come one after the other, whether their handlers suspend or not`() throws {
        let client = try TestClient {
            $0.get("/at-once") { _ async in .text("\(currentTask())") }
            $0.get("/later") { _ async in
                await Task.yield()
                return .text("\(currentTask())")
            }
        }
        let first = try client.get("/at-once").body
        #expect(first != "0")
        #expect(try client.get("/later").body == first)
        #expect(try client.get("/at-once").body == first)
    }

    @Test func `a task ends after many requests, and another one goes on`() throws {
        let client = try TestClient { $0.get("/:name") { request async in .text(request.parameters["name"] ?? "?") } }
        for number in 0..<2500 { #expect(try client.get("/\(number)").body == "\(number)") }
    }

    @Test func `a task that was cancelled serves no other request`() throws {
        let client = try TestClient {
            $0.get("/long") { request in
                // A handler that takes no notice of it.
                try? await request.context.loop.sleep(for: .seconds(60))
                return .text("\(Task.isCancelled)")
            }
            $0.get("/now") { _ async in .text("\(Task.isCancelled)") }
        }
        let long = try client.start("GET", "/long")
        long.abandon()
        turn(client.loop)
        #expect(try client.get("/now").body == "false")
        #expect(try client.get("/now").body == "false")
    }

    @Test func `cancelling a request whose handler is over cancels no later one`() throws {
        let client = try TestClient {
            $0.get("/:path") { _ async in
                await Task.yield()
                return .text("\(Task.isCancelled)")
            }
        }
        let first = try client.start("GET", "/first")
        let cancelFirst = try #require(first.onCancel)
        turn(client.loop)
        #expect(first.response?.body == "false")
        cancelFirst()
        #expect(try client.get("/second").body == "false")
        let third = try client.start("GET", "/third")
        cancelFirst()
        turn(client.loop)
        #expect(third.response?.body == "false")
    }

    @Test func `values that a handler sets for its task end with it, also when it throws`() throws {
        let client = try TestClient { routes in
            routes.get("/set/:name") { request in
                try await Values.$name.withValue(request.parameters["name"] ?? "?") {
                    await Task.yield()
                    if Values.name == "bad" { throw HTTPError(400) }
                    return .text(Values.name)
                }
            }
            routes.get("/read") { _ async in .text(Values.name) }
        }
        #expect(try client.get("/set/anna").body == "anna")
        #expect(try client.get("/read").body == "none")
        #expect(try client.get("/set/bad").status == 400)
        #expect(try client.get("/read").body == "none")
        let read = try Values.$name.withValue("the caller's") { try client.get("/read").body }
        #expect(read == "none")
    }

    @Test func `more requests than are kept tasks wait at the same time, and each gets its own answer`() throws {
        let client = try TestClient {
            $0.get("/:number") { request in
                try await request.context.loop.sleep(for: .milliseconds(1))
                return .text(request.parameters["number"] ?? "?")
            }
        }
        for _ in 0..<2 {
            let exchanges = try (0..<200).map { try client.start("GET", "/\($0)") }
            let timer = client.loop.every(.milliseconds(1)) { if exchanges.allSatisfy(\.isAnswered) { client.loop.stop() } }
            let limit = client.loop.after(.seconds(5)) { client.loop.stop() }
            client.loop.run()
            timer.cancel()
            limit.cancel()
            #expect(exchanges.enumerated().allSatisfy { $1.response?.body == "\($0)" })
        }
    }

    @Test func `a handler that never returns holds only its own request up`() throws {
        let client = try TestClient {
            $0.get("/never") { _ async in
                unsafe await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
                return .text("never")
            }
            $0.get("/now") { _ async in .text("now") }
        }
        let never = try client.start("GET", "/never")
        #expect(try client.get("/now").body == "now")
        #expect(!never.isAnswered)
    }

    @Test func `free tasks end with their application`() throws {
        weak var loop: EventLoop?
        weak var application: RoutedApplication?
        do {
            let client = try TestClient {
                $0.get("/") { _ async in
                    await Task.yield()
                    return .text("done")
                }
            }
            #expect(try client.get("/").body == "done")
            (loop, application) = (client.loop, client.application)
        }
        #expect(application == nil)
        #expect(loop == nil)
    }

    @Test func `the black box lists the oldest requests that wait, and the next ones as these end`() throws {
        let memory = BoxMemory()
        let box = memory.box
        let shared = Mutable([String: CheckedContinuation<Void, Never>]())
        let client = try TestClient(blackBox: box) { routes in
            routes.get("/wait/:name") { request async in
                let name = request.parameters["name"] ?? ""
                await withCheckedContinuation { shared.value[name] = $0 }
                return .text(name)
            }
        }
        for number in 0..<70 {
            client.time = UInt64(number + 1)
            _ = try client.start("GET", "/wait/\(number)")
        }
        func listed() -> [UInt64] { box.waitingRequests.entries.map(\.since).sorted() }
        func end(_ numbers: some Sequence<Int>) {
            for number in numbers { shared.value[String(number)]?.resume() }
            turn(client.loop)
        }
        #expect(box.waiting == 70 && listed() == Array(1...32))
        #expect(box.waitingRequests.entries.first { $0.since == 3 }?.description == "GET /wait/2")
        // One of the list, one behind it, and the first behind it.
        end([5, 40, 32])
        #expect(box.waiting == 67 && listed() == Array(1...34).filter { $0 != 6 && $0 != 33 })
        end((0..<70).filter { ![5, 40, 32, 69].contains($0) })
        #expect(box.waiting == 1 && listed() == [70])
        end([69])
        #expect(box.waiting == 0 && listed().isEmpty && box.current == nil)
        #expect(shared.value.count == 70)
    }

    @Test func `the black box names the request whose code runs, after a suspension too`() throws {
        let memory = BoxMemory()
        let box = memory.box
        let client = try TestClient(blackBox: box) { routes in
            @Sendable func running() -> String { memory.box.current?.description ?? "none" }
            routes.get("/at-once/:name") { _ async in .text(running()) }
            routes.get("/later/:name") { _ async in
                let before = running()
                await Task.yield()
                return .text("\(before), \(running())")
            }
        }
        client.time = 7
        for name in ["anna", "bert"] {
            #expect(try client.get("/at-once/\(name)").body == "GET /at-once/\(name)")
            #expect(try client.get("/later/\(name)").body == "GET /later/\(name), GET /later/\(name)")
        }
        #expect(box.current == nil)
        let (first, second) = (try client.start("GET", "/later/first"), try client.start("GET", "/later/second"))
        #expect(box.current == nil)
        #expect(box.waiting == 2)
        #expect(box.oldestWaiting?.description == "GET /later/first")
        turn(client.loop)
        #expect(first.response?.body == "GET /later/first, GET /later/first")
        #expect(second.response?.body == "GET /later/second, GET /later/second")
        #expect(box.waiting == 0)
        #expect(box.current == nil)
    }
}

private final class Mutable<Value>: @unchecked Sendable {
    var value: Value
    init(_ value: Value) { self.value = value }
}

@safe private final class BoxMemory: @unchecked Sendable {
    private let words = UnsafeMutablePointer<UInt64>.allocate(capacity: BlackBox.byteCount / 8)
    let box: BlackBox

    init() {
        unsafe words.initialize(repeating: 0, count: BlackBox.byteCount / 8)
        box = unsafe BlackBox(at: words)
    }

    deinit { unsafe words.deallocate() }
}
