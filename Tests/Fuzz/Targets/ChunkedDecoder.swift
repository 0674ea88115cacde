// The decoder of chunked content: data, trailers and verdict don't depend on how the bytes come, data is never more than what
// came in, and after its end or a refusal it stays there.

import EverycoreHTTP

private let limits = [
    HTTPLimits(),
    HTTPLimits(fieldLine: 32, fieldCount: 3, chunkExtensions: 12, trailerSection: 60),
]

private struct Outcome: Equatable {
    var data: [UInt8] = []
    var end: Int?
    var refusal: Refusal?
    var trailers: [String] = []
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    let limits = limits[input.fingerprint & 16 == 0 ? 0 : 1]
    let whole = decode(input, at: [count], limits)
    check(decode(input, at: input.cuts, limits) == whole, "the split changes the outcome")
    check(whole.data.count <= count, "\(whole.data.count) bytes of data from \(count)")
    if let end = whole.end { check(end >= 5 && end <= count, "the end is at \(end)") }
    if let refusal = whole.refusal { check(refusal.closes && [400, 431].contains(refusal.status), "\(refusal)") }
    return 0
}

private func decode(_ input: FuzzInput, at cuts: [Int], _ limits: HTTPLimits) -> Outcome {
    var decoder = ChunkedDecoder(limits: limits)
    var outcome = Outcome()
    var start = 0
    for cut in cuts {
        input.withCopy(start..<cut) { feed($0, at: start, &decoder, &outcome) }
        start = cut
    }
    if outcome.end != nil { outcome.trailers = decoder.trailers.fields.map { "\($0.name)=\($0.value)" } }
    return outcome
}

private func feed(_ piece: RawSpan, at start: Int, _ decoder: inout ChunkedDecoder, _ outcome: inout Outcome) {
    var consumed = 0
    while true {
        switch decoder.next(piece.extracting(droppingFirst: consumed)) {
        case .needMore:
            check(outcome.refusal == nil || piece.byteCount == 0, "a refusal was forgotten")
            return
        case .data(let range):
            check(outcome.end == nil && outcome.refusal == nil && !range.isEmpty, "data after the end")
            for index in range { outcome.data.append(unsafe piece.unsafeLoad(fromByteOffset: consumed + index, as: UInt8.self)) }
            consumed += range.upperBound
        case .end(let count):
            // What comes later is the next request's.
            check(outcome.end == nil || count == 0, "the end moved")
            if outcome.end == nil { outcome.end = start + consumed + count }
            return
        case .refused(let refusal):
            check(outcome.refusal == nil || outcome.refusal == refusal, "the refusal changed")
            outcome.refusal = refusal
            return
        }
    }
}
