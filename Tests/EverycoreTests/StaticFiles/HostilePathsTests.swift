// Facts about requests that want what isn't theirs.

import Everycore
import Glibc
import Testing

@_silgen_name("setfsuid") private func setfsuid(_ user: uid_t) -> Int32

/// Root may read everything. Another user for files concerns the calling thread alone (setfsuid(2)).
private func withoutRootsRights<Result>(_ body: () throws -> Result) rethrows -> Result {
    let user = geteuid()
    if user == 0 { _ = setfsuid(65534) }
    defer { _ = setfsuid(user) }
    return try body()
}

@Suite(.serialized) struct HostilePathsTests {
    private let directory: TestDirectory
    private let outside: TestDirectory

    init() throws {
        directory = TestDirectory()
        outside = TestDirectory()
        outside.write("secret.txt", "secret")
        directory.write("inside.txt", "inside")
        directory.makeDirectory(".git")
        directory.write(".git/config", "secret")
        directory.write(".env", "secret")
        directory.makeDirectory(".well-known")
        directory.write(".well-known/x", "public")
        directory.makeDirectory("sub")
        directory.link("out", to: outside.path)
        directory.link("out.txt", to: outside.path + "/secret.txt")
        directory.link("up.txt", to: "../\(outside.path.dropFirst("/tmp/".count))/secret.txt")
        directory.link("sub/in.txt", to: "../inside.txt")
        directory.link("loop", to: "loop")
        directory.link("proc", to: "/proc/self/cwd")
        directory.makeFifo("fifo")
        directory.write(#"back\slash"#, "a letter")
    }

    @Test(
        arguments: [
            "/../etc/passwd", "/../../../../etc/passwd", "/%2e%2e/etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc%2fpasswd",
            "/..%2fetc/passwd", "/%2e%2e%2fetc/passwd", "/.%2e/etc/passwd", "/sub/../../etc/passwd", "/inside.txt%00.html", "/%00",
            "//etc/passwd", "//", "/sub//../inside.txt", "/.git/config", "/.git/", "/%2egit/config", "/.env", "/sub/../.env",
            "/out/secret.txt", "/out.txt", "/up.txt", "/loop", "/loop/", "/proc", "/proc/", "/fifo", "/..%5c..%5cetc%5cpasswd",
            "/%252e%252e/etc/passwd", "/inside.txt/.", "/inside.txt/x", "/...", "/inside.txt%2f", "/%c0%ae%c0%ae/etc/passwd",
        ], [true, false])
    func `nothing outside of the root, hidden or special is served`(path: String, walks: Bool) throws {
        let client = try directory.client(walks: walks) { $0.listing = true }
        for _ in 0..<2 {
            let response = try client.get(path)
            #expect([400, 404].contains(response.status), "\(path): \(response.status)")
            #expect(!response.body.contains("secret") && !response.body.contains("root:"))
        }
        #expect(client.log.lines.isEmpty)
    }

    @Test func `a NUL and a way above the root are 400`() throws {
        let client = try directory.client()
        #expect(try client.get("/%00").status == 400)
        #expect(try client.get("/../etc/passwd").status == 400)
    }

    @Test func `a backslash is a letter, and certificates are proven below .well-known`() throws {
        let client = try directory.client()
        #expect(try client.get("/back%5Cslash").body == "a letter")
        #expect(try client.get("/.well-known/x").body == "public")
    }

    @Test func `a link that stays beneath the root is followed by the kernel, and not by the walk`() throws {
        let root = try DocumentRoot(directory.path)
        if !root.walks { #expect(try directory.client().get("/sub/in.txt").body == "inside") }
        #expect(try directory.client(walks: true).get("/sub/in.txt").status == 404)
        #expect(try directory.client(walks: true).get("/inside.txt").body == "inside")
    }

    @Test func `what the server may not read is forbidden`() throws {
        _ = unsafe chmod(directory.path, 0o755)
        _ = unsafe chmod(directory.path + "/inside.txt", 0)
        let client = try directory.client()
        #expect(try withoutRootsRights { try client.get("/inside.txt").status } == 403)
    }

    @Test func `an open redirect can't be made of slashes`() throws {
        let client = try directory.client()
        #expect(try client.get("//sub").status == 404)
        #expect(try client.get("/sub")["location"] == "sub/")
    }

    private static func target(of descriptor: Int32) -> String {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { bytes in
            guard let start = bytes.baseAddress else { return "" }
            let count = unsafe readlink("/proc/self/fd/\(descriptor)", start, bytes.count)
            return unsafe String(decoding: bytes.prefix(max(count, 0)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    @Test func `no descriptor stays open`() throws {
        let client = try directory.client { $0.listing = true }
        // Those of these folders alone: other tests run in this process.
        func count() -> Int { (0..<Int32(4096)).map(Self.target).count { $0.hasPrefix(directory.path) || $0.hasPrefix(outside.path) } }
        let before = count()
        for path in ["/inside.txt", "/", "/sub", "/fifo", "/out.txt", "/loop", "/.git", "/nothing", "/sub/"] {
            _ = try client.get(path)
            _ = try client.send("GET", path, headers: [("Range", "bytes=0-1,3-4")])
            _ = try client.send("POST", path)
        }
        #expect(count() == before)
    }
}
