// The rules for files, one a row: the bytes that are sent, and the bytes that come back.

/// One row. In its texts TAG, DATE and the like stand for what the file system decides.
struct FileRule: Sendable, CustomStringConvertible {
    let number: Int
    let rule: String
    let request: String
    let answer: String

    var description: String { "\(number): \(rule)" }

    /// - Parameter fields: of the request.
    /// - Parameter answer: the status line's end, the fields after Date, the content.
    init(_ number: Int, _ rule: String, _ line: String = "GET /hello.txt", _ fields: String..., gives answer: String) {
        self.number = number
        self.rule = rule
        request = (["\(line) HTTP/1.1", "Host: a", "Connection: close"] + fields).map { $0 + "\r\n" }.joined() + "\r\n"
        self.answer = answer
    }
}

private func answer(_ status: String, _ fields: [String], _ content: String = "") -> String {
    (["HTTP/1.1 \(status)", "Date: NOW"] + fields).map { $0 + "\r\n" }.joined() + "\r\n" + content
}

private let close = "Connection: close"
private let textFields = ["ETag: TAG", "Cache-Control: max-age=60", "Last-Modified: DATE", "Accept-Ranges: bytes"]
private let whole = answer("200 OK", ["Content-Length: 12", close, "Content-Type: text/plain; charset=utf-8"] + textFields, "Hello, file!")
private let unchanged = answer("304 Not Modified", [close, "ETag: TAG", "Cache-Control: max-age=60"])
private func refusal(_ status: String, _ text: String, _ fields: String...) -> String {
    answer(status, ["Content-Type: text/plain; charset=utf-8", "Content-Length: \(text.utf8.count + 1)", close] + fields, text + "\n")
}
private let failed = refusal("412 Precondition Failed", "the file isn't the version that the request asks for")
private let nothing = refusal("404 Not Found", "nothing here")
private let unsatisfiable = refusal("416 Range Not Satisfiable", "the file has 12 bytes", "Content-Range: bytes */12")
private func part(_ range: String, _ content: String) -> String {
    answer(
        "206 Partial Content",
        ["Content-Length: \(content.utf8.count)", close, "Content-Type: text/plain; charset=utf-8"] + textFields
            + ["Content-Range: bytes \(range)/12"], content)
}
private func page(_ tag: String, _ content: String, coding: String? = nil) -> String {
    answer(
        "200 OK",
        [
            "Content-Length: \(content.utf8.count)", close, "Content-Type: text/html; charset=utf-8", "ETag: \(tag)",
            "Vary: Accept-Encoding", "Last-Modified: DATE", "Accept-Ranges: bytes",
        ] + (coding.map { ["Content-Encoding: \($0)"] } ?? []), content)
}
private let unacceptable = refusal(
    "406 Not Acceptable", "there is no representation in an encoding that Accept-Encoding allows", "Vary: Accept-Encoding")
private let early = "Sun, 06 Nov 1994 08:49:37 GMT"

enum FileRules {
    static let all = plain + conditions + ranges + codings + paths

    static let plain: [FileRule] = [
        FileRule(26, "GET", gives: whole),
        FileRule(
            29, "a page at a directory's name", "GET /sub/",
            gives: answer(
                "200 OK",
                [
                    "Content-Length: 7", close,
                    "Content-Type: text/html; charset=utf-8", "ETag: SUBTAG", "Last-Modified: DATE", "Accept-Ranges: bytes",
                ], "<p>sub\n")),
        FileRule(
            6, "another method", "DELETE /hello.txt", gives: refusal("405 Method Not Allowed", "this method isn't offered here", "Allow: GET, HEAD, OPTIONS")),
        FileRule(8, "TRACE", "TRACE /hello.txt", gives: refusal("405 Method Not Allowed", "this method isn't offered here", "Allow: GET, HEAD, OPTIONS")),
        FileRule(7, "OPTIONS", "OPTIONS /hello.txt", gives: answer("204 No Content", [close, "Allow: GET, HEAD, OPTIONS"])),
    ]

