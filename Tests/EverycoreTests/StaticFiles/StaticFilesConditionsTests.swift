// Facts about conditional requests for files, and requests for parts of them.

import Everycore
import Testing

struct StaticFilesConditionsTests {
    private let directory: TestDirectory
    private let client: TestClient
    private let tag: String
    private let date: String

    init() throws {
        directory = TestDirectory()
        directory.write("hello.txt", "Hello, file!")
        client = try directory.client { settings in
            settings.cacheControl = [CacheRule(pattern: "*", value: "max-age=5")].compactMap { $0 }
        }
        let response = try client.get("/hello.txt")
        tag = try #require(response["etag"])
        date = try #require(response["last-modified"])
    }

    private func get(_ fields: (String, String)..., method: String = "GET") throws -> TestResponse {
        try client.send(method, "/hello.txt", headers: fields)
    }

    @Test func `a 304 has what a cache needs, and no body`() throws {
        for field in [("If-None-Match", tag), ("if-none-match", "\"x\", W/\(tag)"), ("If-Modified-Since", date)] {
            for method in ["GET", "HEAD"] {
                let response = try get(field, method: method)
                #expect(response.status == 304)
                #expect(response.body == "")
                #expect(response["etag"] == tag)
                #expect(response["cache-control"] == "max-age=5")
                #expect(response["date"] != nil)
                #expect(response["content-length"] == nil)
                #expect(response["content-type"] == nil)
            }
        }
    }

    @Test func `another version or another date is sent whole`() throws {
        #expect(try get(("If-None-Match", "\"x\"")).status == 200)
        #expect(try get(("If-Modified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")).status == 200)
        #expect(try get(("If-None-Match", "\"x\""), ("If-Modified-Since", date)).status == 200)
        #expect(try get(("If-None-Match", "\"x\""), ("If-None-Match", tag)).status == 304)
    }

    @Test func `a precondition that fails is a 412`() throws {
        #expect(try get(("If-Match", "\"x\"")).status == 412)
        #expect(try get(("If-Match", tag)).status == 200)
        #expect(try get(("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")).status == 412)
        #expect(try get(("If-Unmodified-Since", date)).status == 200)
    }

    @Test func `one part`() throws {
        let response = try get(("Range", "bytes=0-4"))
        #expect(response.status == 206)
        #expect(response.body == "Hello")
        #expect(response["content-range"] == "bytes 0-4/12")
        #expect(response["content-length"] == "5")
        #expect(response["content-type"] == "text/plain; charset=utf-8")
        #expect(response["etag"] == tag)
        #expect(response["cache-control"] == "max-age=5")
        #expect(try get(("Range", "bytes=-5")).body == "file!")
        #expect(try get(("Range", "bytes=7-")).body == "file!")
        #expect(try get(("Range", "bytes=0-4,3-6")).body == "Hello, ")
    }

    @Test func `several parts are a multipart`() throws {
        let response = try get(("Range", "bytes=0-0, -1"))
        #expect(response.status == 206)
        let type = try #require(response["content-type"])
        #expect(type.hasPrefix("multipart/byteranges; boundary="))
        #expect(response["content-range"] == nil)
        let boundary = type.dropFirst("multipart/byteranges; boundary=".count)
        let part = "Content-Type: text/plain; charset=utf-8\r\nContent-Range: bytes"
        #expect(
            response.body
                == "--\(boundary)\r\n\(part) 0-0/12\r\n\r\nH\r\n--\(boundary)\r\n\(part) 11-11/12\r\n\r\n!\r\n--\(boundary)--\r\n")
        #expect(response["content-length"] == "\(response.body.utf8.count)")
    }

    @Test func `no part that exists is a 416 with the length`() throws {
        for range in ["bytes=12-", "bytes=-0"] {
            let response = try get(("Range", range))
            #expect(response.status == 416)
            #expect(response["content-range"] == "bytes */12")
        }
    }

    @Test(arguments: ["lines=0-4", "bytes=4-0", "bytes=x"])
    func `a range that isn't understood is ignored`(range: String) throws {
        let response = try get(("Range", range))
        #expect(response.status == 200)
        #expect(response.body == "Hello, file!")
    }

    @Test func `a range counts for GET, and under If-Range for the same version`() throws {
        #expect(try get(("Range", "bytes=0-4"), method: "HEAD").status == 200)
        #expect(try get(("Range", "bytes=0-4"), method: "HEAD")["content-length"] == "12")
        #expect(try get(("Range", "bytes=0-4"), ("If-Range", tag)).status == 206)
        #expect(try get(("Range", "bytes=0-4"), ("If-Range", date)).status == 206)
        #expect(try get(("Range", "bytes=0-4"), ("If-Range", "\"x\"")).body == "Hello, file!")
        #expect(try get(("Range", "bytes=12-"), ("If-Range", "\"x\"")).status == 200)
    }
}
