// Figures and reports that several tests need.

import EverycoreStatistics

enum Sample {
    /// `requests` requests answered with 200, each in `nanoseconds`.
    static func figures(requests: UInt64, nanoseconds: UInt64 = 20_000, open: UInt64 = 0) -> FigureSnapshot {
        var figures = FigureSnapshot()
        figures[.requests] = requests
        figures[.responses2xx] = requests
        figures[.bytesIn] = requests &* 50
        figures[.bytesOut] = requests &* 150
        figures[.connectionsAccepted] = requests / 10
        figures[.connectionsOpen] = open
        figures[.residentBytes] = 4_000_000
        figures.histogram.record(nanoseconds: nanoseconds, count: requests)
        return figures
    }

    static func report(
        slot: Int = 0, generation: Int = 1, sequence: UInt64, at monotonic: UInt64 = 0, _ figures: FigureSnapshot
    ) -> [UInt8] {
        Report(
            slot: slot, generation: generation, sequence: sequence, pid: 1000, uptimeNanoseconds: 5_000_000_000,
            monotonicNanoseconds: monotonic, figures: figures
        ).encoded()
    }

    /// One worker of which everything is known.
    static func measuredCluster() -> ClusterFigures {
        var process = ProcessFigures()
        process.usage = ProcessUsage()
        process.loop = .init(lagP99Nanoseconds: 1, lagMaxNanoseconds: 2, busyNanosecondsPerSecond: 3)
        process.memory = .init(proportionalBytes: 1, privateBytes: 1, ageNanoseconds: 1)
        process.descriptors = .init(open: 1, limit: 1)
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 1)
        ledger.started(slot: 0, generation: 1, pid: 4001, now: 0)
        ledger.observe(slot: 0, generation: 1, process: process, now: 1)
        ledger.observe(slot: 0, acceptQueue: .init(length: 0, limit: 1))
        return ledger.figures(now: 2)
    }

    static let second: UInt64 = 1_000_000_000

    /// Two workers that serve; the second is in its second generation.
    static func cluster(requests: UInt64 = 1000, now: UInt64 = 10 * second) -> ClusterFigures {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 2)
        ledger.started(slot: 0, generation: 1, pid: 4001, now: 0)
        ledger.started(slot: 1, generation: 1, pid: 4002, now: 0)
        ledger.retire(slot: 1, generation: 1, final: figures(requests: 7), now: second)
        ledger.started(slot: 1, generation: 2, pid: 4003, now: second)
        ledger.changed(slot: 0, generation: 1, to: .ready)
        ledger.changed(slot: 1, generation: 2, to: .ready)
        _ = ledger.ingest(report(slot: 0, sequence: 1, figures(requests: requests, open: 3)), now: now - second / 2)
        var slow = figures(requests: 10, nanoseconds: 2_500_000, open: 1)
        slow[.responses2xx] = 8
        slow[.responses4xx] = 1
        slow[.responses5xx] = 1
        _ = ledger.ingest(report(slot: 1, generation: 2, sequence: 3, slow), now: now - second / 4)
        _ = ledger.ingest([1, 2, 3], now: now)
        return ledger.figures(now: now)
    }
}
