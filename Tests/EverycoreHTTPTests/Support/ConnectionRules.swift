// The rules of the protocol, one a row: the bytes that are sent, the statuses that come back, and whether the connection closes.

/// One row. After its bytes the probe `GET /after` follows in the same stream: it is answered where the connection goes on, and
/// never processed where it closes.
struct Rule: Sendable, CustomStringConvertible {
    let number: Int
    let rule: String
    let bytes: [UInt8]
    /// Of the final responses: whether a 100 comes before depends on how the content comes.
    let statuses: [Int]
    let closes: Bool
    /// Which of the requests are HEAD.
    var heads: Set<Int> = []
    /// For each response a text that must be in its head or body; empty texts ask for nothing.
    var contains: [String] = []

    var description: String { "\(number): \(rule)" }

    static func open(_ number: Int, _ rule: String, _ bytes: [UInt8], _ statuses: Int..., heads: Set<Int> = [], says: [String] = []) -> Rule {
        Rule(number: number, rule: rule, bytes: bytes, statuses: statuses, closes: false, heads: heads, contains: says)
    }

    static func closes(_ number: Int, _ rule: String, _ bytes: [UInt8], _ statuses: Int..., heads: Set<Int> = [], says: [String] = []) -> Rule {
        Rule(number: number, rule: rule, bytes: bytes, statuses: statuses, closes: true, heads: heads, contains: says)
    }
}

/// A POST with these lines and that content.
func post(_ path: String, _ content: String, _ lines: String...) -> [UInt8] {
    raw((["POST \(path) HTTP/1.1", "Host: a"] + lines).map { $0 + "\r\n" }.joined() + "\r\n" + content)
}

private let chunked = "Transfer-Encoding: chunked"

enum ConnectionRules {
    static var all: [Rule] { heads + lengths + chunks + methods + expectations + responses + persistence }

