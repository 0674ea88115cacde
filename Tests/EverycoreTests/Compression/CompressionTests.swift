// Facts about the coding of responses that handlers make: which are coded, for which clients, and what their fields say.

import Everycore
import Testing

let page = String(repeating: "Everycore compresses what handlers answer.\n", count: 100)
let constantPage: StaticString = """
    0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz
    0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrstuvwxyz
    """

func compressor(_ codings: [ContentCoding] = [.gzip], minimum: Int = 64, level: Int = 4) throws -> ResponseCompressor {
    var settings = ServerConfiguration.Compression()
    settings.codings = codings
    settings.minimum = minimum
    settings.level = level
    return try #require(ResponseCompressor(settings))
}

struct CompressionTests {
    private func client(_ answer: @escaping (Request) throws -> Response) throws -> TestClient {
        try TestClient(compressor: try compressor()) { $0.get("/", answer) }
    }

    private func answer(
        _ method: String = "GET", accepting value: String? = "gzip", _ answer: @escaping (Request) throws -> Response
    ) throws -> TestResponse {
        try client(answer).send(method, "/", headers: value.map { [("Accept-Encoding", $0)] } ?? [])
    }

    @Test func `nothing is coded unless a coding is configured`() {
        #expect(ServerConfiguration().compression.codings.isEmpty)
        #expect(ResponseCompressor(ServerConfiguration().compression) == nil)
    }

    @Test func `texts, bytes and constants come back as they were, in each coding of the build`() throws {
        for coding in ContentCoding.available {
            for level in [1, 4, 9] {
                let client = try TestClient(compressor: try compressor([coding], level: level)) {
                    $0.get("/text") { _ in .text(page) }
                    $0.get("/bytes") { _ in .bytes(Array(page.utf8), contentType: "application/json") }
                    $0.get("/constant") { _ in .html(constantPage) }
                }
                // Twice, since encoders are used again and constants are kept.
                for (path, content) in [("/text", page), ("/bytes", page), ("/constant", constantPage.description)] + [
                    ("/text", page), ("/constant", constantPage.description),
                ] {
                    let exchange = try client.finish("GET", path, headers: [("Accept-Encoding", coding.name.description)])
                    let response = try #require(exchange.response)
                    #expect(response["content-encoding"] == coding.name.description)
                    #expect(response["content-length"] == "\(exchange.content.count)")
                    #expect(response["vary"] == "Accept-Encoding")
                    #expect(exchange.content.count < content.utf8.count / 2)
                    #expect(decoded(exchange.content, coding) == content)
                }
            }
        }
    }

    @Test func `a client that takes no coding gets the content as it is, and caches are told`() throws {
        for value in [nil, "", "identity", "gzip;q=0", "*;q=0", "deflate", "gzip;q=0.5, identity;q=0.8"] {
            let response = try answer(accepting: value) { _ in .text(page).header("ETag", "\"1\"") }
            #expect(response.status == (value == "*;q=0" ? 406 : 200), "\(value ?? "none")")
            #expect(response["content-encoding"] == nil)
            #expect(response["vary"] == "Accept-Encoding")
            if response.status == 200 {
                #expect(response.body == page)
                #expect(response["etag"] == "\"1\"")
            }
        }
        for value in ["gzip", "x-gzip", "GZIP;q=0.001", "*", "identity;q=0, *", "br, gzip;q=0.1", "gzip, identity"] {
            #expect(try answer(accepting: value) { _ in .text(page) }["content-encoding"] == "gzip", "\(value)")
        }
    }

