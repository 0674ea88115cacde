// Requests and what the parser must say of them, one rule of RFC 9110 and 9112 (and the strict
// choice where these leave one) after the other.

struct Case: Sendable, CustomStringConvertible {
    let rule: String
    let bytes: [UInt8]
    /// The status of a refusal that closes the connection, or nil for a sound head.
    let status: Int?
    /// For a sound head: all of these must be in its description.
    let facts: [String]

    var description: String { rule }

    static func refused(_ status: Int, _ rule: String, _ bytes: [UInt8]) -> Case {
        Case(rule: rule, bytes: bytes, status: status, facts: [])
    }

    static func served(_ rule: String, _ bytes: [UInt8], _ facts: String...) -> Case {
        Case(rule: rule, bytes: bytes, status: nil, facts: facts)
    }
}

func raw(_ text: String) -> [UInt8] { Array(text.utf8) }

enum RequestCorpus {
    static var all: [Case] {
        requestLine + targets + hosts + fieldLines + lengths + codings + connections + expectations
    }

    static let requestLine: [Case] = [
        .served("a plain request", get(), "get GET origin / ?- @a 1.1 none keep=true", #"["Host=<a>"]"#),
        .refused(400, "an empty line that is a bare LF", raw("\n") + get()),
        .refused(400, "a bare LF ends the request line", raw("GET / HTTP/1.1\nHost: a\r\n\r\n")),
        .refused(400, "a bare LF ends a field line", raw("GET / HTTP/1.1\r\nHost: a\n\r\n")),
        .refused(400, "a bare LF ends the head", raw("GET / HTTP/1.1\r\nHost: a\r\n\n")),
        .refused(400, "a bare CR in the request line", raw("GET /\r HTTP/1.1\r\nHost: a\r\n\r\n")),
        .refused(400, "a bare CR for a line end", raw("GET / HTTP/1.1\rHost: a\r\n\r\n")),
        .refused(400, "CR CR LF", raw("GET / HTTP/1.1\r\r\nHost: a\r\n\r\n")),
        .refused(400, "a bare CR in a value", raw("GET / HTTP/1.1\r\nHost: a\r\nA: b\rc\r\n\r\n")),
        .refused(400, "two spaces after the method", request("GET  / HTTP/1.1", "Host: a")),
        .refused(400, "two spaces before the version", request("GET /  HTTP/1.1", "Host: a")),
        .refused(400, "a space after the version", request("GET / HTTP/1.1 ", "Host: a")),
        .refused(400, "a space before the method", request(" GET / HTTP/1.1", "Host: a")),
        .refused(400, "a tab for a space", request("GET\t/ HTTP/1.1", "Host: a")),
        .refused(400, "a tab before the version", request("GET /\tHTTP/1.1", "Host: a")),
        .refused(400, "a space in the target", request("GET /a b HTTP/1.1", "Host: a")),
        .refused(400, "only a method", request("GET", "Host: a")),
        .refused(400, "no target between the spaces", request("GET  HTTP/1.1", "Host: a")),
        .refused(400, "no version, as HTTP/0.9", raw("GET /\r\n")),
        .refused(400, "an empty version", request("GET / ", "Host: a")),
        .refused(400, "a version in small letters", request("GET / http/1.1", "Host: a")),
        .refused(400, "a version without its dot", request("GET / HTTP/11", "Host: a")),
        .refused(400, "a version with two digits", request("GET / HTTP/1.10", "Host: a")),
        .refused(400, "a version that is no number", request("GET / HTTP/1.x", "Host: a")),
        .refused(400, "another protocol", request("GET / ICAP/1.0", "Host: a")),
        .served("HTTP/1.2 is served as 1.1", request("GET / HTTP/1.2", "Host: a"), " 1.1 ", "keep=true"),
        .refused(505, "HTTP/2.0", request("GET / HTTP/2.0", "Host: a")),
        .refused(505, "HTTP/9.9", request("GET / HTTP/9.9", "Host: a")),
        .refused(505, "HTTP/0.9 spelled out", request("GET / HTTP/0.9", "Host: a")),
        .refused(505, "the HTTP/2 preface", raw("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")),
        .refused(400, "a TLS client hello", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01]),
        .refused(400, "a method that is no token", request("G(T / HTTP/1.1", "Host: a")),
        .refused(400, "a method with a byte above ASCII", request("GÉT / HTTP/1.1", "Host: a")),
        .served("methods are case-sensitive", request("get / HTTP/1.1", "Host: a"), "other get", "refusal=-"),
        .served("an unknown method", request("BREW / HTTP/1.1", "Host: a"), "other BREW", "refusal=-", "keep=true"),
        .served("a method of eight letters", request("PROPFIND / HTTP/1.1", "Host: a"), "other PROPFIND"),
        .served("a method with odd token characters", request("!#$%&'*+-.^_`|~9 / HTTP/1.1", "Host: a"), "other !#$%&'*+-.^_`|~9 "),
        .served("HEAD", request("HEAD / HTTP/1.1", "Host: a"), "head HEAD", "refusal=-"),
        .served("POST", request("POST / HTTP/1.1", "Host: a"), "post POST"),
        .served("PUT", request("PUT / HTTP/1.1", "Host: a"), "put PUT"),
        .served("DELETE", request("DELETE / HTTP/1.1", "Host: a"), "delete DELETE"),
        .served("PATCH", request("PATCH / HTTP/1.1", "Host: a"), "patch PATCH"),
        .served("OPTIONS", request("OPTIONS / HTTP/1.1", "Host: a"), "options OPTIONS origin /"),
        .served("TRACE reaches the application", request("TRACE / HTTP/1.1", "Host: a"), "trace TRACE", "refusal=-"),
        .refused(501, "CONNECT in authority form", request("CONNECT a:443 HTTP/1.1", "Host: a:443")),
        .refused(501, "CONNECT with a path", request("CONNECT / HTTP/1.1", "Host: a")),
    ]

