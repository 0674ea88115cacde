// What one answer leaves behind: for the next one on its connection, for content that still comes, for the worker that gets the
// connection afterwards.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

@Suite struct NextAnswerTests {
    private static func server(
        _ set: (inout ConnectionTimeouts) -> Void = { _ in }, _ handler: @escaping (Exchange) -> Void
    ) throws -> ConnectionServer {
        var timeouts = ConnectionTimeouts()
        set(&timeouts)
        return try StreamedResponseTests.answering(timeouts: timeouts, handler)
    }

    private static func write(_ count: Int, to exchange: Exchange) {
        let bytes = [UInt8](repeating: 0x78, count: count)
        unsafe exchange.write(bytes.span.bytes)
    }

    private static let fileSize = 3_000_000
    /// More than the kernel's buffers hold.
    private static let secondSize = 20_000_000

    @Test(arguments: ["file", "stream", "bytes"])
    func `the write time strikes a client that stops reading behind a file that it has read`(kind: String) throws {
        let file = SentFileTests.Owner(try SentFileTests.file(Self.secondSize))
        let server = try Self.server({ $0.write = 400_000_000 }) { exchange in
            guard exchange.head.path == "/stream/second" else {
                try? exchange.respondFile(status: 200, descriptor: file.descriptor, of: file, offset: 0, length: Int64(Self.fileSize))
                return
            }
            switch kind {
            case "file": try? exchange.respondFile(status: 200, descriptor: file.descriptor, of: file, offset: 0, length: Int64(Self.secondSize))
            case "stream":
                try? exchange.beginResponse(status: 200, length: nil)
                Self.write(Self.secondSize, to: exchange)
            default: try? exchange.respond(status: 200, body: [UInt8](repeating: 0x78, count: Self.secondSize))
            }
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 65536)
        // The second request is here already when the first answer's last bytes go out.
        client.send(StreamedResponseTests.get("/stream/first") + StreamedResponseTests.get("/stream/second"))
        client.read { $0.count > Self.fileSize + 1000 }
        #expect(server.onLoop { server.application.received.count } == 2)
        #expect(server.eventually { $0.openConnections == 0 })
        #expect(server.onLoop { server.figures[.timeoutsWrite] } == 1)
    }

    @Test func `content that stalls is given up, also when its response has begun meanwhile`() throws {
        var kept: Exchange?
        var ends: [BodyFailure?] = []
        var cancelled = 0
        let server = try Self.server({ $0.body = 300_000_000 }) { exchange in
            kept = exchange
            exchange.onCancel = { cancelled += 1 }
            exchange.streamBody(upTo: 1000, piece: { _ in true }, end: { ends.append($0) })
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/stream", "hel", "Content-Length: 5"))
        #expect(server.eventually { _ in kept != nil })
        server.onLoop {
            guard let exchange = kept.take() else { return }
            try? exchange.beginResponse(status: 200, length: nil)
            Self.write(5, to: exchange)
        }
        #expect(client.read() == .closed)
        #expect(client.text.hasSuffix("\r\n\r\n5\r\nxxxxx\r\n"))
        #expect(server.onLoop { ends } == [.incomplete])
        #expect(server.onLoop { cancelled } == 1)
        #expect(server.onLoop { server.figures[.timeoutsBody] } == 1)
        #expect(server.onLoop { server.openConnections } == 0)
    }

    @Test(arguments: [true, false])
    func `content that is too long or stops early ends a begun response, which to an HTTP/1.0 client is no proper end`(isTooLong: Bool) throws {
        let server = try Self.server { exchange in
            try? exchange.beginResponse(status: 200, length: nil)
            Self.write(5, to: exchange)
            exchange.streamBody(upTo: isTooLong ? 3 : 1000, piece: { _ in true }, end: { _ in })
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(raw("POST /stream HTTP/1.0\r\nContent-Length: \(isTooLong ? 5 : 9)\r\n\r\nhello"))
        if !isTooLong {
            #expect(client.read(until: "xxxxx"))
            client.endSending()
        }
        #expect(client.read() == .reset)
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test(arguments: [true, false])
    func `an HTTP/1.0 client that is given up before it has read all doesn't get a proper end`(hasEnded: Bool) throws {
        let server = try Self.server({ $0.write = 300_000_000 }) { exchange in
            try? exchange.beginResponse(status: 200, length: nil)
            Self.write(9_000_000, to: exchange)
            if hasEnded { exchange.end() }
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(StreamedResponseTests.get(version: "1.0"))
        #expect(client.read(until: "200 OK"))
        #expect(server.eventually { $0.openConnections == 0 })
        #expect(client.read() == .reset)
        #expect(client.received.count < 9_000_000)
    }

    @Test(arguments: [204, 304], ["1.1", "1.0"])
    func `a status without content has none, also where a handler writes some`(status: Int, version: String) throws {
        let server = try Self.server { exchange in
            try? exchange.beginResponse(status: status, length: nil)
            Self.write(5, to: exchange)
            exchange.end()
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(request("GET /stream HTTP/\(version)", "Host: a", "Connection: keep-alive") + ConnectionRuleTests.probe)
        client.read()
        let responses = try WireResponse.parse(client.received)
        #expect(responses.map(\.status) == [status, 200])
        #expect(responses.first?.fields.map(\.name) == ["date"] + (version == "1.0" ? ["connection"] : []))
    }

    @Test func `an answer given between two pieces of its request's content lets the next request through`() throws {
        let server = try Self.server { exchange in
            exchange.streamBody(
                upTo: 1000,
                piece: { _ in
                    try? exchange.respond(status: 200, body: raw("early"))
                    return false
                }, end: { _ in })
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(post("/stream", "hel", "Content-Length: 5"))
        #expect(client.read(until: "early"))
        client.send(raw("lo") + ConnectionRuleTests.probe)
        #expect(client.read(seconds: 3) == .closed)
        #expect(try WireResponse.parse(client.received).map(\.text) == ["early", "GET /after"])
    }

    @Test func `a connection that is passed on has the kernel's bound of every other`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        var passed: [Int32] = []
        var wanted = 0
        server.onLoop {
            server.service.excess = (
                count: { wanted },
                passOn: {
                    passed.append(dup($0)); wanted -= 1; return true
                }
            )
        }
        defer { for descriptor in passed { close(descriptor) } }
        let client = try server.connect(receiveBuffer: 65536)
        client.send(request("GET /big/60000000 HTTP/1.1", "Host: a"))
        client.read(seconds: 20) { $0.count > 60_000_000 }
        server.onLoop { wanted = 1 }
        #expect(server.eventually { _ in passed.count == 1 })
        var bound: Int32 = -1
        var length = socklen_t(MemoryLayout<Int32>.size)
        _ = unsafe getsockopt(passed[0], Int32(IPPROTO_TCP), TCP_NOTSENT_LOWAT, &bound, &length)
        #expect(bound == 65536)
        #expect(server.onLoop { server.openConnections } == 0)
    }
}
