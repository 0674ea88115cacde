// When a 100 is sent: where the client waits for it, and not where its content has come already (RFC 9110 §10.1.1).

import EverycoreHTTP
import Testing

@Suite struct ContinueTests {
    private static let chunked = "Transfer-Encoding: chunked"

    private func statuses(_ client: RawClient) throws -> [Int] { try WireResponse.parse(client.received).map(\.status) }

    @Test(arguments: ["/echo", "/later-echo/20"], [("hello", "Content-Length: 5"), ("5\r\nhello\r\n0\r\nA: b\r\n\r\n", chunked)])
    func `none is sent where all of the content came with the head`(path: String, content: (bytes: String, field: String)) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect()
        client.send(post(path, content.bytes, "Expect: 100-continue", content.field) + ConnectionRuleTests.probe)
        client.read()
        #expect(try statuses(client) == [200, 200])
        #expect(client.text.contains("hello"))
    }

    @Test(arguments: ["/echo", "/later-echo/20"], [("", "Content-Length: 5"), ("hel", "Content-Length: 5"), ("", chunked), ("5\r\nhello\r\n0\r\n", chunked)])
    func `one is sent where content is missing`(path: String, content: (bytes: String, field: String)) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect()
        client.send(post(path, content.bytes, "Expect: 100-continue", content.field))
        #expect(client.read(until: "HTTP/1.1 100 Continue\r\n\r\n"))
        let whole = content.field == Self.chunked ? "5\r\nhello\r\n0\r\n\r\n" : "hello"
        client.send(raw(String(whole.dropFirst(content.bytes.count))) + ConnectionRuleTests.probe)
        client.read()
        #expect(try statuses(client) == [100, 200, 200])
    }

    @Test func `malformed content that came with the head is refused without one`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/echo", "5\r\nhelloX", "Expect: 100-continue", Self.chunked))
        client.read()
        #expect(try statuses(client) == [400])
    }

    @Test func `a final status without a look at the content closes, also where the content came with the head`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        for path in ["/early", "/later/5"] {
            let client = try server.connect()
            client.send(post(path, "hello", "Expect: 100-continue", "Content-Length: 5") + ConnectionRuleTests.probe)
            client.read()
            let responses = try WireResponse.parse(client.received)
            #expect(responses.map(\.status) == [200])
            #expect(responses.last?["connection"] == "close")
        }
    }
}
