// Handlers that answer another connection's request, or hear of its content, while their own connection uses the worker's buffers.

import EverycoreHTTP
import EverycoreLoop
import Testing

@Suite struct ForeignAnswerTests {
    private let server: ConnectionServer
    init() throws { server = try ConnectionServer() }

    private static func write(_ text: String, to exchange: Exchange) {
        let bytes = raw(text)
        unsafe exchange.write(bytes.span.bytes)
    }

    /// What `/poke` does with the exchange of `/waits`.
    private static let ways: [(name: String, text: String, answer: @Sendable (Exchange) -> Void)] = [
        ("respond", "whole", { try? $0.respond(status: 200, body: raw("whole")) }),
        ("large", String(repeating: "x", count: 6_000_000), { try? $0.respond(status: 200, body: [UInt8](repeating: 0x78, count: 6_000_000)) }),
        (
            "stream", "hello world",
            {
                try? $0.beginResponse(status: 200, length: 11)
                write("hello ", to: $0)
                write("world", to: $0)
                $0.end()
            }
        ),
        (
            "fails, then responds", "second",
            {
                do { try $0.respond(status: 200, fields: [("A", "b\r\nC: d")], body: raw("first")) } catch { try? $0.respond(status: 200, body: raw("second")) }
            }
        ),
        (
            "collects", "hello",
            { exchange in
                exchange.collectBody(upTo: 100) { if case .success(let bytes) = $0 { try? exchange.respond(status: 200, body: bytes) } }
            }
        ),
    ]

    @Test(arguments: ways.indices, [false, true]) func `each client reads its own answers, whole and in order`(way: Int, closes: Bool) throws {
        defer { server.stop() }
        let way = Self.ways[way]
        server.onLoop { [server] in
            var waiting: Exchange?
            server.application.handler = { exchange in
                switch exchange.head.path {
                case "/waits": waiting = exchange
                case "/poke":
                    waiting.map(way.answer)
                    try? exchange.respond(status: 200, fields: closes ? [("Connection", "close")] : [], body: raw("poked \(exchange.head.path)"))
                    waiting = nil
                default: return false
                }
                return true
            }
        }
        let (waits, pokes) = (try server.connect(), try server.connect())
        // Others wait behind it on its connection, one of them in part.
        waits.send(post("/waits", "hello", "Content-Length: 5") + request("GET /next HTTP/1.1", "Host: a") + raw("GET /par"))
        #expect(server.eventually { $0.application.received == ["/waits"] })
        pokes.send(get() + request("GET /poke HTTP/1.1", "Host: a") + request("GET /then HTTP/1.1", "Host: a") + raw("GET /la"))
        waits.read { $0.suffix(9).elementsEqual(raw("GET /next")) }
        waits.send("t HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        waits.read()
        #expect(try WireResponse.parse(waits.received).map(\.text) == [way.text, "GET /next", "GET /part"], "\(way.name)")
        if !closes { pokes.send("st HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") }
        pokes.read()
        #expect(try WireResponse.parse(pokes.received).map(\.text) == ["GET /", "poked /poke"] + (closes ? [] : ["GET /then", "GET /last"]), "\(way.name)")
        for client in [waits, pokes] { client.endSending() }
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test func `a response that another's handler gives up leaves the handler's own answers alone`() throws {
        defer { server.stop() }
        server.onLoop { [server] in
            var waiting: Exchange?
            server.application.handler = { exchange in
                switch exchange.head.path {
                case "/waits":
                    waiting = exchange
                    try? exchange.beginResponse(status: 200, length: nil)
                    Self.write("begun", to: exchange)
                case "/poke":
                    waiting?.abort()
                    try? exchange.respond(status: 200, body: raw("poked"))
                default: return false
                }
                return true
            }
        }
        let (waits, pokes) = (try server.connect(), try server.connect())
        waits.send(request("GET /waits HTTP/1.1", "Host: a"))
        #expect(waits.read(until: "begun"))
        pokes.send(get() + request("GET /poke HTTP/1.1", "Host: a") + ConnectionRuleTests.probe)
        pokes.read()
        #expect(try WireResponse.parse(pokes.received).map(\.text) == ["GET /", "poked", "GET /after"])
        #expect(waits.read() == .closed)
        #expect(waits.text.hasSuffix("\r\n\r\n5\r\nbegun\r\n"))
    }
}
