// Facts about files on real connections: sendfile, several parts, and files that change while they are sent.

import Everycore
import Glibc
import Testing

struct FilesOverSocketsTests {
    private let directory: TestDirectory
    private let server: SocketServer
    /// Bytes that tell their place.
    private let large = String((0..<400_000).map { "\($0)," }.joined().prefix(2_000_000))

    init() throws {
        directory = TestDirectory()
        directory.write("large.txt", large)
        directory.write("small.txt", "Hello, file!")
        let files = StaticFiles(root: try DocumentRoot(directory.path), settings: ServerConfiguration.Files())
        server = try SocketServer(files: files)
    }

    private func get(_ path: String, _ fields: String = "", method: String = "GET") -> TestResponse {
        let request = "\(method) \(path) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\(fields)\r\n"
        return TestResponse(String(decoding: server.exchange(request), as: UTF8.self))
    }

    @Test func `a large file arrives whole, also a second time`() {
        for _ in 0..<2 {
            let response = get("/large.txt")
            #expect(response["content-length"] == "2000000")
            #expect(response.body == large)
        }
        #expect(get("/large.txt", method: "HEAD").body == "")
    }

    @Test func `a large file is closed a second after its last request`() {
        #expect(get("/large.txt").body == large)
        #expect(directory.openFiles == ["large.txt"])
        directory.remove("large.txt")
        let isClosed = (0..<50).contains { _ in
            usleep(100_000)
            return directory.openFiles.isEmpty
        }
        #expect(isClosed, "a deleted file that stays open keeps its place on the disk")
    }

    @Test func `parts of a large file`() {
        let bytes = Array(large.utf8)
        #expect(get("/large.txt", "Range: bytes=1000-1999999\r\n").body == String(decoding: bytes[1000...], as: UTF8.self))
        let parts = get("/large.txt", "Range: bytes=0-299999,1000000-1999999\r\n")
        #expect(parts.status == 206)
        #expect(parts["content-length"] == "\(parts.body.utf8.count)")
        #expect(parts.body.contains(String(decoding: bytes[..<300_000], as: UTF8.self)))
        #expect(parts.body.contains(String(decoding: bytes[1_000_000...], as: UTF8.self)))
        #expect(parts.body.hasSuffix("--\r\n"))
    }

    @Test func `pipelined requests for files are answered in order`() {
        let one = "GET /small.txt HTTP/1.1\r\nHost: x\r\n\r\n"
        let large = "GET /large.txt HTTP/1.1\r\nHost: x\r\n\r\n"
        let last = "GET /small.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\nRange: bytes=-5\r\n\r\n"
        let bytes = server.exchange(one + large + one + last)
        #expect(statuses(bytes) == ["200", "200", "200", "206"])
        #expect(bytes.suffix(9).elementsEqual("\r\n\r\nfile!".utf8))
        #expect(bytes.count > 2_000_000)
    }

    @Test func `a small file's answer from memory has the bytes of the first one, whatever becomes of its connection`() {
        func answers(_ requests: String) -> String {
            let text = String(decoding: server.exchange(requests), as: UTF8.self)
            return text.split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("Date: ") }.joined(separator: "\r\n")
        }
        func request(_ method: String = "GET", _ fields: String = "", version: String = "1.1") -> String {
            "\(method) /small.txt HTTP/\(version)\r\nHost: x\r\n\(fields)\r\n"
        }
        let closing = request("GET", "Connection: close\r\n")
        let closed = answers(closing)
        #expect(closed.hasSuffix("\r\n\r\nHello, file!"))
        let kept = closed.replacing("Connection: close\r\n", with: "")
        let head = String(kept.dropLast("Hello, file!".count))
        #expect(head.utf8.count + 12 == kept.utf8.count)
        #expect(answers(request() + request() + request("HEAD") + request() + closing) == kept + kept + head + kept + closed)
        #expect(answers(request(version: "1.0")) == closed)
    }

    @Test func `a client that reads slowly gets it whole`() {
        let descriptor = server.connect()
        defer { close(descriptor) }
        SocketServer.send("GET /large.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", to: descriptor)
        var bytes: [UInt8] = []
        for _ in 0..<5 {
            usleep(10_000)
            bytes += SocketServer.read(descriptor, atLeast: 1)
        }
        bytes += SocketServer.read(descriptor)
        #expect(TestResponse(String(decoding: bytes, as: UTF8.self)).body == large)
    }

    @Test func `a file that shrinks while it is sent ends the connection before its length`() {
        let sizes = 40_000_000
        directory.write("shrinks.bin", "")
        #expect(unsafe truncate(directory.path + "/shrinks.bin", sizes) == 0)
        let descriptor = server.connect()
        defer { close(descriptor) }
        SocketServer.send("GET /shrinks.bin HTTP/1.1\r\nHost: x\r\n\r\n", to: descriptor)
        var count = SocketServer.read(descriptor, atLeast: 1).count
        #expect(unsafe truncate(directory.path + "/shrinks.bin", 100) == 0)
        count += SocketServer.read(descriptor).count
        #expect(count < sizes)
        #expect(count > 0)
    }

    @Test func `a file that is removed while it is sent arrives whole`() {
        directory.write("goes.txt", large)
        let descriptor = server.connect()
        defer { close(descriptor) }
        SocketServer.send("GET /goes.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", to: descriptor)
        var bytes = SocketServer.read(descriptor, atLeast: 1)
        directory.remove("goes.txt")
        bytes += SocketServer.read(descriptor)
        #expect(TestResponse(String(decoding: bytes, as: UTF8.self)).body == large)
    }

    @Test func `HTTP 1.0 gets files too`() {
        let text = String(decoding: server.exchange("GET /small.txt HTTP/1.0\r\n\r\n"), as: UTF8.self)
        #expect(text.hasSuffix("Hello, file!"))
    }
}

/// The statuses of all responses in a stream of them.
private func statuses(_ bytes: [UInt8]) -> [String] {
    let start = Array("HTTP/1.1 ".utf8)
    var found: [String] = []
    for index in bytes.indices.dropLast(12) where bytes[index] == start[0] && bytes[index..<index + 9].elementsEqual(start) {
        found.append(String(decoding: bytes[index + 9..<index + 12], as: UTF8.self))
    }
    return found
}