    static let targets: [Case] = [
        .served("a path and a query", request("GET /a/b?c=d?e HTTP/1.1", "Host: a"), "origin /a/b ?c=d?e @a"),
        .served("an empty query", request("GET /a? HTTP/1.1", "Host: a"), "origin /a ? @a"),
        .served(
            "an absolute target wins over Host", request("GET http://b.example:80/x?y HTTP/1.1", "Host: a"),
            "absolute /x ?y @b.example:80"),
        .served("the scheme's case does not count", request("GET HTTPS://b/x HTTP/1.1", "Host: a"), "absolute /x ?- @b"),
        .served("an absolute target without path", request("GET http://b HTTP/1.1", "Host: a"), "absolute / ?- @b"),
        .served("an absolute target with a query alone", request("GET http://b?q/r HTTP/1.1", "Host: a"), "absolute / ?q/r @b"),
        .served("an absolute target with an IPv6 address", request("GET http://[::1]:8080/ HTTP/1.1", "Host: a"), "@[::1]:8080"),
        .refused(400, "an absolute target without authority", request("GET http:///x HTTP/1.1", "Host: a")),
        .refused(400, "an absolute target with user information", request("GET http://u@b/ HTTP/1.1", "Host: a")),
        .refused(400, "an absolute target with a bad port", request("GET http://b:x/ HTTP/1.1", "Host: a")),
        .refused(400, "another scheme", request("GET ftp://b/ HTTP/1.1", "Host: a")),
        .served("an absolute target with an empty Host", request("GET http://b/ HTTP/1.1", "Host:"), "absolute / ?- @b "),
        .refused(400, "an absolute target with a Host that is none", request("GET http://b/ HTTP/1.1", "Host: u@a")),
        .refused(400, "an absolute target without Host in 1.1", request("GET http://b/ HTTP/1.1")),
        .served("OPTIONS *", request("OPTIONS * HTTP/1.1", "Host: a"), "options OPTIONS asterisk * ?- @a", "refusal=-"),
        .refused(400, "* with GET", request("GET * HTTP/1.1", "Host: a")),
        .refused(400, "* with a query", request("OPTIONS *?a HTTP/1.1", "Host: a")),
        .refused(400, "authority form without CONNECT", request("GET a:80 HTTP/1.1", "Host: a")),
        .refused(400, "a path without its slash", request("GET index.html HTTP/1.1", "Host: a")),
        .refused(400, "a fragment", request("GET /a#b HTTP/1.1", "Host: a")),
        .refused(400, "a fragment in the query", request("GET /a?b#c HTTP/1.1", "Host: a")),
        .refused(400, "a byte above ASCII in the target", request("GET /é HTTP/1.1", "Host: a")),
        .refused(400, "DEL in the target", request("GET /\u{7F} HTTP/1.1", "Host: a")),
        .refused(400, "NUL in the target", request("GET /\0 HTTP/1.1", "Host: a")),
        .refused(400, "a control in the target", request("GET /\u{1} HTTP/1.1", "Host: a")),
        .refused(400, "a lone percent sign", request("GET /% HTTP/1.1", "Host: a")),
        .refused(400, "an escape of one digit", request("GET /%4 HTTP/1.1", "Host: a")),
        .refused(400, "an escape that isn't hexadecimal", request("GET /%zz HTTP/1.1", "Host: a")),
        .served("malformed escapes in the query are kept", request("GET /a?q=100%&b=%4x%zz%4 HTTP/1.1", "Host: a"), "/a ?q=100%&b=%4x%zz%4 @a"),
        .refused(400, "a malformed escape in the path before a query", request("GET /%4x?a=%41 HTTP/1.1", "Host: a")),
        .refused(400, "a fragment in a query behind a percent sign", request("GET /?a=%#b HTTP/1.1", "Host: a")),
        .refused(400, "a byte above ASCII behind a percent sign", request("GET /?a=%é HTTP/1.1", "Host: a")),
        .served("escapes are kept", request("GET /%41%2f%00 HTTP/1.1", "Host: a"), "/%41%2f%00"),
        .served("what browsers leave unescaped", request("GET /|^{}[]\\\"<>?[]|^`{} HTTP/1.1", "Host: a"), "?[]|^`{}"),
        .served("a target of 7,900 bytes", request("GET /" + String(repeating: "a", count: 7899) + " HTTP/1.1", "Host: a")),
        .refused(414, "a target of 8,001 bytes", request("GET /" + String(repeating: "a", count: 8000) + " HTTP/1.1", "Host: a")),
        .refused(501, "a method that never ends", raw(String(repeating: "A", count: 8300))),
        .refused(501, "a method that is longer than the line may be", raw(String(repeating: "A", count: 8300) + " / HTTP/1.1\r\nHost: a\r\n\r\n")),
        .refused(400, "a line over its limit whose method is no token", raw("G(" + String(repeating: "A", count: 8300))),
        .refused(414, "a target over the line's limit", raw("BREW /" + String(repeating: "a", count: 8300) + " HTTP/1.1\r\nHost: a\r\n\r\n")),
        .refused(414, "a target that never ends", raw("GET /" + String(repeating: "a", count: 8300))),
    ]

