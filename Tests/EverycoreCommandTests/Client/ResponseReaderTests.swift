// Responses as the command's client takes them apart.

import EverycoreCommandLine
import Testing

struct ResponseReaderTests {
    /// The content, fed in pieces of so many bytes.
    private func read(_ text: String, piece: Int = .max, ends: Bool = false) throws -> (content: String, reader: ResponseReader) {
        var reader = ResponseReader()
        var content: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            content += try reader.take(rest.prefix(piece))
            rest = rest.dropFirst(piece)
        }
        if ends { try reader.end() }
        return (String(decoding: content, as: UTF8.self), reader)
    }

    @Test(arguments: [1, 2, 3, 7, 1000]) func `a response is the same in pieces of any size`(piece: Int) throws {
        let length = try read("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello", piece: piece)
        #expect(length.content == "hello" && length.reader.isOver && length.reader.status == 200)
        let chunked = try read(
            "HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\n", piece: piece)
        #expect(chunked.content == "hello0123456789abcdef" && chunked.reader.isOver && chunked.reader.status == 503)
        let open = try read("HTTP/1.0 200 OK\r\n\r\nto the end", piece: piece, ends: true)
        #expect(open.content == "to the end" && open.reader.isOver)
        let interim = try read("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n", piece: piece)
        #expect(interim.reader.isOver && interim.reader.status == 204)
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ])
    func `what is no response is said to be none`(text: String) {
        #expect(throws: ResponseReader.Malformed.notHTTP) { try read(text) }
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"])
    func `what never comes to content ends`(beginning: String) throws {
        let part = beginning.isEmpty ? "HTTP/1.1 100 C\r\n\r\n" : "X: y\r\n"
        #expect(throws: ResponseReader.Malformed.tooLong) { try read(beginning + String(repeating: part, count: 20_000), piece: 1000) }
    }

    @Test func `an end before the end is told`() {
        for text in [
            "", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        ] {
            #expect(throws: ResponseReader.Malformed.cutShort) { try read(text, ends: true) }
        }
        #expect(throws: ResponseReader.Malformed.notHTTP) { try read("hi", ends: true) }
    }

    @Test func `a head without an end is refused`() {
        let field = "X: " + String(repeating: "y", count: 1000) + "\r\n"
        #expect(throws: ResponseReader.Malformed.tooLong) { try read("HTTP/1.1 200 OK\r\n" + String(repeating: field, count: 70)) }
        #expect(throws: ResponseReader.Malformed.tooLong) { try read("HTTP/1.1 200 OK\r\nX: " + String(repeating: "y", count: 70_000)) }
    }
}

struct AdminAddressTests {
    @Test(arguments: [
        ("/run/everycore/8080.sock", AdminAddress.path("/run/everycore/8080.sock")), ("./a.sock", .path("./a.sock")), ("a.sock", .path("a.sock")),
        ("unix:/run/a.sock", .path("/run/a.sock")), ("@everycore/0/8080", .abstract("everycore/0/8080")),
        ("http://127.0.0.1:8081", .tcp(host: "127.0.0.1", port: 8081)), ("http://host:8081/stats", .tcp(host: "host", port: 8081)),
        ("[::1]:8081", .tcp(host: "::1", port: 8081)),
    ])
    func `an address is read as it is written`(text: String, address: AdminAddress) { #expect(AdminAddress(text) == address) }

    @Test(arguments: ["", "8081", "host", ":8081", "host:99999", "http://", "@", "a b:80", "/" + String(repeating: "a", count: 107)])
    func `what is none is refused`(text: String) { #expect(AdminAddress(text) == nil) }
}
