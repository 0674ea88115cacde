// Facts about the routes that every server has, and those that the command demonstrates.

import Everycore
import EverycoreLoop
import Testing

struct BuiltInRoutesTests {
    private func client() throws -> TestClient {
        try TestClient {
            $0.addHealth()
            $0.addDemonstration()
        }
    }

    @Test func `plaintext and json are constants`() throws {
        let text = try client().get("/plaintext")
        #expect(text.body == "Hello, World!")
        #expect(text["content-type"] == "text/plain; charset=utf-8")
        let json = try client().get("/json")
        #expect(json.body == #"{"message":"Hello, World!"}"#)
        #expect(json["content-type"] == "application/json")
    }

    @Test func `the page at the root is HTML`() throws {
        let page = try client().get("/")
        #expect(page["content-type"] == "text/html; charset=utf-8")
        #expect(page.body.hasPrefix("<!doctype html>"))
    }

    @Test func `whoami names the worker`() throws {
        #expect(try client().get("/whoami").body == #"{"worker":2,"generation":3,"pid":4711}"#)
    }

    @Test(arguments: ["POST", "PUT", "PATCH"])
    func `echo returns the body as what it came`(method: String) throws {
        let response = try client().send(method, "/echo", headers: [("Content-Type", "text/x-test")], body: "hello")
        #expect(response.body == "hello")
        #expect(response["content-type"] == "text/x-test")
        let untyped = try client().send(method, "/echo", body: "hello")
        #expect(untyped["content-type"] == "application/octet-stream")
    }

    @Test func `echo of a request without a body is empty`() throws {
        let response = try client().get("/echo?ignored")
        #expect(response.status == 200)
        #expect(response.body == "")
    }

    @Test func `sleep waits`() throws {
        let client = try client()
        let start = EventLoop.monotonicNanoseconds()
        #expect(try client.get("/sleep?ms=20").body == "slept 20 ms\n")
        #expect(EventLoop.monotonicNanoseconds() - start >= 20_000_000)
        #expect(try client.get("/sleep?ms=0").status == 200)
    }

    @Test func `work computes for the requested time`() throws {
        let client = try client()
        let start = EventLoop.monotonicNanoseconds()
        #expect(try client.get("/work?ms=5").body == "worked 5 ms\n")
        #expect(EventLoop.monotonicNanoseconds() - start >= 5_000_000)
    }

    @Test(arguments: ["", "?ms=", "?ms=-1", "?ms=+1", "?ms=1.5", "?ms=x", "?s=1"])
    func `sleep and work refuse what is no time`(query: String) throws {
        #expect(try client().get("/sleep\(query)").status == 400)
        #expect(try client().get("/work\(query)").status == 400)
    }

    @Test(arguments: ["1001", "99999999999999999999"])
    func `sleep and work take their longest time instead of a longer one`(milliseconds: String) throws {
        let start = EventLoop.monotonicNanoseconds()
        #expect(try client().get("/sleep?ms=\(milliseconds)").body == "slept 1000 ms\n")
        #expect(try client().get("/work?ms=\(milliseconds)").body == "worked 1000 ms\n")
        #expect(EventLoop.monotonicNanoseconds() - start < 10_000_000_000)
    }

    @Test func `work leaves the worker to others, and is refused where there is too much of it`() throws {
        let client = try client()
        let working = try (0..<20).map { _ in try client.start("GET", "/work?ms=500") }
        #expect(working.compactMap { $0.response?.status } == Array(repeating: 503, count: 4))
        let start = EventLoop.monotonicNanoseconds()
        #expect(try client.get("/sleep?ms=1").status == 200)
        #expect(EventLoop.monotonicNanoseconds() - start < 400_000_000)
        #expect(working.prefix(16).allSatisfy { !$0.isAnswered })
    }

    @Test func `ready turns to 503 while the worker drains, and health doesn't`() throws {
        let client = try client()
        #expect(try client.get("/ready").status == 200)
        client.context.isDraining = true
        #expect(try client.get("/ready").status == 503)
        #expect(try client.get("/health").status == 200)
    }

    @Test func `an application's own route stands in for the built-in one, wherever it is registered`() throws {
        let client = try TestClient {
            $0.get("/") { _ in .text("mine") }
            $0.addHealth()
            $0.addDemonstration()
            $0.get("/health") { _ in .text("mine too") }
        }
        #expect(try client.get("/").body == "mine")
        #expect(try client.get("/health").body == "mine too")
        #expect(try client.get("/ready").status == 200)
    }

    @Test func `demonstrations yield to every route that matches their paths`() throws {
        let client = try TestClient {
            $0.addHealth()
            $0.addDemonstration()
            $0.get("/:page") { .text("page \($0.parameters["page"] ?? "")") }
        }
        #expect(try client.get("/plaintext").body == "page plaintext")
        #expect(try client.send("POST", "/echo", body: "x").status == 405)
        #expect(try client.get("/").body.hasPrefix("<!doctype html>"))
        #expect(try client.get("/health").body == "ok\n")
        let catching = try TestClient {
            $0.post("/*rest") { _ in .text("all") }
            $0.addDemonstration()
        }
        #expect(try catching.get("/plaintext").status == 405)
        #expect(try catching.get("/").status == 405)
    }

    @Test func `the links of the pages hold behind a proxy that removed a prefix`() throws {
        #expect(try client().get("/").body.contains("href=\"plaintext\""))
        #expect(try !client().get("/").body.contains("href=\"/"))
    }
}
