// Facts about the coding of responses whose content comes piece by piece, or is so long that it leaves that way.

import Everycore
import Testing

struct StreamedCompressionTests {
    private let headers = [("Accept-Encoding", "gzip")]

    @Test func `each piece can be decoded when it comes`() throws {
        let pieces = (1...20).map { "event \($0)\n" } + [page, ""]
        let client = try TestClient(compressor: try compressor()) {
            $0.get("/") { _ in
                .stream { writer in
                    for piece in pieces { try await writer.write(piece) }
                }
            }
        }
        let exchange = try client.finish("GET", "/", headers: headers)
        let response = try #require(exchange.response)
        #expect(response["content-encoding"] == "gzip")
        #expect(response["vary"] == "Accept-Encoding")
        let inflater = Inflater()
        let decoded = exchange.pieces.map { String(decoding: inflater.decode($0), as: UTF8.self) }
        // The empty piece sends nothing; what completes the content carries none of it.
        #expect(decoded == pieces.dropLast() + [""])
        #expect(inflater.isComplete)
    }

    @Test func `it comes back as it was, in each coding of the build`() throws {
        for coding in ContentCoding.available {
            let client = try TestClient(compressor: try compressor([coding])) {
                $0.get("/") { _ in
                    .stream { writer in
                        for number in 1...1000 { try await writer.write("line \(number)\n") }
                        try await writer.write([UInt8](repeating: 0x61, count: 1_000_000))
                    }
                }
            }
            let exchange = try client.finish("GET", "/", headers: [("Accept-Encoding", coding.name.description)])
            let content = (1...1000).map { "line \($0)\n" }.joined() + String(repeating: "a", count: 1_000_000)
            #expect(decoded(exchange.content, coding) == content, "\(coding.name)")
        }
    }

    @Test func `an announced length is the content's and not the coded bytes'`() throws {
        let client = try TestClient(compressor: try compressor()) {
            $0.get("/whole") { _ in .stream(length: 100) { try await $0.write(String(repeating: "b", count: 200)) } }
            $0.get("/short") { _ in .stream(length: 100) { try await $0.write(String(repeating: "b", count: 99)) } }
            $0.get("/small") { _ in .stream(length: 5) { try await $0.write("small") } }
        }
        // What is beyond the length is dropped, as it is without a coding.
        let whole = try client.finish("GET", "/whole", headers: headers)
        #expect(decoded(whole.content, .gzip) == String(repeating: "b", count: 100))
        // What is less must not look whole.
        #expect(try client.start("GET", "/short", headers: headers).response == nil)
        let small = try client.send("GET", "/small", headers: headers)
        #expect(small.body == "small")
        #expect(small["vary"] == nil)
    }

    @Test func `a long body leaves in portions`() throws {
        let long = String(repeating: page, count: 200)
        let client = try TestClient(compressor: try compressor(ContentCoding.available)) {
            $0.get("/") { _ in .text(long) }
        }
        for coding in ContentCoding.available {
            let exchange = try client.finish("GET", "/", headers: [("Accept-Encoding", coding.name.description)])
            #expect(exchange.pieces.count > long.utf8.count / 65536)
            #expect(decoded(exchange.content, coding) == long)
        }
        #expect(try client.get("/").body == long)
    }

    @Test func `HEAD names the coding and codes nothing`() throws {
        let client = try TestClient(compressor: try compressor()) {
            $0.get("/") { _ in .stream { try await $0.write("x") } }
        }
        let exchange = try client.finish("HEAD", "/", headers: headers)
        #expect(exchange.response?["content-encoding"] == "gzip")
        #expect(exchange.content.isEmpty)
    }
}