    static let conditions: [FileRule] = [
        FileRule(39, "If-Match with the tag", "GET /hello.txt", "If-Match: \"x\", TAG", gives: whole),
        FileRule(39, "If-Match with another tag", "GET /hello.txt", "If-Match: \"x\"", gives: failed),
        FileRule(39, "If-Match compares strongly", "GET /hello.txt", "If-Match: W/TAG", gives: failed),
        FileRule(39, "If-Match: *", "GET /hello.txt", "If-Match: *", gives: whole),
        FileRule(39, "If-Match of a file that was just written", "GET /young.txt", "If-Match: YOUNGTAG", gives: failed),
        FileRule(39, "If-Unmodified-Since before", "GET /hello.txt", "If-Unmodified-Since: \(early)", gives: failed),
        FileRule(39, "If-Unmodified-Since the same date", "GET /hello.txt", "If-Unmodified-Since: DATE", gives: whole),
        FileRule(39, "If-Unmodified-Since that is no date", "GET /hello.txt", "If-Unmodified-Since: yesterday", gives: whole),
        FileRule(39, "If-Match goes before If-Unmodified-Since", "GET /hello.txt", "If-Unmodified-Since: \(early)", "If-Match: TAG", gives: whole),
        FileRule(39, "If-Match goes before If-None-Match", "GET /hello.txt", "If-None-Match: TAG", "If-Match: \"x\"", gives: failed),
        FileRule(39, "If-None-Match with the tag", "GET /hello.txt", "If-None-Match: TAG", gives: unchanged),
        FileRule(39, "If-None-Match compares weakly", "GET /hello.txt", "If-None-Match: \"x\", W/TAG", gives: unchanged),
        FileRule(39, "If-None-Match in two lines", "GET /hello.txt", "If-None-Match: \"x\"", "If-None-Match: TAG", gives: unchanged),
        FileRule(39, "If-None-Match: *", "GET /hello.txt", "If-None-Match: *", gives: unchanged),
        FileRule(39, "If-None-Match of HEAD", "HEAD /hello.txt", "If-None-Match: TAG", gives: unchanged),
        FileRule(39, "If-None-Match wins over If-Modified-Since", "GET /hello.txt", "If-Modified-Since: DATE", "If-None-Match: \"x\"", gives: whole),
        FileRule(39, "If-Modified-Since the date", "GET /hello.txt", "If-Modified-Since: DATE", gives: unchanged),
        FileRule(39, "If-Modified-Since in the form of RFC 850", "GET /hello.txt", "If-Modified-Since: RFC850", gives: unchanged),
        FileRule(39, "If-Modified-Since in the form of asctime", "GET /hello.txt", "If-Modified-Since: ASCTIME", gives: unchanged),
        FileRule(39, "If-Modified-Since before", "GET /hello.txt", "If-Modified-Since: \(early)", gives: whole),
        FileRule(39, "If-Modified-Since that is no date", "GET /hello.txt", "If-Modified-Since: DATEX", gives: whole),
        FileRule(39, "conditions go before Range", "GET /hello.txt", "If-None-Match: TAG", "Range: bytes=0-0", gives: unchanged),
        FileRule(
            27, "a 304 has what the 200 had", "GET /page.html", "If-None-Match: PAGETAG", "Accept-Encoding: identity",
            gives: answer("304 Not Modified", [close, "ETag: PAGETAG", "Vary: Accept-Encoding"])),
        FileRule(
            27, "a 304 of a coded file", "GET /page.html", "If-None-Match: GZTAG", "Accept-Encoding: gzip",
            gives: answer("304 Not Modified", [close, "ETag: GZTAG", "Vary: Accept-Encoding"])),
    ]

    static let ranges: [FileRule] = [
        FileRule(40, "the first byte", "GET /hello.txt", "Range: bytes=0-0", gives: part("0-0", "H")),
        FileRule(40, "the last five", "GET /hello.txt", "Range: bytes=-5", gives: part("7-11", "file!")),
        FileRule(40, "from the sixth on", "GET /hello.txt", "Range: bytes=5-", gives: part("5-11", ", file!")),
        FileRule(40, "beyond the end", "GET /hello.txt", "Range: bytes=5-99", gives: part("5-11", ", file!")),
        FileRule(40, "more than there is, from the end", "GET /hello.txt", "Range: bytes=-99", gives: part("0-11", "Hello, file!")),
        FileRule(40, "parts that overlap", "GET /hello.txt", "Range: bytes=0-4,3-6", gives: part("0-6", "Hello, ")),
        FileRule(
            40, "several parts", "GET /hello.txt", "Range: bytes=0-0, -1",
            gives: answer(
                "206 Partial Content",
                ["Content-Length: 229", close, "Content-Type: multipart/byteranges; boundary=BOUNDARY"] + textFields,
                "--BOUNDARY\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 0-0/12\r\n\r\nH\r\n"
                    + "--BOUNDARY\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes 11-11/12\r\n\r\n!\r\n--BOUNDARY--\r\n")),
        FileRule(
            40, "too many parts", "GET /hello.txt", "Range: bytes=" + [Int](repeating: 0, count: 17).map { _ in "0-0" }.joined(separator: ","), gives: whole),
        FileRule(40, "of HEAD", "HEAD /hello.txt", "Range: bytes=0-0", gives: String(whole.dropLast(12))),
        FileRule(40, "after the end", "GET /hello.txt", "Range: bytes=12-", gives: unsatisfiable),
        FileRule(40, "none from the end", "GET /hello.txt", "Range: bytes=-0", gives: unsatisfiable),
        FileRule(40, "another unit", "GET /hello.txt", "Range: lines=0-0", gives: whole),
        FileRule(40, "backwards", "GET /hello.txt", "Range: bytes=4-0", gives: whole),
        FileRule(40, "no numbers", "GET /hello.txt", "Range: bytes=a-b", gives: whole),
        FileRule(40, "too large a number", "GET /hello.txt", "Range: bytes=0-99999999999999999999999", gives: part("0-11", "Hello, file!")),
        FileRule(41, "If-Range with the tag", "GET /hello.txt", "Range: bytes=0-0", "If-Range: TAG", gives: part("0-0", "H")),
        FileRule(41, "If-Range with a weak tag", "GET /hello.txt", "Range: bytes=0-0", "If-Range: W/TAG", gives: whole),
        FileRule(41, "If-Range with another tag", "GET /hello.txt", "Range: bytes=0-0", "If-Range: \"x\"", gives: whole),
        FileRule(41, "If-Range with the date", "GET /hello.txt", "Range: bytes=0-0", "If-Range: DATE", gives: part("0-0", "H")),
        FileRule(41, "If-Range with another date", "GET /hello.txt", "Range: bytes=0-0", "If-Range: \(early)", gives: whole),
        FileRule(
            41, "If-Range with a date that is no strong validator", "GET /young.txt", "Range: bytes=0-0", "If-Range: YOUNGDATE",
            gives: answer(
                "200 OK",
                [
                    "Content-Length: 5", close, "Content-Type: text/plain; charset=utf-8", "ETag: YOUNGTAG",
                    "Cache-Control: max-age=60", "Last-Modified: YOUNGDATE", "Accept-Ranges: bytes",
                ], "young")),
    ]

