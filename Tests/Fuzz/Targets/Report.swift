// Report datagrams as a worker that went wrong may send them: as the bytes are, and with a header that makes them pass the first
// checks. What decodes has one encoding; whatever is ingested, no total of the master's ever goes down.

import EverycoreStatistics

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    input.withCopy(0..<count) { examine($0) }
    guard count >= Report.headerByteCount + Counter.count * 8 else { return 0 }

    var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 2)
    ledger.started(slot: 0, generation: 1, pid: 1, now: 0)
    ledger.started(slot: 1, generation: 1, pid: 2, now: 0)
    // Each half becomes a report of its own where it is long enough; the last one repeats the first.
    let half = repaired(Array(input.array.prefix(count / 2))), rest = repaired(Array(input.array.dropFirst(count / 2)))
    var last: ClusterFigures?
    var ingested: UInt64 = 0
    for datagrams in [[half], [input.array, rest, repaired(input.array), half]] {
        for datagram in datagrams {
            datagram.withRawSpan { examine($0) }
            _ = ledger.ingest(datagram, now: 5)
            ingested += 1
        }
        let figures = ledger.figures(now: 6)
        if let last { check(!figures.total.fellBehind(last.total), "a total went down") }
        check(figures.reports.received + figures.reports.ignored == ingested, "a datagram was not counted")
        last = figures
    }
    guard let last else { return 0 }
    ledger.retire(slot: 0, generation: 1, final: nil, now: 7)
    ledger.remove(slot: 1)
    check(!ledger.figures(now: 8).total.fellBehind(last.total), "a total went down with its worker")
    return 0
}

private func examine(_ datagram: RawSpan) {
    guard let report = try? Report(decoding: datagram) else { return }
    let encoding = report.encoded()
    check(encoding.count == datagram.byteCount && encoding.withRawSpan { agree($0, datagram) }, "another encoding")
}

private func agree(_ left: RawSpan, _ right: RawSpan) -> Bool {
    (0..<left.byteCount).allSatisfy { left.number(UInt8.self, at: $0) == right.number(UInt8.self, at: $0) }
}

/// The bytes with the right magic, layout, kind, lengths, checksum, a slot and a generation that exist half of the time.
private func repaired(_ bytes: [UInt8]) -> [UInt8] {
    let fixed = Report.headerByteCount + Counter.count * 8
    guard bytes.count >= fixed else { return bytes }
    let entries = (bytes.count - fixed) / FigureSnapshot.bucketEntryByteCount
    var writer = ByteWriter(capacity: bytes.count)
    writer.append(Report.magic)
    writer.append(Report.layoutVersion)
    writer.append(UInt16(1))
    writer.append(bytes[8] < 128 ? UInt32(bytes[8] & 1) : UInt32(bytes[8]) << 8)
    writer.append(bytes[12] < 128 ? UInt32(1) : UInt32(bytes[12]))
    writer.append(UInt16(Counter.count))
    writer.append(UInt16(clamping: entries))
    writer.append(Array(bytes[20..<fixed + entries * FigureSnapshot.bucketEntryByteCount]))
    var checksum = Checksum()
    writer.bytes.withRawSpan {
        checksum.add($0, 0..<48)
        checksum.add($0, Report.headerByteCount..<$0.byteCount)
    }
    writer.overwrite(checksum.value, at: 48)
    return writer.bytes
}
