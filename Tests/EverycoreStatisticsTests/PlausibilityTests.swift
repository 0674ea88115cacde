// Figures that can't be true: they count for nothing, whichever way they come.

import EverycoreStatistics
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct FiguresThatCannotBeTrue {
    private func ledger() -> ClusterLedger {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 2)
        ledger.started(slot: 0, generation: 1, pid: 10, now: 0)
        ledger.started(slot: 1, generation: 1, pid: 11, now: 0)
        return ledger
    }

    private func report(slot: Int = 0, generation: Int = 1, _ counter: Counter, _ value: UInt64) -> [UInt8] {
        var figures = FigureSnapshot()
        figures[counter] = value
        return Report(
            slot: slot, generation: generation, sequence: 1, pid: 10, uptimeNanoseconds: second, monotonicNanoseconds: second,
            figures: figures
        ).encoded()
    }

    @Test(arguments: [Counter.requests, .bytesOut, .connectionsOpen, .residentBytes, .latencyMaxNanoseconds, .latencySumNanoseconds])
    func areRefusedInAReport(_ counter: Counter) {
        var ledger = ledger()
        #expect(ledger.ingest(report(counter, .max), from: (0, 1), now: second) == .ignored(.garbled))
        #expect(ledger.figures(now: second).total[counter] == 0)
        #expect(ledger.ingest(report(counter, 1000), from: (0, 1), now: second) == .accepted(slot: 0, generation: 1))
        #expect(ledger.figures(now: second).total[counter] == 1000)
    }

    @Test func areRefusedInSharedMemory() {
        var ledger = ledger()
        var (good, bad) = (FigureSnapshot(), FigureSnapshot())
        good[.requests] = 500
        bad[.requests] = .max
        #expect(ledger.refresh(slot: 0, generation: 1, figures: good, now: second) == true)
        #expect(ledger.refresh(slot: 0, generation: 1, figures: bad, now: 2 * second) == false)
        #expect(ledger.retire(slot: 0, generation: 1, final: bad, now: 3 * second) == true)
        let figures = ledger.figures(now: 3 * second)
        #expect(figures.total[.requests] == 500)
        #expect(figures.reports[.garbled] == 2)
    }

    @Test func doNotComeFromAnotherWorkersChannel() {
        var ledger = ledger()
        #expect(ledger.ingest(report(slot: 1, .requests, 5), from: (0, 1), now: second) == .ignored(.unknownSlot))
        #expect(ledger.ingest(report(generation: 2, .requests, 5), from: (0, 1), now: second) == .ignored(.staleGeneration))
        #expect(ledger.figures(now: second).total[.requests] == 0)
        #expect(ledger.figures(now: second)[slot: 0]?.reports.ignored == 2)
    }

    @Test func areNotThoseOfABusyWorker() {
        var before = FigureSnapshot()
        before[.requests] = 1_000_000
        before[.startedAtNanoseconds] = 123_456_789_000
        var after = before
        after[.requests] += 2_000_000
        after[.bytesOut] = 20_000_000_000
        after[.residentBytes] = 64 << 30
        after[.connectionsOpen] = 1_000_000
        #expect(after.isPlausible(after: before, within: second, age: 10 * second))
        // Its time is counted before its number, when the memory is read in between.
        after[.latencySumNanoseconds] = 5 * second
        after[.latencyMaxNanoseconds] = 5 * second
        #expect(after.isPlausible(after: before, within: second, age: 10 * second))
        after[.latencyMaxNanoseconds] = 100 * second
        #expect(!after.isPlausible(after: before, within: second, age: 10 * second))
    }
}
