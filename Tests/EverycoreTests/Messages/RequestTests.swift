// Facts about what a handler reads of a request.

import Everycore
import HTTPTypes
import Testing

struct RequestTests {
    /// Sends a request and returns what the handler makes of it.
    private func read(
        _ target: String, method: String = "GET", headers: [(String, String)] = [], body: String = "",
        _ read: @escaping (Everycore.Request) throws -> String
    ) throws -> String {
        let client = try TestClient { routes in
            for method in [HTTPRequest.Method.get, .post] {
                routes.on(method, "/*path") { .text(try read($0)) }
            }
        }
        return try client.send(method, target, headers: headers, body: body).body
    }

    @Test func `path and query are as they were sent`() throws {
        #expect(try read("/a%20b/c?d=%20e") { "\($0.path) \($0.query ?? "-")" } == "/a%20b/c d=%20e")
        #expect(try read("/a") { "\($0.path) \($0.query ?? "-")" } == "/a -")
        #expect(try read("/a?") { "\($0.path) [\($0.query ?? "-")]" } == "/a []")
        #expect(try read("/a%20b") { $0.withPathBytes { "\($0.byteCount)" } } == "6")
    }

    @Test(arguments: [
        ("ms=5", "5"), ("a=1&ms=5&ms=6", "5"), ("ms=a+b%2Bc%26", "a b+c&"), ("ms", ""), ("ms=", ""), ("m%73=7", "7"),
        ("ms=a=b", "a=b"), ("&&ms=1&", "1"), ("msx=1", "-"), ("", "-"), ("=ms", "-"), ("MS=1", "-"), ("ms=%C3%BC", "ü"),
    ])
    func `a query item is found by its decoded name`(query: String, value: String) throws {
        #expect(try read("/?\(query)") { $0.queryItem("ms") ?? "-" } == value)
    }

    @Test func `query items come in their order`() throws {
        let items = try read("/?a=1&b&=c&a=2") { $0.queryItems.map { "\($0.name):\($0.value)" }.joined(separator: " ") }
        #expect(items == "a:1 b: :c a:2")
    }

    @Test func `header fields are found in any case, and those for the connection aren't shown`() throws {
        let headers = [("X-One", "1"), ("x-one", "2"), ("Connection", "X-Hop"), ("X-Hop", "3")]
        #expect(try read("/", headers: headers) { $0.header("X-ONE") ?? "-" } == "1")
        #expect(try read("/", headers: headers) { $0.headers("x-One").joined(separator: ",") } == "1,2")
        #expect(try read("/", headers: headers) { $0.header("X-Hop") ?? "-" } == "-")
        #expect(
            try read("/", headers: headers) { request in
                request.headerFields.map { "\($0.name.canonicalName)=\($0.value)" }.joined(separator: " ")
            } == "host=test x-one=1 x-one=2 connection=X-Hop")
    }

    @Test func `the authority of an absolute target wins over Host`() throws {
        #expect(try read("http://example.com:81/a") { "\($0.authority ?? "-") \($0.path)" } == "example.com:81 /a")
        #expect(try read("/a") { $0.authority ?? "-" } == "test")
    }

    @Test func `method, worker and body are at hand`() throws {
        #expect(try read("/", method: "POST", body: "ü") { "\($0.method) \($0.body.count) \($0.body.text)" } == "POST 2 ü")
        #expect(try read("/", method: "POST", body: "ab") { $0.body.withBytes { "\($0.byteCount)" } } == "2")
        #expect(try read("/") { "\($0.worker.slot) \($0.worker.generation) \($0.worker.pid)" } == "2 3 4711")
    }

    private struct Point: Codable {
        let x: Int
        let y: Int
    }

    @Test func `JSON comes in and goes out as values, and malformed JSON is a 400`() throws {
        let client = try TestClient {
            $0.post("/swap") { request in
                let point = try request.json(Point.self)
                return try .json(Point(x: point.y, y: point.x))
            }
        }
        let response = try client.send("POST", "/swap", body: #"{"x":1,"y":2}"#)
        #expect(response.body == #"{"x":2,"y":1}"#)
        #expect(response["content-type"] == "application/json")
        for body in ["", "{", #"{"x":1}"#, #"{"x":"1","y":2}"#] {
            #expect(try client.send("POST", "/swap", body: body).status == 400, "\(body)")
        }
    }
}
