// Chunked content: right data, the same however it comes, and refusals for everything that
// another reader might frame in another way.

import EverycoreHTTP
import Testing

/// What a decoder makes of bytes that come in pieces of `step`.
struct ChunkRun: Equatable, CustomStringConvertible {
    var data: [UInt8] = []
    var result = "needMore"
    var trailers: [String] = []

    init(_ bytes: [UInt8], step: Int, limits: HTTPLimits = HTTPLimits()) {
        var decoder = ChunkedDecoder(limits: limits)
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(start + max(step, 1), bytes.count)])
            var consumed = 0
            decoding: while true {
                let event = unsafe decoder.next(piece.span.bytes.extracting(droppingFirst: consumed))
                switch event {
                case .needMore: break decoding
                case .data(let range):
                    data += piece[(consumed + range.lowerBound)..<(consumed + range.upperBound)]
                    consumed += range.upperBound
                case .end(let count):
                    result = "end \(start + consumed + count)"
                    trailers = decoder.trailers.fields.map { "\($0.name)=\($0.value)" }
                    return
                case .refused(let refusal):
                    result = refusal.description
                    return
                }
            }
            start += piece.count
        }
    }

    var description: String { "\(String(decoding: data, as: UTF8.self)) \(result) \(trailers)" }
}

@Suite struct ChunkedDecoderTests {
    private func run(_ text: String, limits: HTTPLimits = HTTPLimits(), _ location: SourceLocation = #_sourceLocation) -> String {
        let bytes = raw(text)
        let whole = ChunkRun(bytes, step: bytes.count, limits: limits)
        for step in 1..<max(bytes.count, 2) {
            #expect(ChunkRun(bytes, step: step, limits: limits) == whole, sourceLocation: location)
        }
        return whole.description
    }

    @Test func decodesChunks() {
        #expect(run("5\r\nhello\r\n0\r\n\r\n") == "hello end 15 []")
        #expect(run("0\r\n\r\n") == " end 5 []")
        #expect(run("000\r\n\r\n") == " end 7 []")
        #expect(run("3\r\na\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n") == "a\r\n0123456789 end 28 []")
        #expect(run("a\r\n0123456789\r\n0\r\n\r\n") == "0123456789 end 20 []")
        #expect(run("0000000000000005\r\nhello\r\n0\r\n\r\n") == "hello end 30 []")
        #expect(run("5\r\nhello\r\n") == "hello needMore []")
    }

    @Test func leavesTheNextRequestAlone() {
        #expect(run("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n") == "a end 11 []")
    }

    @Test(arguments: [
        "", "+5", "-5", "0x5", " 5", "5 ", "5\t", "g", "5g", "00000000000000005", "8000000000000000", "FFFFFFFFFFFFFFFF", "5 \t", " ;a=b",
        "٥", "5,5", "\0", "5\0",
    ])
    func refusesASizeThatIsNoHexadecimalNumber(_ size: String) {
        #expect(run("\(size)\r\nhello\r\n0\r\n\r\n").contains("400: "))
    }

    @Test func acceptsTheGreatestSize() {
        #expect(run("7FFFFFFFFFFFFFFF\r\nhello") == "hello needMore []")
    }

    @Test(arguments: [
        "5\nhello\r\n0\r\n\r\n", "5\rhello\r\n0\r\n\r\n", "5\r\nhello\n0\r\n\r\n", "5\r\nhello0\r\n\r\n", "5\r\nhello!\r\n0\r\n\r\n",
        "5\r\nhello\rX0\r\n\r\n", "5\r\nhello\r\n0\n\r\n", "5\r\nhello\r\n0\r\n\n", "5\r\nhello\r\n0\r\n\rX", "5\r\nhell\r\n0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n\r\n0\r\n\r\n", "5\r\r\nhello\r\n0\r\n\r\n",
    ])
    func refusesAnythingButCRLFBetweenTheParts(_ body: String) {
        #expect(run(body).contains("400: "))
    }

