// The value of Accept-Encoding: what is chosen is there and is acceptable, nothing that is liked better is, and it does not matter
// whether the list comes in one line or, cut at a comma, in several. The first byte says which codings there are.

import Everycore

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    guard let first = input.array.first else { return 0 }
    let accepted = input.withCopy(1..<count) { AcceptedCodings(parsing: $0) }
    check(inLines(input) == accepted, "the lines change what is accepted")

    var available = CodingSet()
    let codings = ContentCoding.allCases.filter { first >> $0.rawValue & 1 == 1 }
    for coding in codings { available.insert(coding) }
    let best = codings.map { accepted.weight(of: $0) }.max() ?? 0
    switch accepted.choice(of: available) {
    case .coding(let coding):
        check(codings.contains(coding) && accepted.weight(of: coding) > 0, "\(coding) isn't there or not accepted")
        check(accepted.weight(of: coding) == best, "\(coding) isn't the best")
    case .nothing: check(best == 0, "nothing was chosen although something is accepted")
    case .identity: break
    }
    for coding in codings { check((0...1000).contains(accepted.weight(of: coding)), "a weight beyond 1") }
    return 0
}

private func inLines(_ input: FuzzInput) -> AcceptedCodings {
    var accepted = AcceptedCodings()
    let bytes = input.array
    var start = 1
    while start < bytes.count {
        let end = bytes[start...].firstIndex(of: 0x2C) ?? bytes.count
        input.withCopy(start..<end) { accepted.add($0) }
        start = end + 1
    }
    return accepted
}
