// Every rule of the table over a real socket: whole, byte by byte, and split; the connection's fate; and the next connection.

import EverycoreHTTP
import EverycoreLoop
import TestSupport
import Testing

@Suite struct ConnectionRuleTests {
    static let probe = raw("GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")

    /// IMF-fixdate, RFC 9110 §5.6.7.
    private static func isDate(_ text: String?) -> Bool {
        text?.wholeMatch(of: /(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3]\d [A-Z][a-z]{2} \d{4} [0-2]\d:[0-5]\d:[0-6]\d GMT/) != nil
    }

    private static func cuts(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [Cut] {
        let count = bytes.count
        var cuts: [Cut] = [.whole, .at([count / 2]), .at([count - 1]), .at([1])]
        for _ in 0..<2 { cuts.append(.at((0..<3).map { _ in Int.random(in: 1..<count, using: &random) })) }
        if count < 600 { cuts.append(.bytewise) }
        return cuts
    }

    /// Sends bytes and the probe, and checks what comes back. Returns the responses.
    static func run(_ rule: Rule, _ cut: Cut, on server: ConnectionServer) throws -> [WireResponse] {
        let before = server.onLoop { server.application.received.count }
        let client = try server.connect()
        client.send(rule.bytes + probe, cut: cut)
        let end = client.read()
        #expect(end != .open, "\(rule), \(cut): still open after \(client.text.prefix(500))")
        let responses = try WireResponse.parse(client.received, heads: rule.heads).filter { $0.status >= 200 }
        let statuses = responses.map(\.status)
        #expect(statuses == rule.statuses + (rule.closes ? [] : [200]), "\(rule), \(cut): \(responses)")
        let paths = server.onLoop { server.application.received.dropFirst(before) }
        #expect(paths.contains("/after") == !rule.closes, "\(rule), \(cut): \(paths)")
        for (response, text) in zip(responses, rule.contains) where !text.isEmpty {
            #expect("\(response)".contains(text), "\(rule), \(cut): \(response)")
        }
        for response in responses {
            #expect(Self.isDate(response["date"]), "\(rule): \(response)")
            #expect(response["date"]?.contains("1970") == false, "\(rule): \(response)")
        }
        if rule.closes, let last = responses.last {
            #expect(last["connection"] == "close" || rule.number == 20 && last.status == 200, "\(rule), \(cut): \(last)")
            if last.status >= 400 { #expect(last["content-type"] != nil && last["content-length"] != nil, "\(rule): \(last)") }
        }
        return responses
    }

    @Test(arguments: ConnectionRules.all) func holdsHoweverTheBytesCome(rule: Rule) throws {
        var random = SeededGenerator(seed: UInt64(rule.bytes.count))
        let server = try ConnectionServer()
        defer { server.stop() }
        var whole: [WireResponse]?
        for cut in Self.cuts(rule.bytes + Self.probe, &random) {
            let responses = try Self.run(rule, cut, on: server)
            if let whole { #expect(responses == whole, "\(rule), \(cut)") } else { whole = responses }
            // The next connection is served as if nothing had happened.
            let next = try server.connect()
            next.send(Self.probe)
            next.read()
            #expect(try WireResponse.parse(next.received).map(\.text) == ["GET /after"], "after \(rule), \(cut)")
        }
        #expect(server.eventually { $0.openConnections == 0 })
    }

    @Test func theParsersCorpusOverASocket() throws {
        let server = try ConnectionServer()
        defer { server.stop() }
        for testCase in RequestCorpus.all {
            var cuts: [Cut] = [.whole, .at([testCase.bytes.count / 2])]
            if testCase.bytes.count < 200 { cuts.append(.bytewise) }
            for cut in cuts {
                let client = try server.connect()
                client.send(testCase.bytes, cut: cut)
                client.endSending()
                client.read()
                let heads: Set<Int> = testCase.bytes.starts(with: raw("HEAD")) ? [0] : []
                let responses = try WireResponse.parse(client.received, heads: heads)
                let statuses = responses.map(\.status)
                if let status = testCase.status {
                    #expect(statuses == [status], "\(testCase) \(cut): \(responses)")
                    #expect(responses.last?["connection"] == "close", "\(testCase)")
                } else {
                    // Answered early where content is announced that never comes.
                    let wanted =
                        testCase.facts.contains { $0.contains("refusal=501") || $0.hasPrefix("other ") }
                        ? 501
                        : testCase.facts.contains { $0.contains("refusal=417") } ? 417 : 200
                    #expect(statuses == [wanted], "\(testCase) \(cut): \(responses)")
                }
                #expect(client.end != .open, "\(testCase) \(cut)")
            }
        }
        #expect(server.eventually { $0.openConnections == 0 })
    }
}
