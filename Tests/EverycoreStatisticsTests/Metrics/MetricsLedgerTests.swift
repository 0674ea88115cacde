// The books of the application's metrics: processes come and go, and what they counted stays true.

import EverycoreStatistics
import Testing

@Suite struct MetricsLedgerTests {
    private let visits = MetricIdentity(.counter, "visits")
    private let queue = MetricIdentity(.gauge, "queue")

    /// A ledger in which a process has these series, at places in this order, with these values.
    private func add(_ process: Int32, _ series: [(MetricIdentity, MetricValue)], to ledger: inout MetricsLedger) {
        ledger.started(process)
        for (place, (identity, value)) in series.enumerated() {
            ledger.began(process, place: place, epoch: 1, identity)
            ledger.read(process, place: place, value)
        }
    }

    private func value(_ identity: MetricIdentity, _ ledger: MetricsLedger) -> MetricValue? {
        ledger.figures().series.first { $0.identity == identity }?.value
    }

    @Test func `counters are summed over processes, living and gone`() {
        var ledger = MetricsLedger()
        add(1, [(visits, .count(5))], to: &ledger)
        add(2, [(visits, .count(7))], to: &ledger)
        #expect(value(visits, ledger) == .count(12))
        ledger.read(1, place: 0, .count(6))
        ledger.ended(1)
        #expect(value(visits, ledger) == .count(13))
        ledger.ended(2)
        #expect(value(visits, ledger) == .count(13))
    }

    @Test func `gauges of the dead vanish, and so do those of the dying`() {
        var ledger = MetricsLedger()
        add(1, [(queue, .gauge(3, setAt: 1))], to: &ledger)
        add(2, [(queue, .gauge(4, setAt: 1))], to: &ledger)
        #expect(value(queue, ledger) == .gauge(7, setAt: 1))
        ledger.disconnected(1)
        #expect(value(queue, ledger) == .gauge(4, setAt: 1))
        ledger.ended(1)
        ledger.ended(2)
        #expect(value(queue, ledger) == nil)
        #expect(ledger.seriesCount == 0, "nothing stays of a gauge")
    }

    @Test func `a gauge that was never set is not shown, and doesn't count`() {
        let lowest = MetricIdentity(.gauge, "free", merge: .minimum)
        var ledger = MetricsLedger()
        add(1, [(lowest, .gauge(0, setAt: 0))], to: &ledger)
        #expect(value(lowest, ledger) == nil)
        add(2, [(lowest, .gauge(8, setAt: 1))], to: &ledger)
        #expect(value(lowest, ledger) == .gauge(8, setAt: 1))
    }

    @Test func `gauges are merged as they were declared`() {
        for (merge, expected) in [(GaugeMerge.sum, 12.0), (.minimum, 2), (.maximum, 6), (.latest, 4)] {
            let gauge = MetricIdentity(.gauge, "g", merge: merge)
            var ledger = MetricsLedger()
            add(1, [(gauge, .gauge(2, setAt: 10))], to: &ledger)
            add(2, [(gauge, .gauge(4, setAt: 30))], to: &ledger)
            add(3, [(gauge, .gauge(6, setAt: 20))], to: &ledger)
            #expect(value(gauge, ledger) == .gauge(expected, setAt: 30))
        }
    }

    @Test func `ten thousand workers that come and go leave nothing but the sum`() {
        var ledger = MetricsLedger()
        for process in Int32(1)...10_000 {
            add(process, [(visits, .count(1)), (queue, .gauge(1, setAt: 1))], to: &ledger)
            ledger.ended(process)
        }
        #expect(value(visits, ledger) == .count(10_000))
        #expect(ledger.seriesCount == 1 && ledger.processCount == 0)
    }

