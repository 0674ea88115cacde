// The coding of generated responses as a client reads it off the wire (rule 42).

import Everycore
import Glibc
import Testing

struct CompressionOverSocketsTests {
    private func server() throws -> SocketServer {
        try SocketServer(compressor: try compressor()) { routes in
            routes.get("/page") { _ in .text(page).header("ETag", "\"1\"") }
            routes.get("/short") { _ in .text("short").header("ETag", "\"1\"") }
            routes.get("/stream") { _ in
                .stream { writer in
                    for _ in 0..<3 { try await writer.write(page) }
                }
            }
        }
    }

    private func get(_ server: SocketServer, _ path: String, _ fields: String...) -> (head: [String], body: [UInt8]) {
        let lines = fields.map { $0 + "\r\n" }.joined()
        let bytes = server.exchange("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\(lines)\r\n")
        let blank = Array("\r\n\r\n".utf8)
        let end = bytes.indices.dropLast(3).first { bytes[$0..<$0 + 4].elementsEqual(blank) } ?? bytes.count
        let head = String(decoding: bytes[..<end], as: UTF8.self).split(separator: "\r\n").map(String.init)
        return (head.map { $0.hasPrefix("Date: ") ? "Date: D" : $0 }, Array(bytes.dropFirst(end + 4)))
    }

    @Test(arguments: [
        "gzip", "GZIP", "gzip;q=0.1", "br;q=0, gzip;q=0.3, *;q=0.1", "identity;q=0.1, x-gzip", "*",
    ])
    func `a client that takes gzip gets it`(accepted: String) throws {
        let (head, body) = get(try server(), "/page", "Accept-Encoding: \(accepted)")
        #expect(
            head == [
                "HTTP/1.1 200 OK", "Date: D", "Content-Type: text/plain; charset=utf-8", "Content-Length: \(body.count)", "Connection: close",
                "Vary: Accept-Encoding", "Content-Encoding: gzip", "ETag: W/\"1\"",
            ])
        #expect(decoded(body, .gzip) == page)
    }

    @Test(arguments: ["", "identity", "gzip;q=0", "br", "*;q=0, identity", "gzip;q=0.5, identity"])
    func `another one gets it as it is`(accepted: String) throws {
        let (head, body) = get(try server(), "/page", "Accept-Encoding: \(accepted)")
        #expect(
            head == [
                "HTTP/1.1 200 OK", "Date: D", "Content-Type: text/plain; charset=utf-8", "Content-Length: \(page.utf8.count)",
                "Connection: close", "ETag: \"1\"", "Vary: Accept-Encoding",
            ])
        #expect(body == Array(page.utf8))
    }

    @Test func `a client that accepts no coding gets a 406, and a short answer isn't coded`() throws {
        let server = try server()
        let (head, _) = get(server, "/page", "Accept-Encoding: *;q=0")
        #expect(head.first == "HTTP/1.1 406 Not Acceptable" && head.contains("Vary: Accept-Encoding"))
        let (short, body) = get(server, "/short", "Accept-Encoding: gzip")
        #expect(!short.contains { $0.hasPrefix("Content-Encoding") || $0.hasPrefix("Vary") } && body == Array("short".utf8))
    }

    @Test func `a 304 has the tag of the 200`() throws {
        let server = try server()
        let (head, body) = get(server, "/page", "Accept-Encoding: gzip", "If-None-Match: W/\"1\"")
        #expect(head == ["HTTP/1.1 304 Not Modified", "Date: D", "Connection: close", "Vary: Accept-Encoding", "ETag: W/\"1\""])
        #expect(body.isEmpty)
    }

    @Test func `a stream is coded as it is made`() throws {
        let (head, body) = get(try server(), "/stream", "Accept-Encoding: gzip")
        #expect(head.contains("Transfer-Encoding: chunked") && head.contains("Content-Encoding: gzip"))
        var content: [UInt8] = []
        var rest = body[...]
        while let end = rest.firstIndex(of: 13), let size = Int(String(decoding: rest[..<end], as: UTF8.self), radix: 16), size > 0 {
            content += rest.dropFirst(end - rest.startIndex + 2).prefix(size)
            rest = rest.dropFirst(end - rest.startIndex + 2 + size + 2)
        }
        #expect(rest.elementsEqual("0\r\n\r\n".utf8))
        #expect(decoded(content, .gzip) == String(repeating: page, count: 3))
    }
}
