// The ledger over the lives of workers: what counts, what is ignored, and that totals only grow.

import EverycoreStatistics
import Testing

@Suite struct ClusterLedgerTests {
    private func ledger(slots: Int = 1) -> ClusterLedger {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: slots)
        for slot in 0..<slots { ledger.started(slot: slot, generation: 1, pid: Int32(100 + slot), now: 0) }
        return ledger
    }

    @Test func `reports are cumulative, so a lost one costs no count`() {
        var ledger = ledger()
        _ = ledger.ingest(Sample.report(sequence: 1, Sample.figures(requests: 10)), now: 1)
        _ = ledger.ingest(Sample.report(sequence: 4, Sample.figures(requests: 40)), now: 4)
        let figures = ledger.figures(now: 5)
        #expect(figures.total[.requests] == 40)
        #expect(figures.total.histogram.count == 40)
        #expect(figures.reports.received == 2)
        #expect(figures.reports.lost == 2)
    }

    @Test func `reports before a generation's first that arrived are lost`() {
        var ledger = ledger()
        _ = ledger.ingest(Sample.report(sequence: 3, Sample.figures(requests: 10)), now: 1)
        #expect(ledger.figures(now: 1).reports.lost == 2)
    }

    @Test func `a replayed or late report is counted and ignored`() {
        var ledger = ledger()
        let first = Sample.report(sequence: 1, Sample.figures(requests: 10))
        _ = ledger.ingest(Sample.report(sequence: 2, Sample.figures(requests: 20)), now: 1)
        #expect(ledger.ingest(first, now: 2) == .ignored(.replayed))
        #expect(ledger.ingest(Sample.report(sequence: 2, Sample.figures(requests: 99)), now: 2) == .ignored(.replayed))
        let figures = ledger.figures(now: 3)
        #expect(figures.total[.requests] == 20)
        #expect(figures.slots.first?.reports[.replayed] == 2)
        #expect(figures.reports.ignored == 2)
    }

    @Test func `a report whose counter fell is garbled, and the next good one counts`() {
        var ledger = ledger()
        _ = ledger.ingest(Sample.report(sequence: 1, Sample.figures(requests: 20)), now: 1)
        #expect(ledger.ingest(Sample.report(sequence: 2, Sample.figures(requests: 19)), now: 2) == .ignored(.garbled))
        #expect(ledger.figures(now: 2).total[.requests] == 20)
        let next = ledger.ingest(Sample.report(sequence: 3, Sample.figures(requests: 21)), now: 3)
        #expect(next == .accepted(slot: 0, generation: 1))
        #expect(ledger.figures(now: 3).total[.requests] == 21)
    }

    @Test func `a report of a slot that was never started is refused`() {
        var ledger = ledger()
        #expect(ledger.ingest(Sample.report(slot: 1, sequence: 1, FigureSnapshot()), now: 1) == .ignored(.unknownSlot))
        #expect(ledger.ingest(Sample.report(slot: 1023, sequence: 1, FigureSnapshot()), now: 1) == .ignored(.unknownSlot))
        #expect(ledger.ingest(Sample.report(slot: 1024, sequence: 1, FigureSnapshot()), now: 1) == .ignored(.unknownSlot))
        #expect(ledger.figures(now: 1).reports[.unknownSlot] == 3)
    }

    @Test func `a report of another generation is ignored`() {
        var ledger = ledger()
        let report = Sample.report(generation: 2, sequence: 1, Sample.figures(requests: 5))
        #expect(ledger.ingest(report, now: 1) == .ignored(.staleGeneration))
        #expect(ledger.figures(now: 1).total[.requests] == 0)
    }

    @Test func `bytes that are no report are counted by reason`() {
        var ledger = ledger()
        let good = Sample.report(sequence: 1, FigureSnapshot())
        var foreign = good
        foreign[4] = 77
        var garbled = good
        garbled[60] ^= 1
        #expect(ledger.ingest([], now: 1) == .ignored(.short))
        #expect(ledger.ingest(foreign, now: 1) == .ignored(.foreignVersion))
        #expect(ledger.ingest(garbled, now: 1) == .ignored(.garbled))
        #expect(ledger.ingest([UInt8](repeating: 0, count: 500), now: 1) == .ignored(.garbled))
        let reports = ledger.figures(now: 1).reports
        #expect(reports.ignored == 4)
        #expect(reports.received == 0)
    }

    @Test func `a retired generation's figures stay, and its gauges vanish`() {
        var ledger = ledger()
        _ = ledger.ingest(Sample.report(sequence: 1, Sample.figures(requests: 10, open: 6)), now: 1)
        #expect(ledger.figures(now: 1).total[.connectionsOpen] == 6)
        #expect(ledger.retire(slot: 0, generation: 1, final: Sample.figures(requests: 12, open: 6), now: 2) == true)
        let figures = ledger.figures(now: 2)
        #expect(figures.total[.requests] == 12)
        #expect(figures.total[.connectionsOpen] == 0)
        #expect(figures.total[.residentBytes] == 0)
        #expect(figures.slots.first?.state == .dead)
        #expect(figures.slots.first?.uptimeNanoseconds == 0)
    }

    @Test func `a retirement without shared memory keeps the last report`() {
        var ledger = ledger()
        _ = ledger.ingest(Sample.report(sequence: 1, Sample.figures(requests: 10)), now: 1)
        ledger.retire(slot: 0, generation: 1, final: nil, now: 2)
        #expect(ledger.figures(now: 2).total[.requests] == 10)
    }

    @Test func `shared memory that says less than the last report lowers nothing`() {
        var ledger = ledger()
        _ = ledger.ingest(Sample.report(sequence: 1, Sample.figures(requests: 10)), now: 1)
        ledger.retire(slot: 0, generation: 1, final: FigureSnapshot(), now: 2)
        #expect(ledger.figures(now: 2).total[.requests] == 10)
        #expect(ledger.figures(now: 2).total.histogram.count == 10)
    }

    @Test func `a report that arrives after the retirement is ignored, and a second retirement too`() {
        var ledger = ledger()
        ledger.retire(slot: 0, generation: 1, final: Sample.figures(requests: 12), now: 2)
        let late = Sample.report(sequence: 1, Sample.figures(requests: 11))
        #expect(ledger.ingest(late, now: 3) == .ignored(.staleGeneration))
        #expect(ledger.retire(slot: 0, generation: 1, final: Sample.figures(requests: 12), now: 3) == false)
        #expect(ledger.figures(now: 3).total[.requests] == 12)
    }

    @Test func `generations add up, and the greatest latency of all stays the maximum`() {
        var ledger = ledger()
        for generation in 1...5 {
            _ = ledger.ingest(
                Sample.report(
                    generation: generation, sequence: 1,
                    Sample.figures(requests: 10, nanoseconds: generation == 2 ? 9_000_000 : 1_000)), now: 1)
            ledger.retire(slot: 0, generation: generation, final: nil, now: 2)
            ledger.started(slot: 0, generation: generation + 1, pid: 7, now: 3)
        }
        let figures = ledger.figures(now: 4)
        #expect(figures.total[.requests] == 50)
        #expect(figures.total[.latencyMaxNanoseconds] == 9_000_000)
        #expect(figures.restarts == 5)
        #expect(figures.slots.first?.generation == 6)
    }

    @Test func `while a worker drains its successor's reports count as well`() {
        var ledger = ledger()
        _ = ledger.ingest(Sample.report(generation: 1, sequence: 1, Sample.figures(requests: 10, open: 2)), now: 1)
        ledger.started(slot: 0, generation: 2, pid: 200, planned: true, now: 2)
        _ = ledger.ingest(Sample.report(generation: 2, sequence: 1, Sample.figures(requests: 5, open: 1)), now: 3)
        _ = ledger.ingest(Sample.report(generation: 1, sequence: 2, Sample.figures(requests: 14, open: 1)), now: 3)
        #expect(ledger.figures(now: 3).total[.requests] == 19)
        #expect(ledger.figures(now: 3).total[.connectionsOpen] == 2)
        ledger.changed(slot: 0, generation: 2, to: .ready)
        ledger.retire(slot: 0, generation: 1, final: Sample.figures(requests: 15), now: 4)
        let figures = ledger.figures(now: 4)
        #expect(figures.total[.requests] == 20)
        #expect(figures.slots.first?.state == .ready)
        #expect(figures.slots.first?.pid == 200)
        #expect(figures.restarts == 0)
    }

    @Test func `a refresh from shared memory counts at once, and a report under way is not garbled by it`() {
        var ledger = ledger()
        #expect(ledger.refresh(slot: 0, generation: 1, figures: Sample.figures(requests: 30, open: 1), now: 100) == true)
        #expect(ledger.figures(now: 100).total[.requests] == 30)
        let underWay = Sample.report(sequence: 1, at: 90, Sample.figures(requests: 25, open: 8))
        #expect(ledger.ingest(underWay, now: 101) == .accepted(slot: 0, generation: 1))
        let figures = ledger.figures(now: 101)
        #expect(figures.total[.requests] == 30)
        #expect(figures.total[.connectionsOpen] == 1)
    }

    @Test func `a slot that is given up stays in the totals`() {
        var ledger = ledger(slots: 2)
        _ = ledger.ingest(Sample.report(slot: 1, sequence: 2, Sample.figures(requests: 10, open: 1)), now: 1)
        let before = ledger.figures(now: 1)
        ledger.remove(slot: 1)
        let after = ledger.figures(now: 2)
        #expect(after.slots.map(\.slot) == [0])
        #expect(after.total[.requests] == 10)
        #expect(after.total[.connectionsOpen] == 0)
        #expect(after.reports == before.reports)
        #expect(ledger.started(slot: 1, generation: 2, pid: 9, now: 3) == true)
        #expect(ledger.figures(now: 3).restarts == 0)
        #expect(ledger.figures(now: 3).slots.count == 2)
    }

    @Test(arguments: [-1, 1024, Int.max, Int.min])
    func `a slot outside the range changes nothing`(slot: Int) {
        var ledger = ledger()
        let before = ledger
        #expect(ledger.started(slot: slot, generation: 1, pid: 1, now: 1) == false)
        #expect(ledger.changed(slot: slot, generation: 1, to: .ready) == false)
        #expect(ledger.refresh(slot: slot, generation: 1, figures: FigureSnapshot(), now: 1) == false)
        #expect(ledger.retire(slot: slot, generation: 1, final: nil, now: 1) == false)
        ledger.remove(slot: slot)
        #expect(ledger == before)
    }

    @Test func `a generation that is not newer is not started`() {
        var ledger = ledger()
        #expect(ledger.started(slot: 0, generation: 1, pid: 1, now: 1) == false)
        #expect(ledger.started(slot: 0, generation: 0, pid: 1, now: 1) == false)
        #expect(ledger.started(slot: 5, generation: -1, pid: 1, now: 1) == false)
        #expect(ledger.figures(now: 1).slots.count == 1)
    }

    @Test func `only the newest generation's state is shown`() {
        var ledger = ledger()
        #expect(ledger.changed(slot: 0, generation: 1, to: .ready) == true)
        ledger.started(slot: 0, generation: 2, pid: 5, now: 1)
        #expect(ledger.changed(slot: 0, generation: 1, to: .draining) == false)
        #expect(ledger.figures(now: 1).slots.first?.state == .starting)
        #expect(ledger.figures(now: 1).workers(in: .ready) == 0)
    }

    @Test func `uptime and staleness follow the clock that is passed in`() {
        var ledger = ClusterLedger(startedAt: 50, wantedWorkers: 1)
        ledger.started(slot: 0, generation: 1, pid: 1, now: 100)
        _ = ledger.ingest(Sample.report(sequence: 1, FigureSnapshot()), now: 250)
        let figures = ledger.figures(now: 300)
        #expect(figures.uptimeNanoseconds == 250)
        #expect(figures.slots.first?.uptimeNanoseconds == 200)
        #expect(figures.slots.first?.staleNanoseconds == 50)
        #expect(ledger.figures(now: 0).uptimeNanoseconds == 0)
    }

    @Test func `a clock or a sequence at its limit traps nothing`() {
        var ledger = ledger()
        let report = Sample.report(sequence: .max, at: .max, Sample.figures(requests: 1))
        #expect(ledger.ingest(report, now: .max) == .accepted(slot: 0, generation: 1))
        #expect(ledger.ingest(report, now: 0) == .ignored(.replayed))
        #expect(ledger.figures(now: 0).reports.lost == UInt64.max - 1)
    }

    @Test func `1024 slots add up`() {
        var ledger = ledger(slots: 1024)
        for slot in 0..<1024 {
            _ = ledger.ingest(Sample.report(slot: slot, sequence: 1, Sample.figures(requests: 3)), now: 1)
        }
        #expect(ledger.figures(now: 1).total[.requests] == 3072)
    }
}
