// Content that is written piece by piece.

import EverycoreHTTP
import EverycoreLoop
import EverycoreStatistics
import Glibc
import Testing

@Suite struct StreamedResponseTests {
    static func answering(
        timeouts: ConnectionTimeouts = ConnectionTimeouts(), _ handler: @escaping (Exchange) -> Void
    ) throws -> ConnectionServer {
        let server = try ConnectionServer(timeouts: timeouts)
        server.onLoop {
            server.application.handler = { exchange in
                guard exchange.head.path.hasPrefix("/stream") else { return false }
                handler(exchange)
                return true
            }
        }
        return server
    }

    static func get(_ path: String = "/stream", version: String = "1.1", method: String = "GET") -> [UInt8] {
        request("\(method) \(path) HTTP/\(version)", "Host: a")
    }

    private static func write(_ exchange: Exchange, _ texts: String...) {
        for text in texts {
            let bytes = raw(text)
            unsafe exchange.write(bytes.span.bytes)
        }
    }

    private func content(_ client: RawClient) -> String {
        client.text.firstRange(of: "\r\n\r\n").map { String(client.text[$0.upperBound...]) } ?? "no head"
    }

    @Test func `content of unknown length is chunked, and the connection goes on`() throws {
        let server = try Self.answering {
            try? $0.beginResponse(status: 200, length: nil)
            Self.write($0, "hello", "", "world!")
            $0.end()
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(Self.get() + Self.get() + request("GET / HTTP/1.1", "Host: a", "Connection: close"))
        #expect(client.read() == .closed)
        let whole = "b\r\nhelloworld!\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"
        #expect(client.text.components(of: whole) == 2)
        #expect(client.text.components(of: "Transfer-Encoding: chunked\r\n") == 2)
        let head = client.text.firstRange(of: "\r\n\r\n").map { client.text[..<$0.lowerBound] }
        #expect(head?.contains("Content-Length") == false)
    }

    @Test func `an HTTP/1.0 client gets it up to the connection's end`() throws {
        let server = try Self.answering {
            try? $0.beginResponse(status: 200, length: nil)
            Self.write($0, "hello", "world!")
            $0.end()
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(Self.get(version: "1.0"))
        #expect(client.read() == .closed)
        #expect(content(client) == "helloworld!")
        #expect(client.text.contains("Connection: close\r\n"))
        #expect(!client.text.contains("Transfer-Encoding"))
    }

    @Test func `to an HTTP/1.0 client what was given up doesn't end properly`() throws {
        let server = try Self.answering {
            try? $0.beginResponse(status: 200, length: nil)
            Self.write($0, "hello")
            $0.abort()
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(Self.get(version: "1.0"))
        #expect(client.read() == .reset)
    }

    @Test(arguments: ["HEAD", "GET"]) func `content of a known length is cut there`(method: String) throws {
        let server = try Self.answering {
            try? $0.beginResponse(status: 200, length: 7)
            #expect($0.sendsContent == ($0.head.method != .head))
            Self.write($0, "hello", "world!")
            $0.end()
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(Self.get(method: method) + request("GET / HTTP/1.1", "Host: a", "Connection: close"))
        #expect(client.read() == .closed)
        let responses = try WireResponse.parse(client.received, heads: method == "HEAD" ? [0] : [])
        #expect(responses.map(\.status) == [200, 200])
        #expect(responses.first?["content-length"] == "7")
        #expect(responses.first?.text == (method == "HEAD" ? "" : "hellowo"))
    }

    @Test(arguments: [nil, 7] as [UInt64?], [true, false]) func `content that stops early closes the connection without an end`(
        length: UInt64?, aborts: Bool
    ) throws {
        let server = try Self.answering {
            try? $0.beginResponse(status: 200, length: length)
            Self.write($0, "hello")
            if aborts || length == nil { $0.abort() } else { $0.end() }
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(Self.get())
        #expect(client.read() != .open)
        #expect(content(client) == (length == nil ? "5\r\nhello\r\n" : "hello"))
        #expect(server.eventually { $0.openConnections == 0 })
    }

    /// Writes for as long as there is room, and counts.
    private final class Producer {
        var written = 0
        var wakeUps = 0
        var cancelled = 0
        var ended = false
        var exchange: Exchange?
        var limit = Int.max
        let piece = [UInt8](repeating: 0x78, count: 65536)

        func run(_ exchange: Exchange) {
            self.exchange = exchange
            exchange.onCancel = { [self] in cancelled += 1 }
            try? exchange.beginResponse(status: 200, length: nil)
            go()
        }

        func go() {
            guard let exchange, !exchange.isAnswered else { return exchange = nil }
            while exchange.isWritable {
                guard written < limit else {
                    ended = true
                    self.exchange = nil
                    return exchange.end()
                }
                let piece = piece
                unsafe exchange.write(piece.span.bytes)
                written += piece.count
            }
            exchange.whenWritable { [self] in
                wakeUps += 1
                go()
            }
        }
    }

    @Test func `a producer waits for its client, holds one piece, and ends with it`() throws {
        let producer = Producer()
        let server = try Self.answering { producer.run($0) }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        client.send(Self.get())
        #expect(client.read(until: "chunked"))
        #expect(server.settles { producer.written })
        let (written, wakeUps) = server.onLoop { (producer.written, producer.wakeUps) }
        #expect(written < 20_000_000, "\(written)")
        // All but a piece of it is in the kernel.
        #expect(written - Int(server.onLoop { server.figures[.bytesOut] }) < 300_000)
        #expect(server.settles { producer.wakeUps })
        #expect(server.onLoop { producer.wakeUps } == wakeUps)
        client.reset()
        #expect(server.eventually { $0.openConnections == 0 })
        #expect(server.onLoop { producer.cancelled } == 1)
        #expect(server.onLoop { producer.wakeUps } == wakeUps + 1)
        #expect(server.onLoop { producer.exchange == nil })
    }

    @Test func `a fast client's stream leaves others their turn, and all of it comes`() throws {
        let producer = Producer()
        producer.limit = 100_000_000
        let server = try Self.answering { producer.run($0) }
        defer { server.stop() }
        let client = try server.connect()
        client.send(request("GET /stream HTTP/1.1", "Host: a", "Connection: close"))
        var size = 0
        while client.end == .open, size < 200_000_000 {
            client.readOnce(upTo: 1 << 20)
            size += client.received.count
            client.clear()
        }
        #expect(client.end == .closed)
        #expect(size > 100_000_000 && size < 100_100_000)
        // Once per MiB at least, however fast the client is.
        #expect(server.onLoop { producer.wakeUps } >= 90)
    }

    @Test func `a drain waits for a stream's end`() throws {
        var exchange: Exchange?
        let server = try Self.answering {
            exchange = $0
            try? $0.beginResponse(status: 200, length: nil)
            Self.write($0, "hello")
        }
        defer { server.stop() }
        let client = try server.connect()
        client.send(Self.get())
        #expect(client.read(until: "hello"))
        var ended = false
        server.drain { ended = true }
        #expect(server.onLoop { !ended && server.openConnections == 1 })
        server.onLoop {
            if let exchange { Self.write(exchange, "world!") }
            exchange?.end()
            exchange = nil
        }
        #expect(client.read() == .closed)
        #expect(content(client) == "5\r\nhello\r\n6\r\nworld!\r\n0\r\n\r\n")
        client.endSending()
        #expect(server.eventually { _ in ended })
    }

    @Test(arguments: [true, false]) func `the write time strikes a client that doesn't read`(laterThanOthers: Bool) throws {
        let producer = Producer()
        var timeouts = ConnectionTimeouts()
        timeouts.write = 400_000_000
        var waiting: Exchange?
        let server = try Self.answering(timeouts: timeouts) {
            if laterThanOthers { waiting = $0 } else { producer.run($0) }
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        // With answers before it, the stream begins when the socket is full already.
        client.send((laterThanOthers ? request("GET /big/9000000 HTTP/1.1", "Host: a") : []) + Self.get())
        if laterThanOthers {
            // The big answer is written before the stream's request is read: it is found when the client has read most of it.
            #expect(server.eventually { $0.application.received.count >= 1 })
            client.read(seconds: 5) { $0.count > 8_990_000 }
            #expect(server.eventually { _ in waiting != nil })
            server.onLoop {
                if let waiting { producer.run(waiting) }; waiting = nil
            }
        }
        #expect(server.eventually { $0.openConnections == 0 })
        #expect(server.onLoop { server.figures[.timeoutsWrite] } == 1)
        #expect(server.onLoop { producer.cancelled } == 1)
    }
}

extension String {
    /// How often a text occurs.
    fileprivate func components(of text: String) -> Int {
        var count = 0
        var rest = self[...]
        while let range = rest.firstRange(of: text) {
            count += 1
            rest = rest[range.upperBound...]
        }
        return count
    }
}
