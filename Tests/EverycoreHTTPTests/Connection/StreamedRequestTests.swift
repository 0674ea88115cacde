// Content that the application takes piece by piece, at its own pace.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

/// Takes the content of `/upload`. Touched on the loop's thread.
final class Upload {
    var bytes: [UInt8] = []
    var count = 0
    var ends: [BodyFailure?] = []
    var cancelled = 0
    var exchange: Exchange?
    /// Bytes after which it pauses, each time.
    var pace = Int.max
    private var sincePause = 0

    func serve(_ server: ConnectionServer, upTo limit: UInt64 = 1 << 40, answers: Bool = true) {
        server.onLoop { [self] in
            server.application.handler = { [self] exchange in
                guard exchange.head.path == "/upload" else { return false }
                self.exchange = exchange
                exchange.onCancel = { [self] in cancelled += 1 }
                exchange.streamBody(upTo: limit) { [self] piece in
                    count += piece.byteCount
                    unsafe piece.withUnsafeBytes { unsafe bytes.append(contentsOf: $0.prefix(max(0, 1 << 20 - bytes.count))) }
                    sincePause += piece.byteCount
                    guard sincePause >= pace else { return true }
                    sincePause = 0
                    return false
                } end: { [self] failure in
                    ends.append(failure)
                    if answers, failure == nil { answer() }
                }
                return true
            }
        }
    }

    func answer() {
        try? exchange?.respond(status: 200, body: raw("\(count)"))
        exchange = nil
    }
}

@Suite struct StreamedRequestTests {
    private func statuses(_ client: RawClient) throws -> [Int] { try WireResponse.parse(client.received).map(\.status) }

    private static func chunked(_ sizes: [Int]) -> [UInt8] {
        var bytes: [UInt8] = []
        var next = 0
        for size in sizes {
            bytes += raw(String(size, radix: 16) + "\r\n") + (next..<next + size).map { UInt8(truncatingIfNeeded: $0) } + raw("\r\n")
            next += size
        }
        return bytes + raw("0\r\n\r\n")
    }

    private static let content = (0..<300).map { UInt8(truncatingIfNeeded: $0) }

    @Test(arguments: [true, false], [Cut.whole, .bytewise, .at([60, 120, 121, 122, 200]), .at([300, 350])])
    func `pieces add up to the content, and the next request is intact`(isChunked: Bool, cut: Cut) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let upload = Upload()
        upload.serve(server)
        let client = try server.connect()
        let body = isChunked ? Self.chunked([1, 16, 200, 83]) : Self.content
        let line = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 300"
        let whole = request("PUT /upload HTTP/1.1", "Host: a", line) + body + ConnectionRuleTests.probe
        client.send(whole, cut: cut)
        client.read()
        #expect(try statuses(client) == [200, 200])
        #expect(server.onLoop { upload.bytes } == Self.content)
        #expect(server.onLoop { upload.ends } == [nil])
    }

    @Test(arguments: [true, false]) func `a client waits while no more is taken, and the worker holds little`(isChunked: Bool) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let upload = Upload()
        upload.pace = 1
        upload.serve(server)
        let client = try server.connect()
        let size = 40_000_000
        client.send(
            request(
                "PUT /upload HTTP/1.1", "Host: a", isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(size)"))
        if isChunked { client.send("\(String(size, radix: 16))\r\n") }
        let bytes = [UInt8](repeating: 0x78, count: size)
        let sent = client.send(bytes[...], seconds: 0.5)
        #expect(sent < 20_000_000, "the kernel's buffers took \(sent)")
        // One piece, and what waits while nothing is read.
        #expect(server.onLoop { server.figures[.bytesIn] } < 400_000)
        server.onLoop {
            upload.pace = .max
            upload.exchange?.resumeBody()
        }
        client.send(bytes[sent...])
        if isChunked { client.send("\r\n0\r\n\r\n") }
        client.send(ConnectionRuleTests.probe)
        client.read(seconds: 10)
        #expect(try statuses(client) == [200, 200])
        #expect(server.onLoop { upload.count } == size)
    }

    @Test(arguments: ["Content-Length: 300", "Transfer-Encoding: chunked"]) func `more than the limit is a 413`(line: String) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let upload = Upload()
        upload.serve(server, upTo: 299)
        let client = try server.connect()
        client.send(request("PUT /upload HTTP/1.1", "Host: a", line))
        client.send(line.hasPrefix("T") ? Self.chunked([100, 200]) : Self.content)
        #expect(client.read() == .closed)
        #expect(try statuses(client) == [413])
        #expect(server.onLoop { upload.ends } == [.tooLarge])
        #expect(server.onLoop { server.figures[.limitBody] } == 1)
    }

    @Test(arguments: [true, false]) func `a client that breaks off is no whole content, and leaves nothing`(resets: Bool) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let upload = Upload()
        upload.serve(server)
        let client = try server.connect()
        client.send(request("PUT /upload HTTP/1.1", "Host: a", "Content-Length: 300") + Self.content.prefix(299))
        #expect(server.eventually { _ in upload.count == 299 })
        if resets { client.reset() } else { client.endSending() }
        #expect(server.eventually { $0.openConnections == 0 })
        #expect(server.onLoop { upload.ends } == [.incomplete])
        #expect(server.onLoop { upload.cancelled } == 1)
    }

    @Test(arguments: [true, false]) func `an answer while content waits unread lets the next request through`(isChunked: Bool) throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let upload = Upload()
        upload.pace = 1
        upload.serve(server, answers: false)
        let client = try server.connect()
        let line = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: 900000"
        // Made before the request is sent: from then on the content's time runs.
        let body = isChunked ? Self.chunked([300_000, 300_000, 300_000]) : [UInt8](repeating: 0x78, count: 900_000)
        client.send(request("PUT /upload HTTP/1.1", "Host: a", line))
        let half = client.send(body[..<450_000], seconds: 1)
        #expect(server.eventually { _ in upload.count > 0 })
        server.onLoop { upload.answer() }
        client.send(body[half...])
        client.send(ConnectionRuleTests.probe)
        client.read(seconds: 3)
        #expect(try statuses(client) == [200, 200])
        #expect(server.onLoop { upload.ends } == [.incomplete])
    }

    @Test func `a client that goes after its content was read is noticed, though reading had paused`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let upload = Upload()
        upload.pace = 1
        upload.serve(server, answers: false)
        let client = try server.connect()
        client.send(request("PUT /upload HTTP/1.1", "Host: a", "Content-Length: 300000"))
        client.send([UInt8](repeating: 0x78, count: 300_000)[...], seconds: 1)
        #expect(
            server.eventually { _ in
                upload.exchange?.resumeBody()
                return upload.ends.count == 1
            })
        #expect(server.onLoop { upload.cancelled } == 0)
        client.reset()
        #expect(server.eventually { _ in upload.cancelled == 1 })
        #expect(server.onLoop { server.openConnections } == 0)
    }

    @Test func `a client that resets while its content waits unread is noticed within two seconds`() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        let upload = Upload()
        upload.pace = 1
        upload.serve(server, answers: false)
        let client = try server.connect()
        client.send(request("PUT /upload HTTP/1.1", "Host: a", "Content-Length: 900000"))
        client.send([UInt8](repeating: 0x78, count: 900_000)[...], seconds: 0.5)
        #expect(server.eventually { _ in upload.count > 0 })
        client.reset()
        #expect(server.eventually { _ in upload.cancelled == 1 })
        #expect(server.onLoop { upload.ends } == [.incomplete])
        #expect(server.onLoop { server.openConnections } == 0)
    }
}
