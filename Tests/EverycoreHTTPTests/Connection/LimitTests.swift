// Each limit from both sides: exactly at it a request is served, one more is refused.

import EverycoreHTTP
import Testing

@Suite struct LimitTests {
    static let limits = HTTPLimits(
        requestLine: 64, target: 40, fieldLine: 32, headerSection: 128, fieldCount: 4, chunkExtensions: 8, trailerSection: 64)

    private func expect(_ bytes: [UInt8], _ prefix: String, _ location: SourceLocation = #_sourceLocation) {
        let whole = Run.whole(bytes, limits: Self.limits)
        #expect(whole.description.hasPrefix(prefix), "\(whole)", sourceLocation: location)
        #expect(Run.dribbled(bytes, limits: Self.limits) == whole, sourceLocation: location)
        for position in 0...bytes.count {
            #expect(Run.split(bytes, at: position, limits: Self.limits) == whole, sourceLocation: location)
        }
    }

    @Test func boundsTheRequestLine() {
        // 64 bytes with an absolute target of 40: 14 of method, 40, and 10 for spaces and version.
        let method = String(repeating: "M", count: 14)
        let target = "http://h/" + String(repeating: "a", count: 31)
        expect(request("\(method) \(target) HTTP/1.1", "Host: a"), "complete")
        expect(request("\(method)M \(target) HTTP/1.1", "Host: a"), "414: the request line")
        expect(raw(String(repeating: "M", count: 66)), "501: the method is longer")
        expect(raw("M" + String(repeating: " ", count: 65)), "414: the request line")
        expect(raw(String(repeating: "M", count: 65)), "needMore")
    }

    @Test func boundsTheTarget() {
        expect(request("GET /\(String(repeating: "a", count: 39)) HTTP/1.1", "Host: a"), "complete")
        expect(request("GET /\(String(repeating: "a", count: 40)) HTTP/1.1", "Host: a"), "414: the request target")
    }

    @Test func boundsAFieldLine() {
        expect(get("A: \(String(repeating: "b", count: 29))"), "complete")
        expect(get("A: \(String(repeating: "b", count: 30))"), "431: a header field line")
        expect(raw("GET / HTTP/1.1\r\n\(String(repeating: "b", count: 34))"), "431: a header field line")
        expect(raw("GET / HTTP/1.1\r\n\(String(repeating: "b", count: 33))"), "needMore")
    }

    @Test func boundsTheHeaderSection() {
        // "Host: a" takes 9 with its CRLF, the blank line 2: 117 are left, 32 + 2 at most per line.
        let full = String(repeating: "b", count: 29)
        let rest = String(repeating: "b", count: 117 - 34 * 2 - 34 - 2 - 3)
        expect(get("A: \(full)", "A: \(full)", "A: \(full)"), "complete")
        expect(request("GET / HTTP/1.1", "A: \(full)", "A: \(full)", "A: \(full)", "A: \(rest)12345678"), "400: an HTTP/1.1")
        expect(request("GET / HTTP/1.1", "A: \(full)", "A: \(full)", "A: \(full)", "A: \(rest)1234567890"), "431: the header section")
        expect(request("GET / HTTP/1.1", "A: \(full)", "A: \(full)", "A: \(full)", "A: \(rest)123456789012"), "431: the header section")
    }

    @Test func boundsTheFieldCount() {
        expect(get("A: 1", "A: 2", "A: 3"), "complete")
        expect(get("A: 1", "A: 2", "A: 3", "A: 4"), "431: the request has too many")
    }

    @Test func neverWantsMoreThanItsLongestHead() {
        let endless = [UInt8](repeating: 0x41, count: Self.limits.longestHead)
        #expect(Run.whole(endless, limits: Self.limits) != .needMore)
        var lines = raw("GET / HTTP/1.1\r\n")
        while lines.count < Self.limits.longestHead { lines += raw("A: 1\r\n") }
        #expect(Run.whole(lines, limits: Self.limits) != .needMore)
    }

    @Test func clampsLimitsThatMakeNoSense() {
        let limits = HTTPLimits(
            requestLine: .max, target: -5, fieldLine: .min, headerSection: .max, fieldCount: 0, body: -1,
            chunkExtensions: .min, trailerSection: .max)
        #expect(limits.target == 1 && limits.fieldCount == 1 && limits.body == 0)
        #expect(limits.longestHead > 0)
        #expect(Run.whole(get(), limits: limits).description.hasPrefix("complete"))
    }
}
