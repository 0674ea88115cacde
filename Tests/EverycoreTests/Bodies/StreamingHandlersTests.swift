// Facts about handlers whose content comes or goes piece by piece, with everything between the socket and the handler in place.

import Everycore
import EverycoreLoop
import Glibc
import Synchronization
import Testing

struct StreamingHandlersTests {
    /// Whether the first of two tasks ended on its own, or was cancelled after so long.
    private static func isOver(within time: Duration, on loop: EventLoop, _ body: @escaping @Sendable () async throws -> Void) async -> Bool {
        await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { try await body() } catch { return !(error is CancellationError) }
                return true
            }
            group.addTask {
                try? await loop.sleep(for: time)
                return true
            }
            _ = await group.next()
            group.cancelAll()
            return await group.next() ?? false
        }
    }

    private final class Stream: @unchecked Sendable {
        let body: BodyStream
        let loop: EventLoop

        init(_ request: Request, _ body: BodyStream) {
            self.body = body
            loop = request.context.loop
        }

        func echo(to writer: BodyWriter) async throws {
            for try await piece in body { try await writer.write(piece) }
        }
    }

    private static func content(_ response: [UInt8]) -> String {
        let text = String(decoding: response, as: UTF8.self)
        return text.split(separator: "\r\n\r\n", maxSplits: 1).last.map { String($0) } ?? ""
    }

    @Test func `a 100 is never sent within a response that has begun`() throws {
        let server = try SocketServer { routes in
            routes.stream(.put, "/", upTo: 1000) { request, body in
                let stream = Stream(request, body)
                return .stream { try await stream.echo(to: $0) }
            }
        }
        let response = server.exchange(
            "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
        #expect(Self.content(response) == "5\r\nhello\r\n0\r\n\r\n")
    }

    @Test func `no piece of a content is empty`() throws {
        let server = try SocketServer { routes in
            routes.stream(.put, "/", upTo: 1000) { _, body in
                var counts: [Int] = []
                for try await piece in body { counts.append(piece.count) }
                return .text("\(counts)")
            }
        }
        let connection = server.connect()
        defer { close(connection) }
        SocketServer.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", to: connection)
        #expect(String(decoding: SocketServer.read(connection, atLeast: 25), as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
        SocketServer.send("hello", to: connection)
        #expect(Self.content(SocketServer.read(connection)) == "[5]")
    }

    @Test func `a task that is cancelled while it waits for content goes on, and the content stays`() throws {
        let server = try SocketServer { routes in
            routes.stream(.put, "/", upTo: 1000) { request, body in
                let stream = Stream(request, body)
                return .stream { writer in
                    let isOver = await Self.isOver(within: .milliseconds(20), on: stream.loop) { for try await _ in stream.body {} }
                    try await writer.write("\(isOver) ")
                    try await stream.echo(to: writer)
                }
            }
        }
        let connection = server.connect()
        defer { close(connection) }
        SocketServer.send("PUT / HTTP/1.0\r\nContent-Length: 7\r\n\r\nhe", to: connection)
        var response = ""
        while !response.hasSuffix("false ") {
            let more = SocketServer.read(connection, atLeast: 1)
            guard !more.isEmpty else { break }
            response += String(decoding: more, as: UTF8.self)
        }
        #expect(response.hasSuffix("\r\n\r\nfalse "))
        SocketServer.send("later", to: connection)
        #expect(String(decoding: SocketServer.read(connection), as: UTF8.self) == "later")
    }

    @Test func `a task that is cancelled while it waits for room goes on, and so does the response`() throws {
        let outcomes = Mutex<[Bool]>([])
        let server = try SocketServer { routes in
            routes.get("/") { request in
                let loop = request.context.loop
                return .stream { writer in
                    let isOver = await Self.isOver(within: .milliseconds(20), on: loop) {
                        while true { try await writer.write([UInt8](repeating: 0x61, count: 65536)) }
                    }
                    // Nothing is taken for good that no caller waits for.
                    let piled = await Self.isOver(within: .zero, on: loop) {
                        for _ in 0..<1000 { try? await writer.write([UInt8](repeating: 0x62, count: 65536)) }
                    }
                    outcomes.withLock { $0 = [isOver, piled] }
                    try await writer.write("end")
                }
            }
        }
        let connection = server.connect()
        defer { close(connection) }
        SocketServer.send("GET / HTTP/1.0\r\n\r\n", to: connection)
        for _ in 0..<5000 where outcomes.withLock({ $0.isEmpty }) { usleep(1000) }
        #expect(outcomes.withLock { $0 } == [false, true])
        let response = SocketServer.read(connection, atLeast: 64 << 20)
        #expect(response.suffix(3) == Array("end".utf8)[...])
        #expect(response.count { $0 == 0x62 } <= 65536 + 1)
    }
}
