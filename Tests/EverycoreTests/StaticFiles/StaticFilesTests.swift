// Facts about files as clients see them: what is served, and with which fields.

import Everycore
import Testing

struct StaticFilesTests {
    private let directory: TestDirectory

    init() throws {
        directory = TestDirectory()
        directory.write("hello.txt", "Hello, file!")
        directory.write("empty.css", "")
        directory.makeDirectory("docs")
        directory.write("docs/index.html", "<p>docs")
        directory.makeDirectory("bare")
        directory.write("bare/a & <b>.txt", "x")
    }

    @Test(arguments: [true, false])
    func `a file has its type, its length, its date and a strong tag`(walks: Bool) throws {
        let response = try directory.client(walks: walks).get("/hello.txt?query")
        #expect(response.status == 200)
        #expect(response.body == "Hello, file!")
        #expect(response["content-type"] == "text/plain; charset=utf-8")
        #expect(response["content-length"] == "12")
        #expect(response["accept-ranges"] == "bytes")
        #expect(response["last-modified"]?.hasSuffix(" GMT") == true)
        #expect(response["vary"] == nil)
        #expect(response["cache-control"] == nil)
        let tag = try #require(response["etag"].flatMap { EntityTag(parsing: $0) })
        #expect(!tag.isWeak)
        #expect(tag.opaque.split(separator: "-").count == 4)
    }

    @Test func `HEAD is GET without a body, from disk and from memory`() throws {
        let client = try directory.client()
        for path in ["/hello.txt", "/hello.txt", "/empty.css", "/docs/"] {
            let head = try client.send("HEAD", path)
            let get = try client.get(path)
            #expect(head.status == 200)
            #expect(head.body == "")
            #expect(head.fields.map { "\($0)" } == get.fields.map { "\($0)" })
        }
        #expect(try client.get("/empty.css")["content-length"] == "0")
    }

    @Test func `a directory without its slash is sent to the one with it, with the query`() throws {
        let client = try directory.client()
        let response = try client.get("/docs?a=b&c")
        #expect(response.status == 301)
        #expect(response["location"] == "docs/?a=b&c")
        #expect(try client.get("/docs/../docs")["location"] == "docs/")
        #expect(try client.get("/docs/").body == "<p>docs")
        #expect(try client.get("/docs/")["content-type"] == "text/html; charset=utf-8")
    }

    @Test func `a file with a slash at its end isn't there`() throws {
        #expect(try directory.client().get("/hello.txt/").status == 404)
    }

    @Test func `the index pages are tried in order`() throws {
        let client = try directory.client { $0.index = ["home.htm", "index.html"] }
        #expect(try client.get("/docs/").body == "<p>docs")
        directory.write("docs/home.htm", "home")
        client.time = 2_000_000_000
        #expect(try client.get("/docs/").body == "home")
        let none = try directory.client { $0.index = [] }
        #expect(try none.get("/docs/").status == 404)
    }

    @Test func `a directory is listed only where that is wanted, and its names can't become markup`() throws {
        #expect(try directory.client().get("/bare/").status == 404)
        let client = try directory.client { $0.listing = true }
        directory.makeDirectory("bare/sub")
        directory.write("bare/.hidden", "x")
        let page = try client.get("/bare/")
        #expect(page.status == 200)
        #expect(page["content-type"] == "text/html; charset=utf-8")
        #expect(page.body.contains(#"<a href="./a%20%26%20%3Cb%3E.txt">a &amp; &lt;b&gt;.txt</a>"#))
        #expect(page.body.contains(#"<a href="./sub/">sub/</a>"#))
        #expect(page.body.contains(#"<a href="../">"#))
        #expect(!page.body.contains("hidden"))
        #expect(try client.get("/docs/").body == "<p>docs")
        #expect(try client.get("/").body.contains("Index of /<"))
    }

    @Test func `a listing is coded as any page is`() throws {
        let client = try directory.client(compressor: try compressor()) { $0.listing = true }
        let exchange = try client.finish("GET", "/bare/", headers: [("Accept-Encoding", "gzip")])
        #expect(exchange.response?["content-encoding"] == "gzip")
        #expect(exchange.response?["vary"] == "Accept-Encoding")
        #expect(decoded(exchange.content, .gzip)?.contains("Index of /bare/") == true)
        let plain = try client.get("/bare/")
        #expect(plain["content-encoding"] == nil && plain["vary"] == "Accept-Encoding" && plain.body.contains("Index of /bare/"))
        let head = try client.send("HEAD", "/bare/")
        #expect(head.body == "" && head["content-length"] == plain["content-length"])
    }