    @Test(arguments: [
        ";a", ";a=b", ";a=\"b\"", ";a=\"\"", ";a=\"b;\t c\"", ";a=\"\\\"\\\\\"", ";a;b;c=d", "; a", ";a = b", ";a ;b", ";a=\"b\" ;c",
        ";!#$%&'*+-.^_`|~=1", ";a=\"é\"",
        " ;a", "\t ; a\t=\t\"b\" ;c",
    ])
    func ignoresWellFormedExtensions(_ text: String) {
        #expect(run("5\(text)\r\nhello\r\n0\(text)\r\n\r\n").hasPrefix("hello end"))
    }

    @Test(arguments: [
        ";", " ;", " a;b", ";;", ";=b", ";a=", ";a=;b", ";a=\"b", ";a=\"b\"c", ";a=b\"c\"", ";a b", ";a=b c", ";a ", ";a=b ", ";a\u{1}", ";a=\"\u{1}\"",
        ";a=\"\n\"",
        ";a=\"\\\n\"", ";a\n", ";é", ";a=\"\u{7F}\"", ";a/b",
    ])
    func refusesMalformedExtensions(_ text: String) {
        #expect(run("5\(text)\r\nhello\r\n0\r\n\r\n").contains("400: "))
    }

    @Test func boundsAllExtensionsTogether() {
        let limits = LimitTests.limits
        #expect(run("1;a=b\r\na\r\n0;a=b\r\n\r\n", limits: limits).hasPrefix("a end"))
        #expect(run("1;a=b\r\na\r\n0;a=bc\r\n\r\n", limits: limits) == "a 400: the chunk extensions are too long []")
        #expect(run("0;a=\"\(String(repeating: "b", count: 99))", limits: limits).contains("too long"))
    }

    @Test func keepsTrailersApart() {
        #expect(run("1\r\na\r\n0\r\nX-Sum: 1\r\nx-b:\t2 \r\n\r\n") == "a end 30 [\"X-Sum=1\", \"x-b=2\"]")
        var decoder = ChunkedDecoder(limits: HTTPLimits())
        #expect(decoder.trailers.isEmpty)
        _ = unsafe decoder.next(raw("0\r\nX-Sum: 1\r\n\r\n").span.bytes)
        #expect(decoder.trailers.value(of: "x-SUM") == "1")
        #expect(decoder.trailers.value(of: "x-su") == nil)
        #expect(decoder.trailers.count == 1)
    }

    @Test(arguments: [
        "Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "Upgrade", "TE", "Trailer", "Authorization", "Cookie",
        "Content-Type", "Content-Encoding", "If-Match", "Range", "X-Forwarded-For", "Max-Forwards",
    ])
    func dropsTrailersThatFrameOrRoute(_ name: String) {
        #expect(run("0\r\n\(name): 1\r\nA: b\r\n\r\n").hasSuffix("[\"A=b\"]"))
    }

    @Test(arguments: ["A : b", ": b", " A: b", "A", "A/B: c", "A: b\u{1}", "A: b\0", "A: b\n", "A: \rb"])
    func refusesMalformedTrailers(_ line: String) {
        #expect(run("0\r\n\(line)\r\n\r\n").contains("400: "))
    }

    @Test func boundsTrailers() {
        let limits = LimitTests.limits
        let full = "A: \(String(repeating: "b", count: 29))"
        #expect(run("0\r\n\(full)\r\n\r\n", limits: limits).contains("end"))
        #expect(run("0\r\n\(full)b\r\n\r\n", limits: limits).contains("431: a trailer field line"))
        // 34 and 28 and 2 are 64.
        #expect(run("0\r\n\(full)\r\nA: \(String(repeating: "b", count: 23))\r\n\r\n", limits: limits).contains("end"))
        #expect(run("0\r\n\(full)\r\nA: \(String(repeating: "b", count: 24))\r\n\r\n", limits: limits).contains("431: the trailer section"))
        #expect(run("0\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", limits: limits).contains("end"))
        #expect(run("0\r\nA:\r\nA:\r\nA:\r\nA:\r\nA:\r\n\r\n", limits: limits).contains("431: the request has too many"))
    }

    @Test func staysRefused() {
        var decoder = ChunkedDecoder(limits: HTTPLimits())
        let first = unsafe decoder.next(raw("x").span.bytes)
        #expect(unsafe decoder.next(raw("5\r\nhello").span.bytes) == first)
    }
}
