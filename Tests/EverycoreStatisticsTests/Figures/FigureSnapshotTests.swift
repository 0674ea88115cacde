// How snapshots are joined, subtracted and compared.

import EverycoreStatistics
import Testing

@Suite struct FigureSnapshotTests {
    @Test func `merging adds counters and gauges, keeps the greater maximum and the earlier start`() {
        var one = Sample.figures(requests: 10, nanoseconds: 5_000, open: 2)
        one[.startedAtNanoseconds] = 900
        var other = Sample.figures(requests: 5, nanoseconds: 80_000, open: 1)
        other[.startedAtNanoseconds] = 300
        let sum = one.merged(with: other)
        #expect(sum[.requests] == 15)
        #expect(sum[.connectionsOpen] == 3)
        #expect(sum[.residentBytes] == 8_000_000)
        #expect(sum[.latencyMaxNanoseconds] == 80_000)
        #expect(sum[.latencySumNanoseconds] == 10 * 5_000 + 5 * 80_000)
        #expect(sum[.startedAtNanoseconds] == 300)
        #expect(sum.histogram.count == 15)
        #expect(other.merged(with: one) == sum)
    }

    @Test func `an empty snapshot adds nothing`() {
        var figures = Sample.figures(requests: 10, open: 2)
        figures[.startedAtNanoseconds] = 900
        #expect(figures.merged(with: FigureSnapshot()) == figures)
        #expect(FigureSnapshot().merged(with: figures) == figures)
    }

    @Test func `a difference is what was added, with the gauges of the end`() {
        let earlier = Sample.figures(requests: 10, open: 9)
        let later = Sample.figures(requests: 25, open: 4)
        let difference = later.minus(earlier)
        #expect(difference[.requests] == 15)
        #expect(difference[.connectionsOpen] == 4)
        #expect(difference.histogram.count == 15)
        #expect(earlier.minus(later)[.requests] == 0)
    }

    @Test func `raising never lowers a counter and takes gauges only from the newer reading`() {
        var figures = Sample.figures(requests: 20, nanoseconds: 90_000, open: 5)
        figures.raise(to: Sample.figures(requests: 10, nanoseconds: 5_000, open: 1), gauges: false)
        #expect(figures[.requests] == 20)
        #expect(figures[.connectionsOpen] == 5)
        #expect(figures[.latencyMaxNanoseconds] == 90_000)
        figures.raise(to: Sample.figures(requests: 30, nanoseconds: 5_000, open: 1), gauges: true)
        #expect(figures[.requests] == 30)
        #expect(figures[.connectionsOpen] == 1)
    }

    @Test(arguments: Counter.allCases.filter { $0.kind == .cumulative || $0.kind == .maximum })
    func `a counter that fell is noticed`(counter: Counter) {
        var earlier = FigureSnapshot()
        earlier[counter] = 5
        var later = earlier
        #expect(!later.fellBehind(earlier))
        later[counter] = 4
        #expect(later.fellBehind(earlier))
    }

    @Test(arguments: Counter.allCases.filter { $0.kind == .gauge || $0.kind == .instant })
    func `a gauge may fall, and vanishes with its worker`(counter: Counter) {
        var earlier = FigureSnapshot()
        earlier[counter] = 5
        #expect(!FigureSnapshot().fellBehind(earlier))
        #expect(earlier.withoutGauges == FigureSnapshot())
    }

    @Test func `a bucket that fell is noticed`() {
        let earlier = Sample.figures(requests: 1)
        var later = earlier
        later.histogram.setBucket(HistogramScale.bucket(of: 20_000), to: 0)
        #expect(later.fellBehind(earlier))
    }

    @Test func `sums at the limit stay there`() {
        var figures = FigureSnapshot()
        for counter in Counter.allCases { figures[counter] = .max }
        for bucket in 0..<LatencyHistogram.bucketCount { figures.histogram.setBucket(bucket, to: .max) }
        let sum = figures.merged(with: figures)
        #expect(sum == figures)
        #expect(sum.histogram.percentile(99.9) > 0)
    }
}