    @Test func `several lines of the field count as one`() throws {
        let client = try client { _ in .text(page) }
        let headers = [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")]
        #expect(try client.send("GET", "/", headers: headers)["content-encoding"] == "gzip")
    }

    @Test func `where nothing fits, a page is refused, and what is done stays told`() throws {
        let client = try TestClient(compressor: try compressor()) {
            $0.get("/") { _ in .text(page) }
            $0.post("/") { _ in .text(page) }
            $0.get("/error") { _ in .text(page).status(500) }
            $0.get("/small") { _ in .text("small") }
        }
        let nothing = [("Accept-Encoding", "identity;q=0, br")]
        let refused = try client.send("GET", "/", headers: nothing)
        #expect(refused.status == 406)
        #expect(refused["vary"] == "Accept-Encoding")
        #expect(try client.send("POST", "/", headers: nothing).body == page)
        #expect(try client.send("GET", "/error", headers: nothing).status == 500)
        #expect(try client.send("GET", "/small", headers: nothing).body == "small")
    }

    @Test func `the minimum is where coding begins`() throws {
        let client = try TestClient(compressor: try compressor(minimum: 100)) {
            $0.get("/below") { _ in .text(String(repeating: "a", count: 99)) }
            $0.get("/at") { _ in .text(String(repeating: "a", count: 100)) }
            $0.get("/constant") { _ in .text("constant") }
        }
        let headers = [("Accept-Encoding", "gzip")]
        for path in ["/below", "/constant"] {
            let response = try client.send("GET", path, headers: headers)
            #expect(response["content-encoding"] == nil)
            #expect(response["vary"] == nil)
        }
        #expect(try client.send("GET", "/at", headers: headers)["content-encoding"] == "gzip")
    }

    @Test func `what is compressed already, or unknown, is left alone`() throws {
        let left = [
            "image/png", "image/jpeg", "video/mp4", "audio/mpeg", "application/zip", "application/gzip", "font/woff2", "font/woff",
            "application/pdf", "application/octet-stream", "application/epub+zip", "application/x-something", "",
        ]
        for type in left {
            let response = try answer { _ in .bytes(Array(page.utf8), contentType: type) }
            #expect(response["content-encoding"] == nil, "\(type)")
            #expect(response["vary"] == nil, "\(type)")
        }
        let taken = [
            "text/plain", "Text/HTML; charset=utf-8", "text/event-stream", "application/json", "application/problem+json",
            "application/javascript;charset=utf-8", "image/svg+xml", "application/atom+xml", "application/wasm", "font/ttf",
        ]
        for type in taken {
            let response = try answer { _ in .bytes(Array(page.utf8), contentType: type) }
            #expect(response["content-encoding"] == "gzip", "\(type)")
        }
        // The field that the handler set is the one that counts.
        #expect(try answer { _ in .text(page).header("content-type", "image/png") }["content-encoding"] == nil)
    }

    @Test func `fields that forbid it are obeyed`() throws {
        let forbidding = [
            ("Content-Encoding", "br"), ("content-encoding", "identity"), ("Cache-Control", "public, No-Transform"),
            ("Content-Range", "bytes 0-4299/9000"), ("Content-Digest", "sha-256=:x:"), ("Repr-Digest", "sha-256=:x:"),
        ]
        for (name, value) in forbidding {
            let response = try answer { _ in .text(page).header(name, value).header("ETag", "\"1\"") }
            #expect(response.body == page, "\(name)")
            #expect(response["etag"] == "\"1\"")
            #expect(response["vary"] == nil)
        }
        #expect(try answer { _ in .text(page).header("Cache-Control", "public, max-age=1") }["content-encoding"] == "gzip")
        for status in [204, 205, 206] {
            #expect(try answer { _ in .text(page).status(status) }["content-encoding"] == nil, "\(status)")
        }
        #expect(try answer { _ in .text(page).status(404) }["content-encoding"] == "gzip")
    }

    @Test func `a strong tag becomes weak, a weak one stays, and ranges are no longer offered`() throws {
        let strong = try answer { _ in .text(page).header("ETag", "\"1\"").header("Accept-Ranges", "bytes") }
        #expect(strong["etag"] == "W/\"1\"")
        #expect(strong["accept-ranges"] == nil)
        #expect(try answer { _ in .text(page).header("ETag", "W/\"1\"") }["etag"] == "W/\"1\"")
    }

    @Test func `a 304 has the Vary and the tag of the 200`() throws {
        let response = try answer { _ in Response.empty(304).header("ETag", "\"1\"") }
        #expect(response.status == 304)
        #expect(response["vary"] == "Accept-Encoding")
        #expect(response["etag"] == "W/\"1\"")
        #expect(response["content-encoding"] == nil)
        #expect(try answer(accepting: nil) { _ in Response.empty(304).header("ETag", "\"1\"") }["etag"] == "\"1\"")
    }

    @Test func `Vary is added once`() throws {
        for value in ["*", "Origin, accept-encoding"] {
            let response = try answer { _ in .text(page).header("Vary", value) }
            #expect(response.fields.filter { $0.name == "vary" }.map(\.value) == [value])
        }
        let response = try answer { _ in .text(page).header("Vary", "Origin") }
        #expect(response.fields.filter { $0.name == "vary" }.map(\.value) == ["Origin", "Accept-Encoding"])
    }

    @Test func `HEAD has GET's fields`() throws {
        let client = try client { _ in .text(page).header("ETag", "\"1\"") }
        let headers = [("Accept-Encoding", "gzip")]
        let (get, head) = (try client.send("GET", "/", headers: headers), try client.finish("HEAD", "/", headers: headers))
        let response = try #require(head.response)
        #expect(head.content.isEmpty)
        #expect(response.fields.map(\.name) == get.fields.map(\.name))
        #expect(response.fields.map(\.value) == get.fields.map(\.value))
    }

    @Test(.enabled(if: ContentCoding.available.count == 3, "needs the traits Brotli and Zstd"))
    func `of several codings the client's favourite is taken`() throws {
        let codings = ContentCoding.available
        let client = try TestClient(compressor: try compressor(codings)) { $0.get("/") { _ in .text(page) } }
        for (value, coding) in [
            ("gzip, deflate, br, zstd", "br"), ("gzip, zstd", "zstd"), ("gzip;q=1, br;q=0.9", "gzip"), ("zstd;q=0.2, *;q=0.1", "zstd"),
        ] {
            #expect(try client.send("GET", "/", headers: [("Accept-Encoding", value)])["content-encoding"] == coding)
        }
    }
}