    @Test func `timers are merged as histograms`() throws {
        let timer = MetricIdentity(.timer, "t")
        var ledger = MetricsLedger()
        let slow = try #require(BucketCounts([.init(10, 1), .init(400, 2)]))
        add(1, [(timer, .timer(try #require(BucketCounts([.init(10, 3)])), sum: 960, maximum: 320))], to: &ledger)
        add(2, [(timer, .timer(slow, sum: 9000, maximum: 5000))], to: &ledger)
        ledger.ended(1)
        let merged = try #require(BucketCounts([.init(10, 4), .init(400, 2)]))
        #expect(value(timer, ledger) == .timer(merged, sum: 9960, maximum: 5000))
    }

    @Test func `a reading that is lower, or can't be true, changes nothing`() {
        var ledger = MetricsLedger()
        add(1, [(visits, .count(100))], to: &ledger)
        ledger.read(1, place: 0, .count(50))
        #expect(value(visits, ledger) == .count(100))
        ledger.read(1, place: 0, .count(.max))
        ledger.read(1, place: 0, .gauge(3, setAt: 1))
        ledger.read(1, place: 7, .count(1))
        ledger.read(9, place: 0, .count(1))
        #expect(value(visits, ledger) == .count(100))
        #expect(ledger.figures().garbled == 2)
    }

    @Test func `a sum that can't have grown so far is not taken`() throws {
        let timer = MetricIdentity(.timer, "t")
        let one = try #require(BucketCounts([.init(10, 1)]))
        let two = try #require(BucketCounts([.init(10, 2)]))
        var ledger = MetricsLedger()
        add(1, [(timer, .timer(one, sum: 320, maximum: 320))], to: &ledger)
        ledger.read(1, place: 0, .timer(two, sum: .max, maximum: 320))
        #expect(value(timer, ledger) == .timer(one, sum: 320, maximum: 320))
        #expect(ledger.figures().garbled == 1)
        ledger.read(1, place: 0, .timer(two, sum: 640, maximum: 320))
        #expect(value(timer, ledger) == .timer(two, sum: 640, maximum: 320))
    }

    @Test func `a destroyed series goes with its last process, and begins anew`() {
        var ledger = MetricsLedger()
        add(1, [(visits, .count(5))], to: &ledger)
        add(2, [(visits, .count(7))], to: &ledger)
        ledger.giveUp(1, place: 0)
        #expect(value(visits, ledger) == .count(12), "another process still has it: what it was stays")
        ledger.giveUp(2, place: 0)
        #expect(value(visits, ledger) == nil)
        ledger.began(1, place: 0, epoch: 2, visits)
        ledger.read(1, place: 0, .count(1))
        #expect(value(visits, ledger) == .count(1))
    }

    @Test func `a place that becomes another series keeps what the former counted`() {
        let other = MetricIdentity(.counter, "other")
        var ledger = MetricsLedger()
        add(1, [(visits, .count(5))], to: &ledger)
        add(2, [(visits, .count(1))], to: &ledger)
        ledger.began(1, place: 0, epoch: 2, other)
        ledger.read(1, place: 0, .count(2))
        #expect(value(visits, ledger) == .count(6) && value(other, ledger) == .count(2))
    }

    @Test func `series beyond the limit are counted and left out`() {
        var ledger = MetricsLedger()
        for process in Int32(1)...5 {
            ledger.started(process)
            for place in 0..<MetricsRegion.capacity {
                ledger.began(process, place: place, epoch: 1, MetricIdentity(.counter, "c\(process)", [MetricDimension("n", "\(place)")]))
                ledger.read(process, place: place, .count(1))
            }
        }
        let figures = ledger.figures()
        #expect(figures.series.count == MetricsLedger.capacity)
        #expect(figures.leftOut == UInt64(5 * MetricsRegion.capacity - MetricsLedger.capacity))
    }

    @Test func `what another master's processes counted is carried on, without its gauges`() {
        var ledger = MetricsLedger()
        add(1, [(visits, .count(5))], to: &ledger)
        ledger.carry(MetricsFigures(series: [.init(visits, .count(100)), .init(queue, .gauge(4, setAt: 1))], refused: 3))
        #expect(value(visits, ledger) == .count(105))
        #expect(value(queue, ledger) == nil)
        ledger.carry(MetricsFigures(series: [.init(visits, .count(110))], refused: 3))
        #expect(value(visits, ledger) == .count(115), "each time all of it")
        #expect(ledger.figures().refused == 3)
    }

    @Test func `metrics survive the wire, and no change of a byte traps`() throws {
        var ledger = MetricsLedger()
        let counts = try #require(BucketCounts([.init(0, 1), .init(864, 9)]))
        add(
            1,
            [
                (visits, .count(5)), (MetricIdentity(.floatingCounter, "f", [.init("b", "2"), .init("a", "é\n")]), .sum(1.5)),
                (MetricIdentity(.gauge, "g", merge: .latest), .gauge(-2, setAt: 77)),
                (MetricIdentity(.timer, "t"), .timer(counts, sum: 4, maximum: 3)),
                (MetricIdentity(.recorder, "r"), .recorder(counts, sum: -4, maximum: 3)),
            ], to: &ledger)
        let figures = ledger.figures()
        let bytes = figures.encoded()
        #expect(bytes.withRawSpan { MetricsFigures(decoding: $0) } == figures)
        for index in bytes.indices {
            for value in [UInt8(0), 1, 0x7F, 0xFF] {
                var changed = bytes
                changed[index] = value
                _ = changed.withRawSpan { MetricsFigures(decoding: $0) }
            }
            #expect(Array(bytes[..<index]).withRawSpan { MetricsFigures(decoding: $0) } == nil)
        }
    }
}
