// Facts about requests: which handler runs, and the response when none can.

import Everycore
import Testing

struct ApplicationTests {
    private struct Secret: Error, CustomStringConvertible { let description = "the password is\n1234" }

    @Test func `a synchronous handler is answered within the call`() throws {
        let client = try TestClient { $0.get("/hello") { _ in .text("Hello") } }
        let exchange = try client.start("GET", "/hello")
        let response = try #require(exchange.response)
        #expect(response.status == 200)
        #expect(response.body == "Hello")
        #expect(response["content-type"] == "text/plain; charset=utf-8")
        #expect(response["content-length"] == "5")
        #expect(response["date"] == "Thu, 01 Jan 1970 00:00:00 GMT")
    }

    @Test func `parameters are decoded when they are read`() throws {
        let client = try TestClient {
            $0.get("/hello/:name") { .text("Hello, \($0.parameters["name"] ?? "?")") }
            $0.get("/files/*rest") { .text("\($0.parameters["rest"] ?? "?") \($0.parameters["other"] ?? "-")") }
            $0.get("/number/:n") { .text("\(try $0.parameters.require("n", as: Int.self) + 1)") }
        }
        #expect(try client.get("/hello/J%C3%BCrgen%20M").body == "Hello, Jürgen M")
        #expect(try client.get("/hello/a%2Fb+c").body == "Hello, a/b+c")
        #expect(try client.get("/hello/%FF").body == "Hello, \u{FFFD}")
        #expect(try client.get("/files/a/b%2f%2e%2e/c?d").body == "a/b/../c -")
        #expect(try client.get("/number/41").body == "42")
        #expect(try client.get("/number/x").status == 400)
    }

    @Test func `an unknown path is a 404 in plain text`() throws {
        let client = try TestClient { $0.get("/a") { _ in .text("a") } }
        let response = try client.get("/b")
        #expect(response.status == 404)
        #expect(response.body == "nothing here\n")
        #expect(response["content-type"] == "text/plain; charset=utf-8")
        #expect(response["content-length"] == "13")
        #expect(response["date"] != nil)
    }

    @Test func `a method that isn't offered is a 405 that lists those that are`() throws {
        let client = try TestClient {
            $0.get("/a") { _ in .text("a") }
            $0.put("/a") { _ in .empty() }
        }
        let response = try client.send("POST", "/a")
        #expect(response.status == 405)
        #expect(response["allow"] == "GET, HEAD, PUT, OPTIONS")
    }

    @Test func `TRACE is a 405 where the path exists`() throws {
        let client = try TestClient { $0.get("/a") { _ in .text("a") } }
        #expect(try client.send("TRACE", "/a").status == 405)
        #expect(try client.send("TRACE", "/a")["allow"] == "GET, HEAD, OPTIONS")
        #expect(try client.send("TRACE", "/b").status == 404)
    }

    @Test func `OPTIONS without a handler lists the methods`() throws {
        let client = try TestClient {
            $0.get("/a") { _ in .text("a") }
            $0.post("/b") { _ in .text("b") }
            $0.options("/b") { _ in .text("own") }
        }
        let one = try client.send("OPTIONS", "/a")
        #expect(one.status == 204)
        #expect(one["allow"] == "GET, HEAD, OPTIONS")
        #expect(one.names.contains("content-length") == false)
        let all = try client.send("OPTIONS", "*")
        #expect(all.status == 204)
        #expect(all["allow"] == "GET, HEAD, POST, OPTIONS")
        #expect(try client.send("OPTIONS", "/b").body == "own")
        #expect(try client.send("OPTIONS", "/c").status == 404)
    }

    @Test func `OPTIONS with an asterisk means the server, also where a pattern would match a segment`() throws {
        let client = try TestClient {
            $0.get("/a") { _ in .text("a") }
            $0.put("/:any") { _ in .text("put") }
            $0.options("/*rest") { _ in .text("own") }
        }
        let all = try client.send("OPTIONS", "*")
        #expect(all.status == 204)
        #expect(all["allow"] == "GET, HEAD, PUT, OPTIONS")
        #expect(try client.send("OPTIONS", "/b").body == "own")
    }

    @Test func `HEAD has GET's header section and no body`() throws {
        let client = try TestClient {
            $0.get("/a") { _ in Response.text("some text").header("X-One", "1") }
            $0.get("/later") { request async in .text("some text") }
        }
        for path in ["/a", "/later"] {
            let get = try client.get(path)
            let head = try client.send("HEAD", path)
            #expect(head.status == 200)
            #expect(head.body == "")
            #expect(head.names == get.names)
            #expect(head["content-length"] == "9")
        }
    }

    @Test func `an HTTPError is for the client`() throws {
        let client = try TestClient {
            $0.get("/user") { _ in
                var error = HTTPError(429, "slow down")
                error.headers["Retry-After"] = "5"
                throw error
            }
            $0.get("/plain") { _ in throw HTTPError(403) }
        }
        let response = try client.get("/user")
        #expect(response.status == 429)
        #expect(response.body == "slow down\n")
        #expect(response["retry-after"] == "5")
        #expect(try client.get("/plain").body == "forbidden\n")
        #expect(client.log.lines.isEmpty)
    }

    @Test func `any other error is a 500 without its text, which goes to the log in one line`() throws {
        let client = try TestClient {
            $0.get("/now") { _ in throw Secret() }
            $0.get("/later") { request async throws in throw Secret() }
            $0.get("/odd") { _ in throw HTTPError(200, "fine") }
        }
        for path in ["/now", "/later"] {
            let response = try client.get(path)
            #expect(response.status == 500)
            #expect(response.body == "the server failed to answer this request\n")
        }
        #expect(try client.get("/odd").status == 500)
        #expect(
            client.log.lines == [
                "error handler failed: GET /now: the password is\\n1234",
                "error handler failed: GET /later: the password is\\n1234",
                "error handler failed: GET /odd: 200 fine",
            ])
    }

    @Test(arguments: [
        Response.text("x").header("X-A", "1\r\nSet-Cookie: a=b"), Response.text("x").header("X A", "1"),
        Response.text("x").header("", "1"), Response.text("x").header("X-A", "a\0b"),
        Response.text("x").header("Content-Length", "1"), Response.bytes([], contentType: "a\nb"),
        Response.text("x").status(99), Response.text("x").status(100), Response.text("x").status(1000),
    ])
    func `a response that can't go on the wire is a 500 and a line in the log`(response: Response) throws {
        let client = try TestClient { $0.get("/") { _ in response } }
        #expect(try client.get("/").status == 500)
        #expect(client.log.lines.count == 1)
        #expect(client.log.lines.first?.hasPrefix("error unsendable response: GET /: ") == true)
    }

    @Test func `a body is complete when the handler runs, and bounded`() throws {
        let client = try TestClient(bodyLimit: 8) { $0.post("/") { .text("\($0.body.count) \($0.body.text)") } }
        #expect(try client.send("POST", "/", body: "12345678").body == "8 12345678")
        #expect(try client.send("POST", "/").body == "0 ")
        #expect(try client.send("POST", "/", body: "123456789").status == 413)
    }
}