    static let hosts: [Case] =
        [
            .refused(400, "HTTP/1.1 without Host", request("GET / HTTP/1.1", "A: b")),
            .served("HTTP/1.0 without Host", request("GET / HTTP/1.0"), "@- 1.0 none keep=false"),
            .refused(400, "two Host lines", request("GET / HTTP/1.1", "Host: a", "Host: b")),
            .refused(400, "two equal Host lines", request("GET / HTTP/1.1", "Host: a", "host: a")),
            .refused(400, "two Host lines in HTTP/1.0", request("GET / HTTP/1.0", "Host: a", "Host: a")),
            .served("an empty Host", request("GET / HTTP/1.1", "Host:"), "origin / ?- @- "),
        ]
        + [
            "a", "localhost:8080", "127.0.0.1", "[::1]", "[::]:1", "[2001:db8::7]:443", "[1:2:3:4:5:6:7:8]", "[::ffff:1.2.3.4]",
            "[1:2:3:4:5:6:7::]", "a.b-c_d~", "%41b", "a!$&'()*+,;=", "a:", "a:65535", "a:00080",
        ].map { .served("Host \($0)", request("GET / HTTP/1.1", "Host: \($0)"), "@\($0) ") }
        + [
            "u@a", "u:p@a", "a/b", "a b", "a:x", "a:65536", "a:123456", "a:-1", "a:80:80", ":80", "a?b", "a#b", "[::1", "::1", "[]",
            "[:]", "[1:2]", "[:::]", "[1::2::3]", "[::1]x", "[12345::]", "[g::]", "[1:2:3:4:5:6:7:8:9]", "[::1.2.3]", "[::1.2.3.256]",
            "[::01.2.3.4]", "[v1.a]", "a\\b", "é", "%4", "a\tb", "http://a", "a%", "[1:2:3:4:5:6:7:8::]", "[1:2:3:4:5:6:7:1.2.3.4]",
        ].map { .refused(400, "Host \($0)", request("GET / HTTP/1.1", "Host: \($0)")) }

