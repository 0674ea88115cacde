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

    /// Another process has written over the memory that a worker counts in, and what the worker adds comes on top.
    @Test(arguments: [0, .max, .max - 3, 0x8000_0000_0000_0000, 77] as [UInt64], [true, false])
    func areCountedFromWhereTheyStayThatWay(_ rubbish: UInt64, _ isReported: Bool) {
        var ledger = ledger()
        var (good, figures, now, sequence) = (FigureSnapshot(), FigureSnapshot(), second, UInt64(0))
        func take(_ snapshot: FigureSnapshot) -> Bool {
            now += second
            sequence += 1
            guard isReported else { return ledger.refresh(slot: 0, generation: 1, figures: snapshot, now: now) }
            let report = Report(
                slot: 0, generation: 1, sequence: sequence, pid: 10, uptimeNanoseconds: now, monotonicNanoseconds: now, figures: snapshot)
            return ledger.ingest(report.encoded(), from: (0, 1), now: now) == .accepted(slot: 0, generation: 1)
        }
        good[.requests] = 500
        good[.connectionsOpen] = 9
        good.histogram.record(nanoseconds: 5_000_000, count: 500)
        #expect(take(good))
        for counter in Counter.allCases { figures[counter] = rubbish }
        for bucket in 0..<LatencyHistogram.bucketCount { figures.histogram.setBucket(bucket, to: rubbish) }
        // Not at once: memory is read one word after the other.
        var refused = 0
        for _ in 0..<8 {
            let total = ledger.figures(now: now).total
            refused += take(figures) ? 0 : 1
            // No jump, and nothing goes down.
            #expect(ledger.figures(now: now).total[.requests] - total[.requests] <= 10)
            figures[.requests] &+= 10
            figures[.latencySumNanoseconds] &+= 10_000_000
            let bucket = HistogramScale.bucket(of: 1_000_000)
            figures.histogram.setBucket(bucket, to: figures.histogram.buckets[bucket] &+ 10)
        }
        // A reading from memory that is merely lower raises nothing, and is not refused; nor is one in which nothing but 77 requests is wrong.
        if isReported || rubbish > 77 { #expect(refused == 3 && ledger.baseLines == 1) }
        let total = ledger.figures(now: now).total
        if refused > 0 {
            #expect(total[.requests] == 500 + 5 * 10)
            #expect(total.histogram.count == 550)
            #expect(total[.latencyMaxNanoseconds] == 5_000_000)
        }
        #expect(total[.connectionsOpen] <= 1 << 31)
        figures[.connectionsOpen] = 4
        figures[.latencyMaxNanoseconds] = max(figures[.latencyMaxNanoseconds], 2_000_000)
        #expect(take(figures))
        #expect(ledger.figures(now: now).total[.connectionsOpen] == 4)
    }

    @Test func onceInAWhileAreNoNewBeginning() {
        var ledger = ledger()
        var (good, bad) = (FigureSnapshot(), FigureSnapshot())
        bad[.requests] = .max
        for turn in 1...10 as ClosedRange<UInt64> {
            good[.requests] = turn * 100
            #expect(ledger.refresh(slot: 0, generation: 1, figures: bad, now: 3 * turn * second) == false)
            #expect(ledger.refresh(slot: 0, generation: 1, figures: bad, now: (3 * turn + 1) * second) == false)
            #expect(ledger.refresh(slot: 0, generation: 1, figures: good, now: (3 * turn + 2) * second) == true)
        }
        #expect(ledger.baseLines == 0)
        #expect(ledger.figures(now: 40 * second).total[.requests] == 1000)
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
