// The request parser, on pipelined requests: what it says doesn't depend on how the bytes come, nor on another connection that
// uses the same RequestHead meanwhile, nor on whether the shortcut for plain heads is taken; a head ends at its blank line; no range leaves it.

import EverycoreHTTP

/// Default limits are beyond the reach of short inputs; these are struck often.
private let limits = [
    HTTPLimits(),
    HTTPLimits(requestLine: 60, target: 40, fieldLine: 40, headerSection: 160, fieldCount: 4),
]
nonisolated(unsafe) private let heads = (whole: RequestHead(), split: RequestHead())
private let noise = Array("POST /noise HTTP/1.1\r\nA: b\r\nExpect: x\r\nContent-Length: 7\r\nHost: o\r\nC: d\r\n".utf8)

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let (input, heads) = unsafe (FuzzInput(start, count), heads)
    let fingerprint = input.fingerprint
    var whole = RequestParser(limits: limits[fingerprint & 16 == 0 ? 0 : 1])
    var split = whole
    var offset = 0
    while true {
        let rest = unsafe FuzzInput(start + offset, count - offset)
        let answer = unsafe rest.withPaddedCopy(0..<rest.count) { unsafe whole.parse(PaddedBytes($0, count: rest.count), into: heads.whole) }
        check(parseInPieces(rest, &split, heads.split) == answer, "the split changes the answer \(answer)")
        switch answer {
        case .needMore: return 0
        case .emptyLine(let length):
            check(unsafe length == 2 && rest.bytes[0] == 13 && rest.bytes[1] == 10, "an empty line of \(length) bytes")
            offset += length
        case .refused(let refusal):
            check(refusal.closes && [400, 414, 431, 501, 505].contains(refusal.status), "\(refusal)")
            check(heads.whole.fieldCount == 0, "a refused head has fields")
            return 0
        case .complete(let length):
            check(length > 0 && length <= rest.count, "a head of \(length) bytes")
            unsafe heads.whole.rebase(onto: start + offset, count: length)
            checkHead(heads.whole, heads.split, rest, length, fingerprint)
            offset += length
        }
    }
}

private func parseInPieces(_ input: FuzzInput, _ parser: inout RequestParser, _ head: RequestHead) -> RequestParser.Progress {
    var answer = RequestParser.Progress.needMore
    for cut in input.cuts where answer == .needMore {
        // The first piece with its padding, which the shortcut for plain heads wants, the others without.
        answer =
            cut == input.cuts.first
            ? unsafe input.withPaddedCopy(0..<cut) { unsafe parser.parse(PaddedBytes($0, count: cut), into: head) }
            : input.withCopy(0..<cut) { parser.parse($0, into: head) }
        if answer == .needMore, cut < input.count {
            var other = RequestParser(limits: parser.limits)
            _ = unsafe other.parse(noise.span.bytes, into: head)
        }
    }
    return answer
}

private func checkHead(_ head: RequestHead, _ other: RequestHead, _ input: FuzzInput, _ length: Int, _ fingerprint: UInt64) {
    check(agree(head.facts, other.facts), "the split changes the facts")
    check(head.fieldCount == other.fieldCount, "the split changes the fields")
    checkEnd(input, length)
    for index in 0..<head.fieldCount {
        guard let field = head.field(at: index) else { return check(false, "no field at \(index)") }
        check(field == other.field(at: index), "the split changes field \(index)")
        check(field.name.count > 0 && Int(field.name.end) < length - 4 && Int(field.value.end) <= length - 4, "\(field)")
    }
    check(head.pathRange.count > 0, "the path is empty")
    for range in [head.methodRange, head.targetRange, head.pathRange, head.queryRange ?? .empty, head.authorityRange ?? .empty] {
        check(range.start <= range.end && Int(range.end) <= length, "\(range)")
    }
    if head.targetForm != .asterisk { check(head.path.first == "/", "the path \(head.path)") }
    // What handlers ask for, now and then: it makes Strings, which cost more than all of the above.
    guard fingerprint % 16 == 0 else { return }
    head.detach()
    _ = (head.methodName, head.query, head.authority, head.value(of: "host"), head.values(of: "accept"))
    check(head.value(of: "x-\u{0}") == nil, "a field that can't be")
}

/// The first blank line ends a head.
private func checkEnd(_ input: FuzzInput, _ length: Int) {
    var index = 0
    while index + 3 < length, unsafe !(input.bytes[index] == 13 && input.bytes[index + 2] == 13) { index += 1 }
    check(index + 4 == length, "the head has \(length) bytes, its blank line ends at \(index + 4)")
}

private func agree(_ left: HeadFacts, _ right: HeadFacts) -> Bool {
    left.method == right.method && left.targetForm == right.targetForm && left.minorVersion == right.minorVersion
        && left.keepAlive == right.keepAlive && left.expectContinue == right.expectContinue
        && left.hasUpgrade == right.hasUpgrade && left.hasQuery == right.hasQuery
        && left.hasAuthority == right.hasAuthority && left.framing == right.framing
        && left.headLength == right.headLength && left.methodRange == right.methodRange
        && left.target == right.target && left.path == right.path && left.query == right.query
        && left.authority == right.authority && left.hasUnmetExpectation == right.hasUnmetExpectation
}
