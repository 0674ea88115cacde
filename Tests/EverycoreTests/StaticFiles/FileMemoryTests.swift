// Facts about what a worker remembers of files: when it looks again, what it holds, and what it chooses among siblings.

import Everycore
import Testing

struct FileMemoryTests {
    private let directory: TestDirectory
    init() throws { directory = TestDirectory() }

    private func files(_ capacity: Int) throws -> (StaticFiles, TestClient) {
        var settings = ServerConfiguration.Files()
        settings.cacheSize = capacity
        let files = StaticFiles(root: try DocumentRoot(directory.path), settings: settings)
        return (files, try TestClient(files: files) { _ in })
    }

    @Test func `a file is looked at again after a second`() throws {
        directory.write("a.txt", "old")
        let client = try directory.client()
        client.time = 5_000_000_000
        let old = try client.get("/a.txt")
        directory.write("a.txt", "newer", age: 60)
        client.time = 5_900_000_000
        #expect(try client.get("/a.txt").body == "old")
        client.time = 6_100_000_000
        let new = try client.get("/a.txt")
        #expect(new.body == "newer")
        #expect(new["etag"] != old["etag"])
        directory.remove("a.txt")
        client.time = 8_000_000_000
        #expect(try client.get("/a.txt").status == 404)
    }

