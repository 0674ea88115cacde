// Every rule of the table for files over a real socket: whole, byte by byte, from disk and from memory.

import Everycore
import Glibc
import Testing

struct FileRulesOverSocketsTests {
    private let directory: TestDirectory
    private let outside: TestDirectory
    private let server: SocketServer
    private var values: [(name: String, value: String)] = []

    init() throws {
        directory = TestDirectory()
        outside = TestDirectory()
        outside.write("secret.txt", "secret")
        for (name, text) in [
            ("hello.txt", "Hello, file!"), ("page.html", "<p>page"), ("page.html.gz", "gzipped"), ("page.html.br", "brotli!"), (".secret", "secret"),
        ] {
            directory.write(name, text)
        }
        directory.makeDirectory("sub")
        directory.write("sub/index.html", "<p>sub\n")
        directory.makeDirectory("bare")
        directory.write("young.txt", "young", age: 0)
        directory.link("out.txt", to: outside.path + "/secret.txt")
        directory.link("out", to: outside.path)
        // All of one age.
        let moment = timespec(tv_sec: time(nil) - 3600, tv_nsec: 5)
        for name in ["hello.txt", "page.html", "page.html.gz", "page.html.br", "sub/index.html"] {
            let times = [moment, moment]
            _ = unsafe utimensat(AT_FDCWD, directory.path + "/" + name, times, 0)
        }
        var settings = ServerConfiguration.Files()
        settings.cacheControl = [CacheRule(pattern: "*.txt", value: "max-age=60")].compactMap { $0 }
        server = try SocketServer(files: StaticFiles(root: try DocumentRoot(directory.path), settings: settings))
        let names = ["SUBTAG": "sub/index.html", "PAGETAG": "page.html", "GZTAG": "page.html.gz", "BRTAG": "page.html.br", "TAG": "hello.txt"]
        // Longer names first: they contain shorter ones.
        for (name, file) in names.sorted(by: { $0.key.count > $1.key.count }) { values.append((name, tag(of: file))) }
        var parts = unsafe tm()
        var seconds = moment.tv_sec
        _ = unsafe gmtime_r(&seconds, &parts)
        values.append(("RFC850", unsafe Self.format(&parts, "%A, %d-%b-%y %H:%M:%S GMT")))
        values.append(("ASCTIME", unsafe Self.format(&parts, "%a %b %e %H:%M:%S %Y")))
        values.append(("DATE", unsafe Self.format(&parts, "%a, %d %b %Y %H:%M:%S GMT")))
    }

    private static func format(_ parts: inout tm, _ format: String) -> String {
        var text = [CChar](repeating: 0, count: 64)
        let count = unsafe strftime(&text, text.count, format, &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Device, inode, size and time in nanoseconds, in hexadecimal digits.
    private func tag(of name: String) -> String {
        var status = stat()
        #expect(unsafe stat(directory.path + "/" + name, &status) == 0)
        let time = UInt64(status.st_mtim.tv_sec) * 1_000_000_000 + UInt64(status.st_mtim.tv_nsec)
        let parts = [UInt64(status.st_dev), UInt64(status.st_ino), UInt64(status.st_size), time].map { String($0, radix: 16) }
        return (name == "young.txt" ? "W/" : "") + "\"" + parts.joined(separator: "-") + "\""
    }

    private func filled(_ text: String) -> String {
        var text = text.replacing("YOUNGTAG", with: tag(of: "young.txt"))
        for (name, value) in values { text = text.replacing(name, with: value) }
        return text
    }

    /// What was received, with names for what changes from run to run.
    private func received(_ rule: FileRule, bytewise: Bool) -> String {
        // As if it were written all the time.
        if rule.request.contains("young") { _ = unsafe utimensat(AT_FDCWD, directory.path + "/young.txt", nil, 0) }
        var text = String(decoding: server.exchange(filled(rule.request), bytewise: bytewise), as: UTF8.self)
        text = text.replacing(/Date: [^\r]*GMT/, with: "Date: NOW")
        if let boundary = text.firstMatch(of: /boundary=([0-9a-z]+)/)?.1 { text = text.replacing(boundary, with: "BOUNDARY") }
        if rule.request.contains("young") {
            text = text.replacing(/Last-Modified: [^\r]*GMT/, with: "Last-Modified: YOUNGDATE").replacing(tag(of: "young.txt"), with: "YOUNGTAG")
        }
        return text
    }

    @Test(arguments: FileRules.all) func `a rule holds, from disk and from memory, however its bytes come`(rule: FileRule) {
        let wanted = rule.request.contains("young") ? rule.answer : filled(rule.answer)
        for bytewise in [false, true, false] {
            var text = received(rule, bytewise: bytewise)
            // The boundary's length is the chance's.
            if wanted.contains("BOUNDARY") {
                let length = text.split(separator: "\r\n\r\n", maxSplits: 1)[1].utf8.count
                #expect(length > 180)
                text = text.replacing(/Content-Length: \d+/, with: "Content-Length: 229")
            }
            #expect(text == wanted, "\(rule)")
        }
    }

    @Test(arguments: FileRules.all.filter { $0.request.hasPrefix("GET ") && !$0.request.contains("Range:") })
    func `HEAD has GET's header section and no content`(rule: FileRule) {
        let head = FileRule(26, rule.rule, "").replacing(rule.request.replacing("GET ", with: "HEAD ", maxReplacements: 1))
        let wanted = received(rule, bytewise: false)
        let text = received(head, bytewise: false)
        #expect(text.hasSuffix("\r\n\r\n") && wanted.hasPrefix(text), "\(rule): \(text)")
    }
}