    static let heads: [Rule] = [
        .open(1, "one empty line before the request", raw("\r\n") + get(), 200),
        .open(1, "one empty line before each request", raw("\r\n") + get() + raw("\r\n") + get(), 200, 200),
        .open(1, "many empty lines", raw(String(repeating: "\r\n", count: 40)) + get(), 200),
        .open(1, "empty lines after content", post("/echo", "hello\r\n\r\n", "Content-Length: 5") + get() + raw("\r\n\r\n\r\n\r\n"), 200, 200, says: ["hello"]),
        .open(1, "empty lines after chunks", post("/echo", "5\r\nhello\r\n0\r\n\r\n\r\n\r\n", chunked) + get(), 200, 200),
        .closes(1, "an empty line with a space", raw("\r\n \r\n") + get(), 400),
        .closes(1, "a bare LF for an empty line", raw("\r\n\n") + get(), 400),
        .closes(1, "a CR that ends nothing", raw("\r") + get(), 400),
        .closes(2, "a bare LF as line end", raw("GET / HTTP/1.1\nHost: a\n\n"), 400),
        .closes(2, "a bare CR", raw("GET / HTTP/1.1\r\nA: b\rc\r\nHost: a\r\n\r\n"), 400),
        .closes(3, "two spaces", request("GET  / HTTP/1.1", "Host: a"), 400),
        .closes(4, "HTTP/0.9", raw("GET /\r\n\r\n"), 400),
        .open(4, "HTTP/1.2", request("GET /x HTTP/1.2", "Host: a"), 200, says: ["GET /x"]),
        .closes(4, "HTTP/2.0", request("GET / HTTP/2.0", "Host: a"), 505),
        .closes(5, "the HTTP/2 preface", raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505),
        .open(6, "an unknown method", request("BREW / HTTP/1.1", "Host: a"), 501, says: ["501 "]),
        .open(6, "an unknown method with content", request("BREW / HTTP/1.1", "Host: a", "Content-Length: 5") + raw("hello"), 501),
        .closes(6, "an unknown method with close", request("BREW / HTTP/1.1", "Host: a", "Connection: close"), 501),
        .closes(
            33, "an unknown method with more content than is skipped", request("BREW / HTTP/1.1", "Host: a", "Content-Length: 2000000"), 501,
            says: ["connection: close"]),
        .closes(
            33, "an unknown expectation with more content than is skipped", post("/echo", "", "Expect: x", "Content-Length: 2000000"), 417,
            says: ["connection: close"]),
        .closes(6, "a method that is no token", request("B(EW / HTTP/1.1", "Host: a"), 400),
        .open(7, "absolute form", request("GET http://b/x?y HTTP/1.1", "Host: a"), 200, says: ["GET /x"]),
        .closes(7, "* with GET", request("GET * HTTP/1.1", "Host: a"), 400),
        .closes(7, "authority form without CONNECT", request("GET a:80 HTTP/1.1", "Host: a"), 400),
        .closes(7, "CONNECT", request("CONNECT a:443 HTTP/1.1", "Host: a"), 501),
        .closes(9, "a fragment", request("GET /a#b HTTP/1.1", "Host: a"), 400),
        .closes(9, "a malformed escape", request("GET /%zz HTTP/1.1", "Host: a"), 400),
        .open(10, "a target of 7,900 bytes", raw("GET /\(String(repeating: "a", count: 7899)) HTTP/1.1\r\nHost: a\r\n\r\n"), 200),
        .closes(10, "a target over its limit", raw("GET /\(String(repeating: "a", count: 8100)) HTTP/1.1\r\nHost: a\r\n\r\n"), 414),
        .open(9, "a malformed escape in the query", request("GET /x?q=100% HTTP/1.1", "Host: a"), 200, says: ["GET /x"]),
        .closes(10, "a method that never ends", raw(String(repeating: "A", count: 9000)), 501),
        .closes(6, "a method over the line's limit", raw(String(repeating: "A", count: 9000) + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 501),
        .open(11, "an empty Host", request("GET / HTTP/1.1", "Host:"), 200),
        .open(11, "an absolute target with an empty Host", request("GET http://b/x HTTP/1.1", "Host: "), 200, says: ["GET /x"]),
        .closes(11, "an absolute target without Host", request("GET http://b/x HTTP/1.1"), 400),
        .closes(11, "no Host", request("GET / HTTP/1.1"), 400),
        .closes(11, "two Hosts", request("GET / HTTP/1.1", "Host: a", "Host: a"), 400),
        .closes(12, "a space before the colon", get("A : b"), 400),
        .closes(12, "a folded line", get("A: b", " c"), 400),
        .open(
            13, "bytes above ASCII are kept", raw("GET /value HTTP/1.1\r\nHost: a\r\nX-A: ") + [0x80, 0xFF, 0xC3, 0xBC] + raw("\r\n\r\n"), 200,
            says: [String(decoding: raw("<") + [0x80, 0xFF, 0xC3, 0xBC] + raw(">"), as: UTF8.self)]),
        .open(13, "tabs around a value and in it", raw("GET /value HTTP/1.1\r\nHost: a\r\nX-A:\t b\tc \t\r\n\r\n"), 200, says: ["<b\tc>"]),
        .open(13, "an empty value", raw("GET /value HTTP/1.1\r\nHost: a\r\nX-A:\r\n\r\n"), 200, says: ["<>"]),
        .closes(13, "NUL in a value", get("A: \0"), 400),
        .closes(14, "a field line over its limit", get("A: " + String(repeating: "b", count: 8300)), 431),
        .closes(
            14, "a section over its limit",
            raw("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: \(String(repeating: "b", count: 4000))\r\n", count: 9) + "\r\n"), 431),
        .closes(14, "too many fields", raw("GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: 120) + "\r\n"), 431),
        .open(15, "Content_Length", post("/x", "", "Content_Length: 5"), 200),
    ]

    static let lengths: [Rule] = [
        .closes(16, "both lengths", post("/echo", "5\r\nhello\r\n0\r\n\r\n", chunked, "Content-Length: 5"), 400),
        .closes(16, "chunked in 1.0", raw("POST /echo HTTP/1.0\r\n\(chunked)\r\n\r\n0\r\n\r\n"), 400),
        .closes(17, "gzip alone", post("/echo", "hello", "Transfer-Encoding: gzip"), 400),
        .closes(17, "gzip, chunked", post("/echo", "0\r\n\r\n", "Transfer-Encoding: gzip, chunked"), 501),
        .closes(17, "chunked, chunked", post("/echo", "0\r\n\r\n", "Transfer-Encoding: chunked, chunked"), 400),
        .open(17, "CHUNKED in a list with empty elements", post("/echo", "5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: , CHUNKED ,"), 200, says: ["hello"]),
        .closes(18, "two lengths", post("/echo", "hello", "Content-Length: 5", "Content-Length: 6"), 400),
        .closes(18, "equal lengths", post("/echo", "hello", "Content-Length: 5", "Content-Length: 5"), 400),
        .closes(19, "+5", post("/echo", "hello", "Content-Length: +5"), 400),
        .closes(19, "over the body limit", post("/echo", "hello", "Content-Length: 2000000"), 413),
        .closes(19, "over the handler's limit", post("/small", "hello world", "Content-Length: 11"), 413),
        .open(19, "at the handler's limit", post("/small", "hello worl", "Content-Length: 10"), 200, says: ["hello worl"]),
        .closes(19, "the greatest length", post("/echo", "hello", "Content-Length: 9223372036854775807"), 413),
        .open(23, "content on GET", get("Content-Length: 5") + raw("hello"), 200, says: ["GET /"]),
        .open(23, "content on GET that is collected", request("GET /echo HTTP/1.1", "Host: a", "Content-Length: 5") + raw("hello"), 200, says: ["hello"]),
        .open(
            23, "content on HEAD", request("HEAD /echo HTTP/1.1", "Host: a", "Content-Length: 5") + raw("GET /"), 200, heads: [0], says: ["content-length: 5"]),
        .open(23, "content on DELETE", request("DELETE /early HTTP/1.1", "Host: a", "Content-Length: 5") + raw("GET /"), 200),
        .open(23, "chunks on OPTIONS", request("OPTIONS /early HTTP/1.1", "Host: a", chunked) + raw("5\r\nGET /\r\n0\r\n\r\n"), 200),
        .open(23, "content is read clean before the next", post("/echo", "GET / HTTP/1.1\r\n", "Content-Length: 16") + get(), 200, 200),
        .open(24, "no length, no content", post("/echo", ""), 200, says: ["content-length: 0"]),
        .open(24, "length 0", post("/echo", "", "Content-Length: 0"), 200),
    ]

    static let chunks: [Rule] = [
        .open(20, "chunks", post("/echo", "5\r\nhello\r\n6;a=\"b\"\r\n world\r\n0\r\n\r\n", chunked), 200, says: ["hello world"]),
        .open(20, "chunks in capitals", post("/echo", "A\r\n0123456789\r\n000\r\n\r\n", chunked), 200, says: ["0123456789"]),
        .open(20, "no chunks", post("/echo", "0\r\n\r\n", chunked), 200, says: ["content-length: 0"]),
        .closes(20, "a sign", post("/echo", "+5\r\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "a prefix", post("/echo", "0x5\r\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "a space after the size", post("/echo", "5 \r\nhello\r\n0\r\n\r\n", chunked), 400),
        .open(
            20, "blanks before an extension", post("/echo", "5 ;a\r\nhello\r\n5\t ; b = \"c\" ;d\r\nworld\r\n0 ;a\r\n\r\n", chunked), 200, says: ["helloworld"]),
        .closes(20, "a blank after an extension", post("/echo", "5;a \r\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "17 digits", post("/echo", "00000000000000005\r\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "overflow", post("/echo", "FFFFFFFFFFFFFFFF\r\nhello\r\n", chunked), 400),
        .closes(20, "a bare LF after the size", post("/echo", "5\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "a bare LF after the data", post("/echo", "5\r\nhello\n0\r\n\r\n", chunked), 400),
        .closes(20, "no CRLF after the data", post("/echo", "5\r\nhello0\r\n\r\n", chunked), 400),
        .closes(20, "extensions over their bound", post("/echo", "5;a=\(String(repeating: "b", count: 5000))\r\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "malformed chunks that the application leaves unread", post("/early", "5\r\nhelloX", chunked), 200),
        .closes(19, "chunks over the handler's limit", post("/small", "6\r\nhello \r\n6\r\nworld!\r\n0\r\n\r\n", chunked), 413),
        .open(19, "chunks at the handler's limit", post("/small", "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n", chunked), 200, says: ["helloworld"]),
        .closes(20, "a malformed extension", post("/echo", "5;=b\r\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "an extension whose quotes don't end", post("/echo", "5;a=\"b\r\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "a bare LF after the last size", post("/echo", "5\r\nhello\r\n0\n\r\n", chunked), 400),
        .closes(20, "a bare LF for the last line", post("/echo", "5\r\nhello\r\n0\r\n\n", chunked), 400),
        .closes(20, "a bare LF in an extension", post("/echo", "5;a\nhello\r\n0\r\n\r\n", chunked), 400),
        .closes(20, "no size", post("/echo", "\r\nhello\r\n0\r\n\r\n", chunked), 400),
        .open(
            21, "trailers are handed over, those that frame or route aren't",
            post(
                "/trailers", "5\r\nhello\r\n0\r\nX-A: b\r\nHost: c\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nAuthorization: d\r\nx-b:\te \r\n\r\n",
                chunked),
            200, says: ["5 <X-A=b,x-b=e>"]),
        .open(
            21, "trailers don't reach the next request",
            post("/trailers", "0\r\nX-A: b\r\n\r\n", chunked) + post("/trailers", "0\r\n\r\n", chunked) + post("/trailers", "hello", "Content-Length: 5"),
            200, 200, 200, says: ["0 <X-A=b>", "0 <>", "5 <>"]),
        .closes(21, "a control byte in a trailer", post("/echo", "0\r\nX-A: b\0\r\n\r\n", chunked), 400),
        .closes(21, "a folded trailer", post("/echo", "0\r\nX-A: b\r\n c\r\n\r\n", chunked), 400),
        .closes(21, "too many trailers", post("/echo", "0\r\n\(String(repeating: "A: b\r\n", count: 120))\r\n", chunked), 431),
        .closes(
            21, "a trailer section over its limit",
            post("/echo", "0\r\n\(String(repeating: "A: \(String(repeating: "b", count: 3000))\r\n", count: 3))\r\n", chunked), 431),
        .open(21, "trailers", post("/echo", "5\r\nhello\r\n0\r\nX-A: b\r\nHost: c\r\nContent-Length: 9\r\n\r\n", chunked), 200, says: ["hello"]),
        .closes(21, "a malformed trailer", post("/echo", "5\r\nhello\r\n0\r\nX-A : b\r\n\r\n", chunked), 400),
        .closes(21, "a trailer line over its limit", post("/echo", "0\r\nA: \(String(repeating: "b", count: 9000))\r\n\r\n", chunked), 431),
    ]

    static let methods: [Rule] = [
        .open(26, "HEAD", request("HEAD /x HTTP/1.1", "Host: a"), 200, heads: [0], says: ["content-length: 7"]),
        .open(26, "HEAD of a large response", request("HEAD /big/5000000 HTTP/1.1", "Host: a"), 200, heads: [0], says: ["content-length: 5000000"]),
        .open(26, "a refused HEAD", request("HEAD / HTTP/1.1", "Host: a", "Expect: x"), 417, heads: [0]),
        .closes(26, "a HEAD without Host", request("HEAD / HTTP/1.1"), 400, heads: [0]),
        .closes(26, "a HEAD with a malformed field", request("HEAD / HTTP/1.1", "Host: a", "A : b"), 400, heads: [0]),
        .closes(26, "a HEAD with two spaces", request("HEAD  / HTTP/1.1", "Host: a"), 400, heads: [0]),
        .closes(26, "a HEAD without version, after empty lines", raw("\r\n\r\nHEAD /\r\n\r\n"), 400, heads: [0]),
        .closes(26, "a HEAD after a GET", get() + request("HEAD / HTTP/1.1"), 200, 400, heads: [1]),
        .closes(26, "a HEAD with a long target", raw("HEAD /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n"), 414, heads: [0]),
        .closes(26, "a HEAD with too many fields", raw("HEAD / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "A: b\r\n", count: 120) + "\r\n"), 431, heads: [0]),
        .closes(26, "a HEAD with an unknown coding", request("HEAD / HTTP/1.1", "Host: a", "Transfer-Encoding: gzip, chunked"), 501, heads: [0]),
        .closes(26, "a HEAD in HTTP/2.0", request("HEAD / HTTP/2.0", "Host: a"), 505, heads: [0]),
        .closes(26, "a HEAD with malformed content", request("HEAD /echo HTTP/1.1", "Host: a", chunked) + raw("x"), 400, heads: [0]),
        .closes(26, "a HEAD with too much content", request("HEAD /echo HTTP/1.1", "Host: a", "Content-Length: 2000000"), 413, heads: [0]),
    ]

    static let expectations: [Rule] = [
        .open(25, "the handler asks for the body", post("/echo", "hello", "Expect: 100-continue", "Content-Length: 5"), 200, says: ["hello"]),
        .open(25, "the handler asks for chunks", post("/echo", "5\r\nhello\r\n0\r\n\r\n", "Expect: 100-continue", chunked), 200, says: ["hello"]),
        .open(25, "the handler asks late", post("/later-echo/5", "hello", "Expect: 100-continue", "Content-Length: 5"), 200, says: ["hello"]),
        .open(
            25, "two in a row",
            post("/echo", "hello", "Expect: 100-continue", "Content-Length: 5")
                + post("/echo", "world", "Expect: 100-continue", "Content-Length: 5"), 200, 200, says: ["hello", "world"]),
        .closes(25, "a final status without the body", post("/early", "hello", "Expect: 100-continue", "Content-Length: 5"), 200, says: ["connection: close"]),
        .closes(
            25, "a late final status without the body", post("/later/5", "hello", "Expect: 100-continue", "Content-Length: 5"), 200, says: ["connection: close"]
        ),
        .closes(25, "a body over the limit", post("/echo", "hello", "Expect: 100-continue", "Content-Length: 2000000"), 413),
        .closes(25, "a body over the handler's limit", post("/small", "hello world", "Expect: 100-continue", "Content-Length: 11"), 413),
        .open(25, "no body to wait for", get("Expect: 100-continue"), 200),
        .closes(25, "never a 100 to 1.0", raw("POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"), 200, says: ["hello"]),
        .open(25, "another expectation", get("Expect: 200-ok"), 417),
        .open(25, "another expectation, with a body", post("/echo", "hello", "Expect: 200-ok", "Content-Length: 5"), 417),
        .closes(
            25, "100-continue and another, with a body", post("/echo", "hello", "Expect: 100-continue, x", "Content-Length: 5"), 417,
            says: ["connection: close"]),
        .closes(
            25, "an unknown method whose client waits", request("BREW / HTTP/1.1", "Host: a", "Expect: 100-continue", "Content-Length: 5") + raw("hello"), 501),
    ]

    static let responses: [Rule] = [
        .open(27, "204", request("GET /status/204 HTTP/1.1", "Host: a"), 204),
        .open(27, "304", request("GET /status/304 HTTP/1.1", "Host: a"), 304),
        .open(27, "205", request("GET /status/205 HTTP/1.1", "Host: a"), 205, says: ["content-length: 0"]),
        .open(29, "a value with NUL", request("GET /injected-nul HTTP/1.1", "Host: a"), 500, says: ["refused"]),
        .open(29, "a value with LF", request("GET /injected-lf HTTP/1.1", "Host: a"), 500, says: ["refused"]),
        .open(29, "a value with CR", request("GET /injected-cr HTTP/1.1", "Host: a"), 500, says: ["refused"]),
        .open(29, "a value with CRLF", request("GET /injected HTTP/1.1", "Host: a"), 500, says: ["refused"]),
        .open(31, "an upgrade that the server does not offer", get("Connection: upgrade", "Upgrade: websocket"), 200),
        .open(31, "an upgrade that Connection doesn't list", get("Upgrade: websocket"), 200),
        .closes(31, "an upgrade in 1.0", raw("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"), 200),
        .open(32, "hop-by-hop fields", request("GET /mirror HTTP/1.1", "Host: a", "X-A: b", "X-B: c", "Connection: x-a"), 200, says: ["Host,X-B,Connection"]),
        .open(34, "only the first answer counts", request("GET /twice HTTP/1.1", "Host: a"), 200, says: ["first"]),
    ]

    static let persistence: [Rule] = [
        .open(33, "1.1 persists", get() + get(), 200, 200),
        .closes(33, "1.1 with close", get("Connection: close"), 200, says: ["connection: close"]),
        .closes(33, "Close in a list", get("Connection: x, Close"), 200, says: ["connection: close"]),
        .closes(33, "1.0 closes", request("GET / HTTP/1.0"), 200, says: ["connection: close"]),
        .open(33, "1.0 with keep-alive", request("GET / HTTP/1.0", "Connection: Keep-Alive"), 200, says: ["connection: keep-alive"]),
        .open(
            33, "1.0 with keep-alive, twice", request("GET / HTTP/1.0", "Connection: keep-alive") + request("GET / HTTP/1.0", "Connection: keep-alive"), 200,
            200),
        .closes(33, "the handler closes", request("GET /close HTTP/1.1", "Host: a"), 200, says: ["connection: close"]),
        .closes(33, "close after pipelined requests", get() + get() + get("Connection: close"), 200, 200, 200),
        .closes(34, "bytes after a failed request", get() + get("A : b") + get(), 200, 400),
        .closes(34, "a closing late answer", request("GET /later/5 HTTP/1.0") + get(), 200),
        .open(
            34, "late answers in order",
            request("GET /later/20 HTTP/1.1", "Host: a") + request("GET /later/1 HTTP/1.1", "Host: a") + get()
                + request("GET /later/3 HTTP/1.1", "Host: a"), 200, 200, 200, 200, says: ["later 20", "later 1", "GET /", "later 3"]),
        .open(
            34, "late answers with bodies between",
            post("/later-echo/5", "GET /a HTTP/1.1\r\n", "Content-Length: 17") + post("/later/3", "5\r\nhello\r\n0\r\n\r\n", chunked)
                + post("/echo", "0123456789", "Content-Length: 10"), 200, 200, 200, says: ["GET /a", "later 3", "0123456789"]),
        .open(
            34, "early answers with unread bodies", post("/early", "hello", "Content-Length: 5") + post("/early", "5\r\nhello\r\n0\r\n\r\n", chunked) + get(),
            200, 200, 200),
    ]
}