    @Test func `other methods are refused with those that are offered`() throws {
        let client = try directory.client()
        for method in ["POST", "PUT", "DELETE", "PATCH", "TRACE"] {
            let response = try client.send(method, "/hello.txt")
            #expect(response.status == 405)
            #expect(response["allow"] == "GET, HEAD, OPTIONS")
        }
        let options = try client.send("OPTIONS", "/hello.txt")
        #expect(options.status == 204)
        #expect(options["allow"] == "GET, HEAD, OPTIONS")
        #expect(try client.send("POST", "/nothing").status == 404)
        for method in ["OPTIONS", "TRACE", "DELETE"] { #expect(try client.send(method, "/nothing").status == 404) }
        #expect(try client.send("TRACE", "/hello.txt").status == 405)
        #expect(try client.send("BREW", "/nothing").status == 501)
        #expect(try client.send("OPTIONS", "*")["allow"] == "GET, HEAD, OPTIONS")
    }

    @Test func `routes win over files, and the page at the root yields to the index`() throws {
        directory.write("health", "a file")
        directory.write("index.html", "the root's index")
        let client = try directory.client { _ in
        } routes: {
            $0.post("/hello.txt") { _ in .text("posted") }
            $0.addHealth()
        }
        #expect(try client.get("/health").body == "ok\n")
        #expect(try client.get("/").body == "the root's index")
        #expect(try client.get("/hello.txt").status == 405)
        #expect(try client.get("/docs/").body == "<p>docs")
    }

    @Test func `demonstrations yield to every file, and answer where none is`() throws {
        directory.write("plaintext", "a file")
        directory.makeDirectory("echo")
        let client = try directory.client { _ in
        } routes: {
            $0.addHealth()
            $0.addDemonstration(hasFiles: true)
        }
        #expect(try client.get("/plaintext").body == "a file")
        #expect(try client.get("/plaintext").body == "a file")
        #expect(try client.send("POST", "/plaintext").status == 405)
        #expect(try client.get("/echo").status == 301)
        #expect(try client.get("/json").body.contains("Hello"))
        #expect(try client.send("POST", "/json").status == 405)
        #expect(try client.get("/").status == 404)
        #expect(try client.get("/none").status == 404)
    }

    @Test func `Cache-Control is the first rule's that matches`() throws {
        let rules = try #require(CacheRule(pattern: "*.txt", value: "public, max-age=60"))
        let all = try #require(CacheRule(pattern: "/docs/*", value: "no-cache"))
        let client = try directory.client { $0.cacheControl = [rules, all] }
        #expect(try client.get("/hello.txt")["cache-control"] == "public, max-age=60")
        #expect(try client.get("/docs/")["cache-control"] == "no-cache")
        #expect(try client.get("/empty.css")["cache-control"] == nil)
    }

    @Test func `a file that was just written has a weak tag`() throws {
        directory.write("new.txt", "new", age: 0)
        let client = try directory.client()
        let response = try client.get("/new.txt")
        #expect(response["etag"]?.hasPrefix("W/\"") == true)
        #expect(try client.send("GET", "/new.txt", headers: [("If-None-Match", response["etag"] ?? "")]).status == 304)
        #expect(try client.send("GET", "/new.txt", headers: [("If-Match", response["etag"] ?? "")]).status == 412)
    }

    @Test func `a handler sends a file as it would be sent from the root`() throws {
        let path = directory.path + "/hello.txt"
        let client = try TestClient {
            $0.get("/file") { try .file(path, for: $0).header("X-Own", "1") }
            $0.get("/typed") { try .file(path, for: $0, contentType: "text/x-test") }
            $0.get("/none") { try .file("/nonexistent/file", for: $0) }
        }
        let response = try client.get("/file")
        #expect(response.body == "Hello, file!")
        #expect(response["x-own"] == "1")
        #expect(response["content-type"] == "text/plain; charset=utf-8")
        #expect(try client.get("/typed")["content-type"] == "text/x-test")
        #expect(try client.send("GET", "/file", headers: [("If-None-Match", response["etag"] ?? "")]).status == 304)
        #expect(try client.send("GET", "/file", headers: [("Range", "bytes=-5")]).body == "file!")
        #expect(try client.send("GET", "/file", headers: [("Range", "bytes=12-")]).status == 416)
        #expect(try client.get("/none").status == 404)
        #expect(try client.send("HEAD", "/file")["content-length"] == "12")
    }

    @Test func `conditions on what another method did say nothing of the file that it answers with`() throws {
        let path = directory.path + "/hello.txt"
        let client = try TestClient { $0.post("/file") { try .file(path, for: $0) } }
        for (name, value) in [
            ("If-None-Match", "*"), ("If-Modified-Since", "Sun, 06 Nov 2094 08:49:37 GMT"), ("If-Match", "\"other\""), ("Range", "bytes=0-1"),
        ] {
            let response = try client.send("POST", "/file", headers: [(name, value)])
            #expect(response.status == 200, "\(name)")
            #expect(response.body == "Hello, file!", "\(name)")
        }
    }

    @Test func `the 304 of a handler's file has the fields of its 200, whatever is compressed`() throws {
        let path = directory.path + "/hello.txt"
        let client = try TestClient(compressor: try compressor(minimum: 1)) { $0.get("/file") { try .file(path, for: $0) } }
        for accepted in ["gzip", "identity"] {
            let whole = try client.send("GET", "/file", headers: [("Accept-Encoding", accepted)])
            let tag = try #require(whole["etag"])
            let notModified = try client.send("GET", "/file", headers: [("Accept-Encoding", accepted), ("If-None-Match", tag)])
            #expect(whole.status == 200 && notModified.status == 304)
            #expect(notModified["etag"] == tag && !tag.hasPrefix("W/"))
            #expect(notModified["vary"] == whole["vary"])
        }
    }
}