    @Test func `a file too large for memory stays open, and is looked at each time`() throws {
        directory.write("big.txt", String(repeating: "a", count: 70_000))
        let (files, client) = try files(1 << 20)
        for _ in 0..<3 { #expect(try client.get("/big.txt").body.utf8.count == 70_000) }
        #expect(directory.openFiles == ["big.txt"])
        #expect(files.cachedFiles == 1)
        #expect(files.cachedBytes < 10_000)
        directory.write("big.txt", String(repeating: "b", count: 80_000), age: 60)
        let response = try client.get("/big.txt")
        #expect(response.body == String(repeating: "b", count: 80_000))
        #expect(response["content-length"] == "80000")
        directory.write("new.txt", String(repeating: "c", count: 80_000))
        directory.rename("new.txt", to: "big.txt")
        #expect(try client.get("/big.txt").body == String(repeating: "c", count: 80_000))
        #expect(try client.send("GET", "/big.txt", headers: [("Range", "bytes=79999-")]).body == "c")
        #expect(directory.openFiles == ["big.txt"])
        directory.remove("big.txt")
        #expect(try client.get("/big.txt").status == 404)
    }

    @Test func `not more than 64 files stay open`() throws {
        for index in 0..<70 { directory.write("\(index).txt", String(repeating: "x", count: 70_000)) }
        let (_, client) = try files(1 << 20)
        for index in 0..<140 { #expect(try client.get("/\(index % 70).txt").body.utf8.count == 70_000) }
        #expect(directory.openFiles.count == 64)
    }

    @Test func `the memory has a bound, and what is asked for stays`() throws {
        for index in 0..<40 { directory.write("\(index).txt", String(repeating: "x", count: 10_000)) }
        let (files, client) = try files(100_000)
        for index in 0..<40 {
            #expect(try client.get("/\(index).txt").status == 200)
            #expect(try client.get("/0.txt").status == 200)
            #expect(files.cachedBytes <= 100_000)
        }
        #expect(files.cachedFiles > 4)
        directory.write("0.txt", "changed", age: 60)
        #expect(try client.get("/0.txt").body.hasPrefix("xxx"), "it was evicted")
    }

    @Test func `files that are written again and again leave nothing behind in the memory`() throws {
        for index in 0..<20 { directory.write("\(index).txt", String(repeating: "x", count: 10_000)) }
        let (files, client) = try files(100_000)
        for round in 1...60 {
            client.time = UInt64(round) * 4_000_000_000
            directory.write("0.txt", "old", age: 60)
            for index in 1..<20 {
                #expect(try client.get("/0.txt").status == 200)
                #expect(try client.get("/\(index).txt").status == 200)
            }
            // It is young, and forgotten.
            directory.write("0.txt", "young", age: 0)
            client.time += 2_000_000_000
            #expect(try client.get("/0.txt").body == "young")
            #expect(files.cachedBytes <= 100_000)
        }
        // What was asked for last is kept, and not what is no longer considered.
        for name in ["a.txt", "b.txt", "c.txt", "d.txt"] {
            directory.write(name, String(repeating: "x", count: 10_000))
            for _ in 0..<2 { #expect(try client.get("/" + name).status == 200) }
        }
        directory.write("a.txt", "changed", age: 60)
        #expect(try client.get("/a.txt").body.hasPrefix("xxx"), "it wasn't kept")
    }

    @Test func `a bound of nothing keeps nothing`() throws {
        directory.write("a.txt", "a")
        let (files, client) = try files(0)
        for _ in 0..<3 { #expect(try client.get("/a.txt").body == "a") }
        #expect(files.cachedFiles == 0)
        directory.write("big.txt", String(repeating: "a", count: 70_000))
        for _ in 0..<2 { #expect(try client.get("/big.txt").status == 200) }
        #expect(directory.openFiles.isEmpty)
        directory.write("a.txt", "changed", age: 60)
        #expect(try client.get("/a.txt").body == "changed")
    }

    @Test func `young files aren't kept`() throws {
        directory.write("a.txt", "a", age: 0)
        let (files, client) = try files(1 << 20)
        #expect(try client.get("/a.txt").body == "a")
        #expect(files.cachedFiles == 0)
    }

    @Test func `the sibling that the client likes best is sent`() throws {
        directory.write("app.js", "identity")
        directory.write("app.js.gz", "gzip")
        directory.write("app.js.br", "brotli")
        directory.write("plain.js", "plain")
        for capacity in [0, 1 << 20] {
            let (_, client) = try files(capacity)
            var tags: Set<String> = []
            for (accept, body, coding) in [
                ("gzip, br", "brotli", "br"), ("gzip", "gzip", "gzip"), ("br;q=0.1, gzip;q=0.2", "gzip", "gzip"), ("zstd", "identity", nil),
                ("identity;q=0, gzip", "gzip", "gzip"), ("br;q=0", "identity", nil),
            ] as [(String, String, String?)] {
                for _ in 0..<2 {
                    let response = try client.send("GET", "/app.js", headers: [("Accept-Encoding", accept)])
                    #expect(response.body == body)
                    #expect(response["content-encoding"] == coding)
                    #expect(response["content-type"] == "text/javascript; charset=utf-8")
                    #expect(response["vary"] == "Accept-Encoding")
                    tags.insert(response["etag"] ?? "")
                }
            }
            #expect(tags.count == 3)
            #expect(try client.get("/app.js").body == "identity")
            #expect(try client.get("/app.js")["vary"] == "Accept-Encoding")
            let refused = try client.send("GET", "/app.js", headers: [("Accept-Encoding", "*;q=0")])
            #expect(refused.status == 406)
            #expect(refused["vary"] == "Accept-Encoding")
            let plain = try client.send("GET", "/plain.js", headers: [("Accept-Encoding", "gzip")])
            #expect(plain.body == "plain")
            #expect(plain["vary"] == nil)
        }
    }

    @Test func `conditions and ranges are the chosen sibling's`() throws {
        directory.write("app.js", "identity")
        directory.write("app.js.zst", "zstandard")
        let (_, client) = try files(1 << 20)
        let fields = [("Accept-Encoding", "zstd")]
        let tag = try client.send("GET", "/app.js", headers: fields)["etag"] ?? ""
        let fresh = try client.send("GET", "/app.js", headers: fields + [("If-None-Match", tag)])
        #expect(fresh.status == 304)
        #expect(fresh["vary"] == "Accept-Encoding")
        #expect(try client.send("GET", "/app.js", headers: [("If-None-Match", tag)]).status == 200)
        #expect(try client.send("GET", "/app.js", headers: fields + [("Range", "bytes=0-3")]).body == "zsta")
    }

    @Test func `siblings are left alone where they aren't wanted`() throws {
        directory.write("app.js", "identity")
        directory.write("app.js.gz", "gzip")
        let client = try directory.client { $0.precompressed = false }
        let response = try client.send("GET", "/app.js", headers: [("Accept-Encoding", "gzip")])
        #expect(response.body == "identity")
        #expect(response["vary"] == nil)
        #expect(try client.get("/app.js.gz")["content-type"] == "application/gzip")
    }
}
