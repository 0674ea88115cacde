// The cluster's figures on their way to the admin worker. The bytes are taken as one encoding in parts that fit together, and
// as parts of their own, each behind a byte with its length. What decodes has one encoding, and every page renders it.

import EverycoreStatistics

private let magic: UInt32 = 0x5046_4345
private let identity = ServerIdentity(name: "everycore", version: "0", startedUnixSeconds: 0)
private let earlier = ClusterFigures(
    takenAtNanoseconds: 5, startedAtNanoseconds: 1, wantedWorkers: 2, departed: FigureSnapshot(), departedRestarts: 0,
    unassignedReports: ReportTally(), slots: [])

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    let bytes = input.array
    if let figures = assemble(bytes, at: input.cuts) { examine(figures, bytes, input.fingerprint) }

    var assembler = ClusterFigures.Assembler()
    var offset = 0
    while offset < count {
        let length = min(Int(bytes[offset]), count - offset - 1)
        // Some parts have the right beginning, which no fuzzer would guess.
        let part = bytes[offset + 1..<offset + 1 + length]
        if let figures = try? assembler.add(length & 1 == 0 ? Array(part) : header(index: 0, of: 1, time: 0) + part) {
            render(figures)
        }
        offset += 1 + length
    }
    return 0
}

private func header(index: Int, of count: Int, time: UInt64) -> [UInt8] {
    var writer = ByteWriter(capacity: 18)
    writer.append(magic)
    writer.append(UInt16(4))
    writer.append(UInt16(index))
    writer.append(UInt16(count))
    writer.append(time)
    return writer.bytes
}

private func assemble(_ encoding: [UInt8], at cuts: [Int]) -> ClusterFigures? {
    var assembler = ClusterFigures.Assembler()
    var start = 0
    for (index, cut) in cuts.enumerated() {
        let part = header(index: index, of: cuts.count, time: 7) + encoding[start..<cut]
        start = cut
        do {
            if let figures = try assembler.add(part) {
                check(index == cuts.count - 1, "figures before their last part")
                return figures
            }
        } catch {
            check(error == .garbled && index == cuts.count - 1, "\(error)")
        }
    }
    return nil
}

private func examine(_ figures: ClusterFigures, _ encoding: [UInt8], _ fingerprint: UInt64) {
    let parts = figures.parts(maximumBytes: 1024)
    var assembler = ClusterFigures.Assembler()
    var copy: ClusterFigures?
    for part in parts {
        check(part.count <= 1024, "a part of \(part.count) bytes")
        copy = (try? assembler.add(part)) ?? nil
    }
    check(copy == figures, "figures changed on the way")
    check(parts.flatMap { $0.dropFirst(18) } == encoding, "another encoding")
    if fingerprint % 16 == 0 { render(figures) }
}

/// Nothing in the figures may stop those who show them.
private func render(_ figures: ClusterFigures) {
    _ = StatsPage.json(figures, server: identity)
    _ = MetricsPage.text(figures, server: identity)
    for previous in [nil, earlier] {
        _ = LiveTable(width: 100).lines(figures, since: previous)
        _ = IntervalLine.text(figures, since: previous)
        _ = IntervalLine.json(figures, since: previous)
    }
    _ = RunSummary.text(figures)
    _ = RunSummary.json(figures)
}
