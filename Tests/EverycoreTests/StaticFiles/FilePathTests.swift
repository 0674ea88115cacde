// Facts about the way from a request's path to a file's.

import Everycore
import Testing

struct FilePathTests {
    private func path(_ text: String) throws(FilePath.Failure) -> FilePath {
        let bytes = Array(text.utf8)
        return try unsafe FilePath(bytes.span.bytes)
    }

    private func text(_ text: String) throws -> String { String(decoding: try path(text).bytes, as: UTF8.self) }

    @Test(
        arguments: [
            ("/", ""), ("/a", "a"), ("/a/b.txt", "a/b.txt"), ("/a/", "a"), ("/a%20b", "a b"), ("/%61", "a"), ("/a/../b", "b"),
            ("/a/%2e%2e/b", "b"), ("/a/./b", "a/b"), ("/a/b/..", "a"), ("/a/%2E/b", "a/b"), ("/..a", nil), ("/a..b", "a..b"),
            (#"/a\..\b"#, #"a\..\b"#), ("/a+b", "a+b"), ("/%2561", "%61"), ("/J%C3%BCrgen", "Jürgen"), ("/a/..", ""),
            ("/.well-known/acme-challenge/x", ".well-known/acme-challenge/x"), ("/a:b", "a:b"), ("/%3Fa", "?a"),
        ] as [(String, String?)])
    func `segments are decoded once, and dot segments resolved`(target: String, expected: String?) throws {
        if let expected { #expect(try text(target) == expected) } else { #expect(throws: FilePath.Failure.absent) { try path(target) } }
    }

    @Test(arguments: ["/..", "/../etc/passwd", "/%2e%2e/etc/passwd", "/a/../../b", "/.%2e/a", "/./..", "/a%00b", "/%00", "/..%00"])
    func `a path above the root, or with NUL, is bad`(target: String) {
        #expect(throws: FilePath.Failure.bad) { try path(target) }
    }

    @Test(arguments: [
        "/..%2f", "/..%2fetc%2fpasswd", "/a%2fb", "/%2f", "//", "//etc/passwd", "/a//b", "/.git/config", "/.env", "/a/.htaccess",
        "/%2egit/config", "/a/.well-known/x", "/...", "/.well-knownx", "", "*", "a", "/" + String(repeating: "a", count: 256),
        String(repeating: "/aaaaaaaaa", count: 500),
    ])
    func `names that no served file has are absent`(target: String) {
        #expect(throws: FilePath.Failure.absent) { try path(target) }
    }

    @Test func `a slash or a dot segment at the end means a directory`() throws {
        for target in ["/", "/a/", "/a/.", "/a/b/..", "/a/%2e"] { #expect(try path(target).isDirectory, "\(target)") }
        for target in ["/a", "/a/../b", "/a."] { #expect(try !path(target).isDirectory, "\(target)") }
    }

    @Test func `the last segment is escaped, so that it can be an address`() throws {
        #expect(try path("/a%20b/%C3%BC/x:y").lastSegment == "x%3Ay")
        #expect(try path("/a%0d%0aSet-Cookie:x").lastSegment == "a%0D%0ASet-Cookie%3Ax")
        #expect(try path("/a/b/../%63").lastSegment == "c")
        #expect(FilePath.escaped(Array("a/b c".utf8)) == "a%2Fb%20c")
    }
}

struct MediaTypeTests {
    @Test(arguments: [
        ("index.html", "text/html; charset=utf-8"), ("A.HTML", "text/html; charset=utf-8"), ("a/b.css", "text/css; charset=utf-8"),
        ("app.min.js", "text/javascript; charset=utf-8"), ("data.json", "application/json"), ("a.svg", "image/svg+xml"),
        ("a.woff2", "font/woff2"), ("a.wasm", "application/wasm"), ("a.unknown", "application/octet-stream"),
        ("bin/Makefile", "text/plain; charset=utf-8"), ("a.b/c", "application/octet-stream"), ("a.", "application/octet-stream"),
        ("", "application/octet-stream"), ("a.tar.gz", "application/gzip"), (".well-known/apple-app-site-association", "application/json"),
        ("apple-app-site-association", "application/json"), ("x-apple-app-site-association", "application/octet-stream"),
        ("feed.xml", "application/xml"), ("a.xsl", "application/xml"), ("a.vtt", "text/vtt"), ("a.opml", "text/x-opml+xml"),
        ("a.mjs", "text/javascript; charset=utf-8"), ("a.avif", "image/avif"), ("a.glb", "model/gltf-binary"), ("a.svgz", "image/svg+xml"),
        ("site.webmanifest", "application/manifest+json"), ("a.speculationrules", "application/speculationrules+json"),
    ])
    func `the type is known by the name, and a charset is said of text that doesn't say its own`(name: String, type: String) {
        #expect(MediaType.of(Array(name.utf8)) == type)
    }

    @Test func `the configuration's charset and types come first`() throws {
        var settings = ServerConfiguration.Files()
        settings.charset = nil
        settings.types = try [
            #require(TypeRule(name: "HTML", type: "text/html;charset=shift_jis")), #require(TypeRule(name: "special", type: "application/x-special")),
        ]
        let directory = TestDirectory()
        for name in ["a.html", "a.css", "special", "b.special", "a.json"] { directory.write(name, "x") }
        let client = try directory.client { $0 = settings }
        #expect(try client.get("/a.html")["content-type"] == "text/html;charset=shift_jis")
        #expect(try client.get("/a.css")["content-type"] == "text/css")
        #expect(try client.get("/special")["content-type"] == "application/x-special")
        #expect(try client.get("/b.special")["content-type"] == "application/x-special")
        #expect(try client.get("/a.json")["content-type"] == "application/json")
    }

    @Test(arguments: [
        ("", "a/b"), ("a b", "a/b"), ("a/b", "a/b"), ("a=b", "a/b"), ("a", "b"), ("a", "/b"), ("a", "a/"), ("a", "a/b\r\nc:d"), ("a", "a/b; c=d"),
    ])
    func `a rule that can't be sent isn't made`(name: String, type: String) {
        #expect(TypeRule(name: name, type: type) == nil)
    }
}

struct CacheRuleTests {
    @Test(arguments: [
        ("*.html", "a/b.html", true), ("*.html", "b.htm", false), ("/assets/*", "assets/a/b.js", true),
        ("/assets/*", "x/assets/a", false), ("/*.js", "a/b.js", true), ("b.?s", "a/b.js", true), ("b.?s", "a/b.s", false),
        ("*", "a", true), ("/", "a", false), ("*a*b*c*", "xaxbxcx", true), ("*a*b*c*", "xaxcxbx", false), ("/a", "a", true),
        ("a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
    ])
    func `patterns`(pattern: String, path: String, matches: Bool) throws {
        let rule = try #require(CacheRule(pattern: pattern, value: "no-cache"))
        #expect(rule.matches(Array(path.utf8)) == matches)
    }

    @Test func `a rule that can't be sent isn't made`() {
        #expect(CacheRule(pattern: "", value: "no-cache") == nil)
        #expect(CacheRule(pattern: "a b", value: "no-cache") == nil)
        #expect(CacheRule(pattern: "*", value: "") == nil)
        #expect(CacheRule(pattern: "*", value: "a\r\nb: c") == nil)
        #expect(CacheRule(pattern: "*", value: "a; b") == nil)
    }
}
