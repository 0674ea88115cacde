// The parser against the corpus: right answers, and the same ones however the bytes come.

import EverycoreHTTP
import Testing

@Suite struct RequestParserTests {
    @Test(arguments: RequestCorpus.all)
    func answersAsTheProtocolDemands(_ example: Case) {
        let parsed = Run.whole(example.bytes).description
        if let status = example.status {
            #expect(parsed.hasPrefix("\(status): ") && parsed.hasSuffix("closes=true"), "\(parsed)")
        } else {
            #expect(parsed.hasPrefix("complete \(example.bytes.count) "), "\(parsed)")
            for fact in example.facts { #expect(parsed.contains(fact), "\(parsed)") }
        }
    }

    @Test(arguments: RequestCorpus.all)
    func answersTheSameHoweverTheBytesAreSplit(_ example: Case) {
        let whole = Run.whole(example.bytes)
        #expect(Run.dribbled(example.bytes) == whole)
        #expect(Run.dribbled(example.bytes, noise: true) == whole)
        // Long inputs repeat one byte; a stride that shares no factor with eight sees every alignment.
        let step = example.bytes.count > 2000 ? 97 : 1
        for position in stride(from: 0, through: example.bytes.count, by: step) {
            let split = Run.split(example.bytes, at: position)
            if split != whole {
                Issue.record("split at \(position): \(split) instead of \(whole)")
                return
            }
        }
    }

    @Test(arguments: RequestCorpus.all.filter { $0.status == nil })
    func leavesWhatFollowsTheHeadAlone(_ example: Case) {
        let whole = Run.whole(example.bytes)
        #expect(Run.whole(example.bytes + get()) == whole)
        #expect(Run.whole(example.bytes + [0, 10, 13, 255]) == whole)
    }

    @Test(arguments: RequestCorpus.all.filter { $0.status == nil })
    func wantsMoreUntilTheBlankLine(_ example: Case) {
        #expect(Run.whole(Array(example.bytes.dropLast())) == .needMore)
        #expect(Run.whole(Array(example.bytes.dropLast(2))) == .needMore)
    }

    @Test func readsPipelinedRequestsOneAfterTheOther() {
        let first = request("POST /one HTTP/1.1", "Host: a", "X-A: 1", "Connection: x-a")
        let second = request("GET /two HTTP/1.1", "Host: b")
        let bytes = first + second
        var parser = RequestParser(limits: HTTPLimits())
        let head = RequestHead()
        #expect(unsafe parser.parse(bytes.span.bytes, into: head) == .complete(headLength: first.count))
        #expect(head.fieldCount == 3)
        let rest = Array(bytes.dropFirst(first.count))
        let progress = unsafe parser.parse(rest.span.bytes, into: head)
        #expect(progress == .complete(headLength: second.count))
        #expect(Parsed(progress, head, rest) == Run.whole(second))
    }

    @Test func forgetsAPartialHeadOnReset() {
        var parser = RequestParser(limits: HTTPLimits())
        let head = RequestHead()
        let partial = raw("POST /x HTTP/1.1\r\nHost: a\r\nContent-Le")
        #expect(unsafe parser.parse(partial.span.bytes, into: head) == .needMore)
        #expect(parser.isInHead)
        parser.reset()
        #expect(!parser.isInHead)
        #expect(unsafe parser.parse(get().span.bytes, into: head) == .complete(headLength: get().count))
    }

    @Test func emptyLinesBelongToNoHead() {
        let head = RequestHead()
        var parser = RequestParser(limits: HTTPLimits())
        var bytes = Array(repeating: raw("\r\n"), count: 9).flatMap { $0 } + get()
        for _ in 0..<9 {
            #expect(unsafe parser.parse(bytes.span.bytes.extracting(first: 1), into: head) == .needMore)
            #expect(!parser.isInHead)
            #expect(unsafe parser.parse(bytes.span.bytes, into: head) == .emptyLine(2))
            bytes.removeFirst(2)
        }
        #expect(unsafe parser.parse(bytes.span.bytes, into: head) == .complete(headLength: get().count))
    }

    @Test(arguments: [
        ("HEAD / HTTP/1.1\r\n\r\n", true), ("HEAD / HTTP/2.0\r\n\r\n", true), ("HEAD  / HTTP/1.1\r\n\r\n", true), ("HEAD /%zz HTTP/1.1\r\n", true),
        ("HEAD / HTTP/1.1\r\nA : b\r\n", true), ("HEADER / HTTP/1.1\r\n\r\n", false), ("HEAD\t/ HTTP/1.1\r\n\r\n", false),
        ("head /\r\n", false), ("GET /\r\n", false),
    ])
    func saysOfARefusedHeadWhetherItsMethodWasHEAD(_ text: String, _ isHead: Bool) {
        let head = RequestHead()
        for cut in 0...text.utf8.count {
            var parser = RequestParser(limits: HTTPLimits())
            var progress = unsafe parser.parse(raw(text).span.bytes.extracting(first: cut), into: head)
            if progress == .needMore { progress = unsafe parser.parse(raw(text).span.bytes, into: head) }
            #expect(progress != .needMore, "\(cut)")
            #expect((head.method == .head) == isHead, "\(cut)")
        }
    }

    @Test func keepsTheConnectionOpenAfterARefusalWhoseMessageEndIsCertain() {
        let head = RequestHead()
        var parser = RequestParser(limits: HTTPLimits())
        _ = unsafe parser.parse(get("Expect: a").span.bytes, into: head)
        #expect(head.refusal?.closes == false)
    }

    @Test func closesAfterARefusalWhenTheClientMayNotSendItsContent() {
        let bytes = get("Expect: a, 100-continue", "Content-Length: 9")
        let head = RequestHead()
        var parser = RequestParser(limits: HTTPLimits())
        _ = unsafe parser.parse(bytes.span.bytes, into: head)
        #expect(head.refusal?.closes == true)
    }
}
