// Datagrams as a broken worker might send them: mutated, cut, extended, random. From a fixed seed, so a failure repeats.

import EverycoreStatistics
import TestSupport
import Testing

@Suite struct ReportFuzzTests {
    @Test func `50,000 damaged datagrams never trap and never change a total`() {
        var random = SeededGenerator.printingSeed(2026)
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 2)
        ledger.started(slot: 0, generation: 1, pid: 1, now: 0)
        ledger.started(slot: 1, generation: 1, pid: 2, now: 0)
        for slot in 0...1 {
            let outcome = ledger.ingest(
                Sample.report(slot: slot, sequence: 1, Sample.figures(requests: 100)), now: 1)
            #expect(outcome == .accepted(slot: slot, generation: 1))
        }
        let before = ledger.figures(now: 2)
        let originals = (0...1).map { Sample.report(slot: $0, sequence: 2, Sample.figures(requests: 200)) }

        let rounds: UInt64 = 50_000
        var accepted = 0
        for round in 0..<rounds {
            let original = originals[Int(round & 1)]
            var datagram = original
            while datagram == original { damage(&datagram, with: &random) }
            if case .accepted = ledger.ingest(datagram, now: 2) { accepted += 1 }
        }
        let after = ledger.figures(now: 2)
        #expect(accepted == 0)
        #expect(after.total == before.total)
        #expect(after.reports.ignored == rounds)
        #expect(after.reports.received == 2)
        #expect(after.reports[.garbled] > 0)
        #expect(after.reports[.short] > 0)
        #expect(after.reports[.foreignVersion] > 0)

        let outcome = ledger.ingest(originals[0], now: 3)
        #expect(outcome == .accepted(slot: 0, generation: 1))
    }

    @Test func `damaged figures with a good checksum never lower a total`() {
        var random = SeededGenerator.printingSeed(5)
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 1)
        ledger.started(slot: 0, generation: 1, pid: 1, now: 0)
        var last = ledger.figures(now: 0).total
        for sequence in UInt64(1)..<3_000 {
            var figures = FigureSnapshot()
            for counter in Counter.allCases where Bool.random(using: &random) {
                figures[counter] = UInt64.random(in: 0...(.max), using: &random) >> UInt64.random(in: 0..<64, using: &random)
            }
            let bucket = Int.random(in: -1...900, using: &random)
            figures.histogram.setBucket(bucket, to: UInt64.random(in: 0...(.max), using: &random))
            _ = ledger.ingest(
                Sample.report(
                    slot: Int.random(in: 0...1, using: &random), sequence: UInt64.random(in: 0...(sequence * 2), using: &random),
                    figures), now: sequence)
            if sequence % 100 == 0 {
                let generation = Int(sequence / 100)
                ledger.retire(slot: 0, generation: generation, final: figures, now: sequence)
                ledger.started(slot: 0, generation: generation + 1, pid: 1, now: sequence)
            }
            let total = ledger.figures(now: sequence).total
            #expect(!total.fellBehind(last))
            last = total
        }
    }

    private func damage(_ datagram: inout [UInt8], with random: inout SeededGenerator) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
            datagram = Array(datagram.prefix(Int.random(in: 0..<max(1, datagram.count), using: &random)))
        case 1:
            datagram = (0..<Int.random(in: 0..<400, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 2:
            datagram += (0..<Int.random(in: 1..<40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
        case 3:
            guard datagram.count > 20 else { return }
            datagram[Int.random(in: 4..<20, using: &random)] = UInt8.random(in: 0...255, using: &random)
        default:
            guard !datagram.isEmpty else { return }
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                datagram[Int.random(in: datagram.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
        }
    }
}