    static let fieldLines: [Case] = [
        .refused(400, "a space before the colon", get("A : b")),
        .refused(400, "a tab before the colon", get("A\t: b")),
        .refused(400, "a space before Host's colon", request("GET / HTTP/1.1", "Host : a")),
        .refused(400, "an empty name", get(": b")),
        .refused(400, "a name with a space", get("A B: c")),
        .refused(400, "a name with a slash", get("A/B: c")),
        .refused(400, "a name with a byte above ASCII", get("Ä: b")),
        .refused(400, "a line without colon", get("abc")),
        .refused(400, "a line without colon of eight letters", get("abcdefgh")),
        .refused(400, "a folded line", get("A: b", " c")),
        .refused(400, "a line folded with a tab", get("A: b", "\tc: d")),
        .refused(400, "a space before the first field", request("GET / HTTP/1.1", " Host: a")),
        .refused(400, "a line of one space", get(" ")),
        .refused(400, "NUL in a value", get("A: b\0c")),
        .refused(400, "ESC in a value", get("A: \u{1B}[0m")),
        .refused(400, "DEL in a value", get("A: \u{7F}")),
        .refused(400, "a vertical tab in a value", get("A: \u{B}")),
        .refused(400, "NUL in a name", get("A\0: b")),
        .served("bytes above ASCII in a value", get("A: ü"), #""A=<ü>""#),
        .served("an empty value", get("A:"), #""A=<>""#),
        .served("a value of whitespace", get("A: \t "), #""A=<>""#),
        .served("whitespace around a value", get("A:\t b \t c\t"), #"A=<b \t c>"#),
        .served("no whitespace before a value", get("A:b"), #""A=<b>""#),
        .served("every token character in a name", get("!#$%&'*+-.^_`|~aZ09: b"), "*+-.^_`|~aZ09=<b>"),
        .served("colons in a value", get("A: b:c: d"), #""A=<b:c: d>""#),
        .served("fields keep their order", get("B: 1", "A: 2", "B: 3"), #""B=<1>", "A=<2>", "B=<3>""#),
        .served("Content_Length is not Content-Length", get("Content_Length: 5", "Transfer_Encoding: chunked"), "none keep"),
        .served("look-alikes of Content-Length", get("Content-Lengt: 5", "XContent-Length: 5", "Content-Length5: 5"), "none keep"),
        .refused(400, "Content-Length with a space before its colon", get("Content-Length : 5")),
        .served("names in any case", request("GET / HTTP/1.1", "hOsT: a", "cONTENT-lENGTH: 5"), "length(5)"),
    ]

    static let lengths: [Case] =
        [
            .served("no length, no content", request("POST / HTTP/1.1", "Host: a"), "none"),
            .served("Content-Length", get("Content-Length: 5"), "length(5)"),
            .served("Content-Length 0", get("Content-Length: 0"), "length(0)"),
            .served("zeros in front", get("Content-Length: 0005"), "length(5)"),
            .served("the greatest Content-Length", get("Content-Length: 9223372036854775807"), "length(9223372036854775807)"),
            .served("content on HEAD", request("HEAD / HTTP/1.1", "Host: a", "Content-Length: 3"), "length(3)"),
            .served("content in HTTP/1.0", request("POST / HTTP/1.0", "Content-Length: 3"), "length(3)"),
            .refused(400, "two Content-Length lines", get("Content-Length: 5", "Content-Length: 6")),
            .refused(400, "two equal Content-Length lines", get("Content-Length: 5", "Content-Length: 5")),
        ]
        + [
            "+5", "-1", "5 5", "0x5", "", "5,5", "5, 5", "5;", "12345678901234567890", "00000000000000000005", "9223372036854775808",
            "9999999999999999999", "5.0", "five", "\"5\"", "5\t5", "٥",
        ].map { .refused(400, "Content-Length <\($0)>", get("Content-Length: \($0)")) }

    static let codings: [Case] =
        [
            .served("chunked", get("Transfer-Encoding: chunked"), "chunked"),
            .served("codings in any case", get("Transfer-Encoding: ChUnKeD"), "chunked"),
            .served("empty list elements", get("Transfer-Encoding: , ,chunked ,"), "chunked"),
            .served("an empty line and another", get("Transfer-Encoding:", "Transfer-Encoding: chunked"), "chunked"),
            .refused(400, "Transfer-Encoding with Content-Length", get("Transfer-Encoding: chunked", "Content-Length: 5")),
            .refused(400, "Content-Length with Transfer-Encoding", get("Content-Length: 5", "Transfer-Encoding: chunked")),
            .refused(400, "Transfer-Encoding in HTTP/1.0", request("POST / HTTP/1.0", "Transfer-Encoding: chunked")),
            .refused(400, "chunked is applied twice, in two lines", get("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
            .refused(400, "chunked and another in two lines", get("Transfer-Encoding: chunked", "Transfer-Encoding: gzip")),
            .refused(501, "another and chunked in two lines", get("Transfer-Encoding: gzip", "Transfer-Encoding: chunked")),
        ]
        + [
            "gzip", "identity", "chunked, gzip", "chunked, chunked", "chunked, gzip, chunked", "", ",", "xchunked", "chunked1", "chun ked",
            "chunked;a=b", "chunked;", "\"chunked\"", "gzip;a, chunked", "gzip;a=\"b, chunked", "chunked\u{A0}", "[chunked]", "gzip;=b, chunked",
        ].map { .refused(400, "Transfer-Encoding <\($0)>", get("Transfer-Encoding: \($0)")) }
        + [
            "gzip, chunked", "identity, chunked", "gzip;a=b;c=\"d, \\\"e\", chunked", "gzip ; a = b , chunked",
        ].map { .refused(501, "Transfer-Encoding <\($0)>", get("Transfer-Encoding: \($0)")) }

    static let connections: [Case] = [
        .served("1.1 persists", get(), "keep=true"),
        .served("1.1 with close", get("Connection: close"), "keep=false"),
        .served("close in a list, in any case", get("Connection: foo , ,CLOSE"), "keep=false"),
        .served("close in the second line", get("Connection: keep-alive", "Connection: close"), "keep=false"),
        .served("closed is not close", get("Connection: closed, close2"), "keep=true"),
        .served("1.0 closes", request("GET / HTTP/1.0", "Host: a"), "keep=false"),
        .served("1.0 with keep-alive", request("GET / HTTP/1.0", "Connection: Keep-Alive"), "1.0 none keep=true"),
        .served("1.0 with both", request("GET / HTTP/1.0", "Connection: keep-alive, close"), "keep=false"),
        .served(
            "fields that Connection names are hop-by-hop", get("X-A: 1", "Connection: x-a, close, Host", "x-A: 2", "X-B: 3"),
            #"["Host=<a>", "*X-A=<1>", "Connection=<x-a, close, Host>", "*x-A=<2>", "X-B=<3>"]"#),
        .served("an upgrade", get("Connection: keep-alive, Upgrade", "Upgrade: websocket"), "upgrade=true", #""*Upgrade=<websocket>""#),
        .served("Upgrade that Connection does not list", get("Upgrade: websocket"), "upgrade=false"),
        .served("Connection: upgrade without Upgrade", get("Connection: upgrade"), "upgrade=false"),
        .served("Connection: upgrade with an empty Upgrade", get("Connection: upgrade", "Upgrade:"), "upgrade=false"),
        .served("no upgrade from 1.0", request("GET / HTTP/1.0", "Connection: upgrade", "Upgrade: websocket"), "upgrade=false"),
        .refused(431, "more connection options than fields are allowed", get("Connection: " + String(repeating: "a,", count: 101))),
    ]

    static let expectations: [Case] = [
        .served("100-continue", get("Expect: 100-continue", "Content-Length: 5"), "expect=true", "refusal=-"),
        .served("100-continue in any case", get("Expect: 100-Continue", "Transfer-Encoding: chunked"), "expect=true"),
        .served("100-continue without content", get("Expect: 100-continue"), "expect=false", "refusal=-"),
        .served("100-continue with empty content", get("Expect: 100-continue", "Content-Length: 0"), "expect=false"),
        .served("never a 100 to HTTP/1.0", request("POST / HTTP/1.0", "Expect: 100-continue", "Content-Length: 5"), "expect=false", "refusal=-"),
        .served("another expectation", get("Expect: foo=bar"), "refusal=417", "expect=false"),
        .served("another expectation in a list", get("Expect: 100-continue, foo", "Content-Length: 5"), "refusal=417", "expect=true"),
        .served("an empty expectation", get("Expect:"), "refusal=-", "expect=false"),
    ]
}
