// HTTP/1.1 as a machine over memory: what it says of a conversation doesn't depend on how the bytes come.

import EverycoreHTTP
import TestSupport
import Testing

@Suite struct HTTP1Tests {
    /// Several requests on one connection, with content of both kinds and what may stand between them.
    static let conversations: [[UInt8]] = [
        get() + request("HEAD /b HTTP/1.1", "Host: b") + get("Connection: close") + get(),
        raw("\r\n") + request("POST /a HTTP/1.1", "Host: a", "Content-Length: 5") + raw("hello\r\n") + get(),
        request("POST /a HTTP/1.1", "Host: a", "Content-Length: 0") + get("Expect: 100-continue"),
        request("PUT /c HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "Expect: 100-continue")
            + raw("5;a=\"b\"\r\nhello\r\n1\r\n \r\n0\r\nX-Sum: 1\r\nHost: no\r\n\r\n") + get(),
        request("POST /a HTTP/1.1", "Host: a", "Transfer-Encoding: chunked") + raw("3\r\nabc\r\nx\r\n") + get(),
        request("POST /a HTTP/1.1", "Host: a", "Content-Length: 9") + raw("hello"),
        request("GET / HTTP/1.0") + get(), request("GET / HTTP/1.0", "Connection: keep-alive") + get(), PlainHeadTests.browser + raw("12345"),
    ]

    @Test func `the same is said and sent at every split`() {
        for bytes in Self.conversations + RequestCorpus.all.map({ $0.bytes + get() }) {
            let whole = HTTP1Driver.converse(bytes).transcript
            for cut in 0...min(bytes.count, 400) {
                let split = HTTP1Driver.converse(bytes, cuts: [cut]).transcript
                if split != whole { Issue.record("\(String(decoding: bytes, as: UTF8.self)) cut at \(cut):\n\(split)\ninstead of\n\(whole)") }
            }
            let dribbled = HTTP1Driver.converse(bytes, cuts: Array(0..<min(bytes.count, 400))).transcript
            #expect(dribbled == whole)
        }
    }

    @Test func `the same is said and sent of mutated conversations`() {
        var random = SeededGenerator.printingSeed(161_803)
        for _ in 0..<20_000 {
            guard var bytes = Self.conversations.randomElement(using: &random) else { return }
            MutationTests.mutate(&bytes, &random)
            let limits = PlainHeadTests.limits.randomElement(using: &random) ?? HTTPLimits()
            let cuts = (0..<Int.random(in: 1...3, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            let (split, whole) = (HTTP1Driver.converse(bytes, cuts: cuts, limits: limits), HTTP1Driver.converse(bytes, limits: limits))
            if split.transcript != whole.transcript {
                Issue.record("\(String(decoding: bytes, as: UTF8.self)) cut at \(cuts): \(split.transcript) instead of \(whole.transcript)")
            }
        }
    }

    @Test func `a head is what the parser says that it is`() {
        for entry in RequestCorpus.all {
            let (first, parsed) = (HTTP1Driver.converse(entry.bytes).notes.first, Run.whole(entry.bytes))
            if let first { #expect(parsed.description.hasPrefix(first), "\(entry)") } else { #expect(parsed == .needMore, "\(entry)") }
        }
    }

    @Test func `content is told with its end and its trailers`() {
        let notes = HTTP1Driver.converse(Self.conversations[3]).notes
        #expect(notes.count == 3)
        #expect(notes[1] == #"content <hello > ["X-Sum=<1>"]"#)
        #expect(HTTP1Driver.converse(Self.conversations[1]).notes[1] == "content <hello> []")
        #expect(HTTP1Driver.converse(Self.conversations[5]).transcript.contains("so far <hello>"))
        #expect(HTTP1Driver.converse(Self.conversations[4]).notes.last?.hasPrefix("400") == true)
    }

    @Test func `nothing is read behind the last request`() {
        let sent = HTTP1Driver.converse(Self.conversations[0])
        #expect(sent.notes.count == 3)
        #expect(sent.transcript.contains("Connection: close"))
    }

    @Test func `it knows whether all content is here`() {
        for (head, content, isHere) in [
            ("Content-Length: 3", "abc", true), ("Content-Length: 3", "ab", false), ("Content-Length: 3", "abcd", true),
            ("Transfer-Encoding: chunked", "1\r\na\r\n0\r\n\r\n", true), ("Transfer-Encoding: chunked", "1\r\na\r\n0\r\n", false),
        ] {
            var http1 = HTTP1()
            let rules = HTTP1.Rules(HTTPLimits())
            let event = PaddedCopy(request("POST / HTTP/1.1", "Host: a", head)).withBytes { http1.next($0, rules, into: RequestHead()) }
            guard case .head = event else {
                Issue.record("\(event)")
                return
            }
            let bytes = raw(content)
            // Twice: looking changes nothing.
            for _ in 0..<2 { #expect(unsafe http1.contentEnds(within: bytes.span.bytes) == isHere, "\(content)") }
        }
    }

    @Test func `content that is made piece by piece is framed, and ends as it was announced`() {
        let encoder = ResponseEncoder()
        let pieces = ["hello", "", " world"].map(raw)
        let framings: [(HTTP1.ContentFraming, sent: String, isWhole: Bool)] = [
            (.chunked, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", true), (.omitted, "", true), (.untilClose, "hello world", true),
            (.length(remaining: 11), "hello world", true), (.length(remaining: 7), "hello w", true), (.length(remaining: 12), "hello world", false),
        ]
        for (start, sent, isWhole) in framings {
            var framing = start
            var output = OutputBuffer()
            for piece in pieces { unsafe framing.append(piece.span.bytes, with: encoder, &output) }
            let ended = framing.end(with: encoder, &output)
            #expect(ended == isWhole)
            let text = unsafe output.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }
            #expect(text == sent)
        }
    }
}

/// What another protocol needs of requests and responses.
@Suite struct ProtocolNeutralTests {
    @Test func `a head may have its parts in any order of its bytes`() {
        let bytes = raw("/path?q=1acceptexample.comGET text/htmlhost")
        func range(_ text: String) -> ByteRange {
            let wanted = raw(text)
            let start = (0...bytes.count - wanted.count).first { Array(bytes[$0..<$0 + wanted.count]) == wanted } ?? 0
            return ByteRange(start, start + wanted.count)
        }
        var facts = HeadFacts()
        facts.method = .get
        facts.methodRange = range("GET")
        (facts.target, facts.path, facts.query, facts.hasQuery) = (range("/path?q=1"), range("/path"), range("q=1"), true)
        (facts.authority, facts.hasAuthority) = (range("example.com"), true)
        let head = RequestHead()
        head.fill(facts, fields: [FieldRange(name: range("accept"), value: range("text/html"))], length: bytes.count)
        unsafe bytes.withUnsafeBytes { buffer in
            if let base = buffer.baseAddress { unsafe head.rebase(onto: base, count: buffer.count) }
            head.detach()
        }
        #expect(head.methodName == "GET" && head.path == "/path" && head.query == "q=1" && head.authority == "example.com")
        #expect(head.value(of: "Accept") == "text/html")
        head.withMethodAndPath { line, path in
            #expect(unsafe line.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } == "GET /path")
            #expect(unsafe path.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } == "/path")
        }
    }

    @Test func `a response's fields are names and values, however they were given`() throws {
        let fields = [(name: "ETag", value: "\"x\""), (name: "Vary", value: "Accept")]
        let given = try CheckedResponse(status: 200, contentType: "text/plain", fields: fields)
        #expect(given.fieldLines.map { "\($0.name)=\($0.value)" } == ["Content-Type=text/plain", "ETag=\"x\"", "Vary=Accept"])
        let prepared = CheckedResponse(status: 304, prepared: try PreparedFields(fields), content: .none)
        #expect(prepared.fieldLines.map(\.name) == ["ETag", "Vary"])
        let own = try CheckedResponse(status: 200, contentType: "text/plain", fields: [("content-type", "text/html")])
        #expect(own.fieldLines.map(\.value) == ["text/html"])
    }
}
