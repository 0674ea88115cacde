// Plain heads are read in one pass by a shortcut, others line by line with care: both say the same of everything.

import EverycoreHTTP
import TestSupport
import Testing

/// Bytes in a block of their own with the padding that the shortcut wants, all of it but the first set to what would mislead it.
@safe final class PaddedCopy {
    private let start: UnsafeMutableRawPointer
    private let bytes: PaddedBytes

    init(_ bytes: some Collection<UInt8>) {
        unsafe start = .allocate(byteCount: bytes.count + PaddedBytes.padding, alignment: 1)
        let padding = Array("\r\n\r\nGET / HTTP/1.1".utf8.prefix(PaddedBytes.padding))
        unsafe UnsafeMutableRawBufferPointer(start: start, count: bytes.count + PaddedBytes.padding).copyBytes(from: Array(bytes) + padding)
        self.bytes = unsafe PaddedBytes(start, count: bytes.count)
    }

    deinit { unsafe start.deallocate() }

    func withBytes<Result>(_ body: (PaddedBytes) -> Result) -> Result { withExtendedLifetime(self) { body(bytes) } }
}

@Suite struct PlainHeadTests {
    /// The answers with and without the shortcut, when the bytes come in these many pieces each.
    private func parse(_ bytes: [UInt8], cuts: [Int], limits: HTTPLimits) -> (plain: Parsed, careful: Parsed) {
        var (plain, careful) = (RequestParser(limits: limits), RequestParser(limits: limits))
        let (first, second) = (RequestHead(), RequestHead())
        for cut in cuts + [bytes.count] {
            let left = PaddedCopy(bytes.prefix(cut)).withBytes { plain.parse($0, into: first) }
            let right = unsafe careful.parse(bytes.span.bytes.extracting(first: cut), into: second)
            if left != right || left != .needMore || cut == bytes.count { return (Parsed(left, first, bytes), Parsed(right, second, bytes)) }
        }
        return (.needMore, .needMore)
    }

    private func check(_ bytes: [UInt8], cuts: [Int] = [], limits: HTTPLimits = HTTPLimits()) {
        let answers = parse(bytes, cuts: cuts, limits: limits)
        if answers.plain != answers.careful {
            Issue.record("\(String(decoding: bytes, as: UTF8.self)) cut at \(cuts): \(answers.plain) instead of \(answers.careful)")
        }
    }

    static let limits = [
        HTTPLimits(), HTTPLimits(requestLine: 60, target: 40, fieldLine: 40, headerSection: 160, fieldCount: 4),
        HTTPLimits(requestLine: 16, target: 1, fieldLine: 16, headerSection: 16, fieldCount: 1),
    ]

    @Test func agreesOnTheCorpusAtEverySplit() {
        for entry in RequestCorpus.all {
            for limits in Self.limits {
                check(entry.bytes, limits: limits)
                for cut in 0...min(entry.bytes.count, 400) { check(entry.bytes, cuts: [cut], limits: limits) }
            }
        }
    }

    @Test func agreesOnMutatedRequests() {
        var random = SeededGenerator.printingSeed(3_141_592)
        let seeds = RequestCorpus.all.map(\.bytes).filter { $0.count < 700 } + [Self.browser]
        for _ in 0..<60_000 {
            guard var bytes = seeds.randomElement(using: &random) else { return }
            MutationTests.mutate(&bytes, &random)
            let cuts = (0..<Int.random(in: 0...3, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }.sorted()
            check(bytes, cuts: cuts, limits: Self.limits.randomElement(using: &random) ?? HTTPLimits())
        }
    }

    static let browser = request(
        "GET /page?query=a?b HTTP/1.1", "Host: www.example.com:8080", "Connection: keep-alive", "Cache-Control: max-age=0", "X_Odd.Name1: a",
        "Upgrade-Insecure-Requests: 1", "User-Agent: Mozilla/5.0 (X11; Linux x86_64)\tAppleWebKit/537.36", "Accept:text/html", "Empty:",
        "Empty-Too: ", "Accept-Encoding: gzip, deflate, br", "Accept-Language: de,en;q=0.9", "Content-Length: 5", "EXPECT: 100-continue")

    @Test func readsABrowsersHead() {
        let answers = parse(Self.browser, cuts: [], limits: HTTPLimits())
        #expect(answers.plain.description.contains("get GET origin /page ?query=a?b @www.example.com:8080 1.1 length(5) keep=true expect=true"))
        #expect(answers.plain == answers.careful)
    }

    /// While a head is on its way, other connections use the worker's `RequestHead`, and it may be read on in one that is new.
    @Test func fieldsHaveRoomInWhicheverHeadIsFilled() {
        let bytes = request("GET / HTTP/1.1", "Host: a").dropLast(2) + (0..<90).flatMap { Array("X-Field-\($0): b\r\n".utf8) } + raw("\r\n")
        var parser = RequestParser(limits: HTTPLimits())
        for cut in stride(from: 20, to: bytes.count, by: 30) {
            let head = RequestHead()
            let progress = PaddedCopy(bytes.prefix(cut)).withBytes { parser.parse($0, into: head) }
            #expect(progress == .needMore)
        }
        let head = RequestHead()
        #expect(PaddedCopy(bytes).withBytes { parser.parse($0, into: head) } == .complete(headLength: bytes.count))
        #expect(head.fieldCount == 91)
    }

    @Test func agreesOnEveryByteAtEveryPlace() {
        let head = request("GET /a?b HTTP/1.1", "Host: a", "Ab-c: d")
        for place in head.indices {
            var bytes = head
            for byte in UInt8.min...UInt8.max {
                bytes[place] = byte
                check(bytes)
            }
        }
    }
}
