// The application's metrics on their way from the master. What decodes has one encoding, and every page renders it. The first bytes, which no
// fuzzer would guess, are given.

import EverycoreStatistics

private let identity = ServerIdentity(name: "everycore", version: "0", startedUnixSeconds: 0)
private let cluster = ClusterFigures(
    takenAtNanoseconds: 5, startedAtNanoseconds: 1, wantedWorkers: 2, departed: FigureSnapshot(), departedRestarts: 0,
    unassignedReports: ReportTally(), slots: [])
private let head = Array(MetricsFigures().encoded().prefix(6))

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    let bytes = head + input.array
    guard let figures = bytes.withRawSpan({ MetricsFigures(decoding: $0) }) else { return 0 }
    let again = figures.encoded()
    check(again.withRawSpan { MetricsFigures(decoding: $0) }?.encoded() == again, "figures changed on the way")
    for format in [MetricsFormat.prometheus, .openMetrics] { _ = MetricsPage.text(figures, as: format) }
    _ = StatsPage.json(cluster, server: identity, metrics: figures)
    var ledger = MetricsLedger()
    ledger.carry(figures)
    _ = ledger.figures()
    var push = StatsDLines(prefix: "", usesTags: input.fingerprint % 2 == 0, byteLimit: 1432, countsFromNow: false)
    for _ in 0..<2 {
        for datagram in push.datagrams(for: MetricsPage.collect(cluster, server: identity, metrics: figures)) {
            check(datagram.count <= 1432, "a datagram of \(datagram.count) bytes")
        }
    }
    return 0
}
