// Facts about files of which the file system says one thing and shows another, and about times that say nothing.

import Everycore
import Glibc
import Testing

struct FileFactsTests {
    private let directory: TestDirectory

    init() throws { directory = TestDirectory() }

    private func open(_ name: String) throws -> OpenFile {
        let path = Array(("/" + name).utf8)
        return try DocumentRoot(directory.path).open(try unsafe FilePath(path.span.bytes))
    }

    private func setTime(_ name: String, to seconds: Int) {
        let times = Array(repeating: timespec(tv_sec: seconds, tv_nsec: 0), count: 2)
        #expect(unsafe utimensat(AT_FDCWD, directory.path + "/" + name, times, 0) == 0)
    }

    // MARK: Sizes

    @Test(arguments: ["", "x", String(repeating: "y", count: 65536)]) func `content as long as announced is known`(text: String) throws {
        directory.write("file", text)
        #expect(try open("file").content() == .known(Array(text.utf8)))
    }

    @Test func `a file that was written after it was opened is another one`() throws {
        directory.write("file", "first")
        let file = try open("file")
        for text in ["longer than before", "short", "s", ""] {
            directory.write("file", text, age: text.count)
            #expect(file.content() == .changed, "\(text)")
        }
        #expect(try open("file").content() == .known([]))
    }

    @Test func `a file under proc is sent as it is read, in whatever way it is asked for`() throws {
        let client = try TestClient(files: StaticFiles(root: DocumentRoot("/proc/sys/kernel"), settings: .init())) { routes in
            routes.get("/handler") { try .file("/proc/sys/kernel/ostype", for: $0) }
            routes.get("/long") { try .file("/proc/kallsyms", for: $0) }
        }
        for path in ["/ostype", "/handler"] {
            for fields in [[], [("Range", "bytes=0-1")], [("If-Modified-Since", "Fri, 31 Dec 2100 23:59:59 GMT")]] {
                let response = try client.send("GET", path, headers: fields)
                #expect(response.status == 200)
                #expect(response.body == "Linux\n")
                #expect(response["content-length"] == "6")
                #expect(response["cache-control"] == "no-store")
                #expect(response["etag"] == nil && response["last-modified"] == nil && response["accept-ranges"] == nil)
            }
            let head = try client.send("HEAD", path)
            #expect(head["content-length"] == "6" && head.body == "")
        }
        #expect(try client.get("/ostype").body == "Linux\n")
        let long = try client.finish("GET", "/long")
        #expect(try #require(long.response).body.utf8.count > 200_000 && long.announced == nil)
    }

    @Test(.enabled(if: unsafe access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) == 0))
    func `a file that is shorter than the file system says is sent as it is read`() throws {
        let root = try DocumentRoot("/sys/kernel/mm/transparent_hugepage")
        let client = try TestClient(files: StaticFiles(root: root, settings: .init())) { _ in }
        for _ in 0..<2 {
            for fields in [[], [("Range", "bytes=0-1")]] {
                let response = try client.send("GET", "/enabled", headers: fields)
                #expect(response.status == 200 && response.body.hasSuffix("\n"))
                #expect(response["content-length"] == "\(response.body.utf8.count)")
            }
        }
    }

    // MARK: Times

    @Test(arguments: [0, 1, -86400, 315_532_800]) func `a date that build tools give says nothing, and the tag doesn't rest on it`(seconds: Int) throws {
        directory.write("old", "first")
        setTime("old", to: seconds)
        let client = try directory.client { $0.cacheSize = 0 }
        let first = try client.get("/old")
        #expect(first.status == 200)
        #expect(first["last-modified"] == nil)
        directory.write("old", "other")
        setTime("old", to: seconds)
        let second = try client.get("/old")
        #expect(first["etag"] != nil && first["etag"] != second["etag"])
        for field in ["If-Modified-Since", "If-Unmodified-Since"] {
            #expect(try client.send("GET", "/old", headers: [(field, "Thu, 01 Jan 1970 00:00:00 GMT")]).status == 200)
        }
        #expect(try client.send("GET", "/old", headers: [("If-None-Match", second["etag"] ?? "")]).status == 304)
    }

    @Test func `a time in the future isn't sent, and the tag stands still`() throws {
        directory.write("new", "0123456789", age: -86400)
        let file = try open("new").facts
        let now = file.changeSeconds
        #expect(file.validators(now: now).lastModified == nil)
        #expect(file.validators(now: now).tag.isWeak)
        let later = file.validators(now: now + 3)
        #expect(!later.tag.isWeak && later == file.validators(now: now + 60))
        // When the time has come, it is a time like others.
        let then = file.validators(now: file.seconds + 3)
        #expect(then.lastModified == file.seconds && then.tag == later.tag)
    }

    // MARK: Siblings

    @Test func `a sibling that is older than its file, or empty, isn't sent`() throws {
        for (name, age, text) in [("old", 3700, "gz"), ("same", 3600, "gz"), ("close", 3602, "gz"), ("new", 0, "gz"), ("empty", 0, "")] {
            directory.write(name + ".css", "plain")
            directory.write(name + ".css.gz", text, age: age)
        }
        let client = try directory.client()
        for (name, coding) in [("old", nil), ("same", "gzip"), ("close", "gzip"), ("new", "gzip"), ("empty", nil)] {
            let response = try client.send("GET", "/\(name).css", headers: [("Accept-Encoding", "gzip")])
            #expect(response["content-encoding"] == coding, "\(name)")
            #expect(response.body == (coding == nil ? "plain" : "gz"), "\(name)")
        }
    }

    @Test func `SVGZ says its coding, and is coded no further`() throws {
        directory.write("a.svgz", "packed")
        directory.write("a.svgz.br", "packed twice")
        let client = try directory.client { _ in
        } routes: { [path = directory.path] in
            $0.get("/handler") { try .file(path + "/a.svgz", for: $0) }
        }
        for path in ["/a.svgz", "/handler"] {
            for fields in [[], [("Accept-Encoding", "br, gzip")]] {
                let response = try client.send("GET", path, headers: fields)
                #expect(response.body == "packed")
                #expect(response["content-type"] == "image/svg+xml")
                #expect(response["content-encoding"] == "gzip")
            }
            #expect(try client.send("GET", path, headers: [("Range", "bytes=0-1")])["content-encoding"] == "gzip")
        }
    }

    @Test(arguments: ["bytes=0-", "bytes=0-499", "bytes=-5"]) func `a range of an empty file is all of it`(range: String) throws {
        directory.write("empty", "")
        let response = try directory.client().send("GET", "/empty", headers: [("Range", range)])
        #expect(response.status == 200 && response["content-length"] == "0")
    }
}