    static let codings: [FileRule] = [
        FileRule(42, "no wish", "GET /page.html", gives: page("PAGETAG", "<p>page")),
        FileRule(42, "gzip", "GET /page.html", "Accept-Encoding: gzip", gives: page("GZTAG", "gzipped", coding: "gzip")),
        FileRule(42, "either", "GET /page.html", "Accept-Encoding: gzip, br", gives: page("BRTAG", "brotli!", coding: "br")),
        FileRule(42, "q-values", "GET /page.html", "Accept-Encoding: gzip;q=0.9, br;q=0.8, identity;q=0.1", gives: page("GZTAG", "gzipped", coding: "gzip")),
        FileRule(42, "a coding that there isn't", "GET /page.html", "Accept-Encoding: compress", gives: page("PAGETAG", "<p>page")),
        FileRule(42, "identity before all", "GET /page.html", "Accept-Encoding: gzip;q=0.5, identity", gives: page("PAGETAG", "<p>page")),
        FileRule(42, "no identity", "GET /page.html", "Accept-Encoding: gzip, identity;q=0", gives: page("GZTAG", "gzipped", coding: "gzip")),
        FileRule(42, "nothing at all", "GET /page.html", "Accept-Encoding: *;q=0", gives: unacceptable),
        FileRule(42, "neither what there is nor identity", "GET /page.html", "Accept-Encoding: zstd, identity;q=0", gives: unacceptable),
        FileRule(
            42, "a part of what is coded", "GET /page.html", "Accept-Encoding: gzip", "Range: bytes=0-1",
            gives: answer(
                "206 Partial Content",
                [
                    "Content-Length: 2", close, "Content-Type: text/html; charset=utf-8", "ETag: GZTAG", "Vary: Accept-Encoding", "Last-Modified: DATE",
                    "Accept-Ranges: bytes", "Content-Encoding: gzip", "Content-Range: bytes 0-1/7",
                ], "gz")),
    ]

    static let paths: [FileRule] =
        [
            ("dot segments", "/sub/../../secret.txt"), ("encoded dots", "/%2e%2e/secret.txt"), ("encoded slashes", "/..%2fsecret.txt"),
            ("a link out of the root", "/out.txt"), ("a path through a link", "/out/secret.txt"), ("an absolute path", "//etc/passwd"),
            ("a dot file", "/.secret"), ("a file as a directory", "/hello.txt/"), ("a directory without page", "/bare/"),
        ].map { name, path in
            let climbs = path.hasPrefix("/sub/..") || path.contains("%2e%2e/")
            return FileRule(43, name, "GET \(path)", gives: climbs ? refusal("400 Bad Request", "this path leads nowhere") : nothing)
        } + [
            FileRule(43, "NUL", "GET /hello.txt%00", gives: refusal("400 Bad Request", "this path leads nowhere")),
            FileRule(
                43, "a directory without its slash", "GET /sub?q=1",
                gives: answer(
                    "301 Moved Permanently",
                    ["Content-Length: 0", close, "Location: sub/?q=1"])),
        ]
}

extension FileRule {
    init(_ number: Int, _ rule: String, _ line: String) { self.init(number, rule, line, gives: "") }
    func replacing(_ request: String) -> FileRule { FileRule(number: number, rule: rule, request: request, answer: answer) }
    private init(number: Int, rule: String, request: String, answer: String) {
        self.number = number
        self.rule = rule
        self.request = request
        self.answer = answer
    }
}
