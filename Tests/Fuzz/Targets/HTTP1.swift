// HTTP/1.1 as a connection asks it, over memory: events, content and trailers don't depend on how the bytes come, content is what
// came, and what is refused is refused once.

import EverycoreHTTP

private let rules = [
    HTTP1.Rules(HTTPLimits()),
    HTTP1.Rules(HTTPLimits(requestLine: 60, target: 40, fieldLine: 40, headerSection: 160, fieldCount: 4, chunkExtensions: 12, trailerSection: 60)),
]
nonisolated(unsafe) private let head = RequestHead()

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    let rules = rules[input.fingerprint & 16 == 0 ? 0 : 1]
    var (whole, split) = (Conversation(), Conversation())
    whole.run(input, [count], rules)
    split.run(input, input.cuts, rules)
    check(whole == split, "the split changes what is said")
    check(whole.content.count <= count, "\(whole.content.count) bytes of content from \(count)")
    return 0
}

private struct Conversation: Equatable {
    var heads: [String] = []
    var content: [UInt8] = []
    var trailers = 0
    var refusal: Refusal?

    mutating func run(_ input: FuzzInput, _ cuts: [Int], _ rules: HTTP1.Rules) {
        var http1 = HTTP1()
        // The next byte to be used, and how many have come.
        var start = 0
        for cut in cuts {
            while refusal == nil, start < cut, step(&http1, input, &start, cut, rules) {}
        }
    }

    private mutating func step(_ http1: inout HTTP1, _ input: FuzzInput, _ start: inout Int, _ end: Int, _ rules: HTTP1.Rules) -> Bool {
        let wantsContent = !http1.contentIsOver
        let event = unsafe input.withPaddedCopy(start..<end) { bytes in
            let event = unsafe http1.next(PaddedBytes(bytes, count: end - start), rules, into: head)
            if case .head(let length) = event {
                check(length > 0 && length <= end - start, "a head of \(length) bytes")
                unsafe head.rebase(onto: bytes, count: length)
                unsafe heads.append("\(head.method) \(head.path) \(head.framing) \(head.fieldCount) \(head.keepAlive)")
            }
            return event
        }
        switch event {
        case .needMore:
            if wantsContent { start = end }
            return false
        case .skipped(let bytes): start += bytes
        case .head(let bytes): start += bytes
        case .content(let range):
            check(wantsContent && !range.isEmpty && range.upperBound <= end - start, "content at \(range)")
            for index in range { content.append(unsafe input.bytes[start + index]) }
            start += range.upperBound
        case .end(let bytes):
            check(wantsContent && bytes <= end - start, "an end that wasn't to come")
            trailers += http1.takeTrailers().count
            start += bytes
        case .refused(let refusal):
            check(refusal.closes, "\(refusal)")
            self.refusal = refusal
        }
        return true
    }
}
