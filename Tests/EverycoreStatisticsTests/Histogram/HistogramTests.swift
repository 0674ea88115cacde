// The histogram's scale, its stated error and its percentiles.

import EverycoreStatistics
import TestSupport
import Testing

@Suite struct HistogramTests {
    @Test func `buckets follow each other without gap or overlap`() {
        var previousEdge: UInt64 = 0
        for bucket in 1...HistogramScale.overflowBucket {
            let edge = HistogramScale.lowerEdge(of: bucket)
            #expect(edge > previousEdge)
            #expect(HistogramScale.bucket(of: edge) == bucket)
            #expect(HistogramScale.bucket(of: edge - 1) == bucket - 1)
            previousEdge = edge
        }
        #expect(previousEdge == HistogramScale.overflowEdge)
        #expect(HistogramScale.bucket(of: 0) == 0)
        #expect(HistogramScale.bucket(of: .max) == HistogramScale.overflowBucket)
        #expect(HistogramScale.bucketCount == 865)
    }

    @Test func `the first word of the buckets is the one behind the counters`() {
        #expect(HistogramScale.firstWord == Counter.count)
        #expect(Counter.count == Counter.allCases.count)
        #expect(WorkerFigures.byteCount == (Counter.allCases.count + 865) * 8)
    }

    @Test func `a midpoint is within 3 percent of every value from 1 µs to 60 s`() {
        var worst = 0.0
        func check(_ value: UInt64) {
            let midpoint = HistogramScale.midpoint(of: HistogramScale.bucket(of: value))
            worst = max(worst, abs(Double(midpoint) - Double(value)) / Double(value))
        }
        for bucket in HistogramScale.bucket(of: 1000)..<HistogramScale.overflowBucket {
            check(max(1000, HistogramScale.lowerEdge(of: bucket)))
            check(HistogramScale.lowerEdge(of: bucket + 1) - 1)
        }
        var value = 1000.0
        while value <= 60e9 {
            check(UInt64(value))
            value *= 1.0007
        }
        #expect(worst <= 0.03)
        #expect(worst <= 0.0165)
    }

    @Test func `below 1 µs a midpoint is within 16 ns`() {
        for value in UInt64(0)..<1024 {
            let midpoint = HistogramScale.midpoint(of: HistogramScale.bucket(of: value))
            #expect(max(midpoint, value) - min(midpoint, value) <= 16)
        }
    }

    @Test func `percentiles of known values are within 3 percent`() {
        var random = SeededGenerator.printingSeed(7)
        var values: [UInt64] = []
        var histogram = LatencyHistogram()
        for _ in 0..<20_000 {
            let octave = Double.random(in: 10..<35.8, using: &random)
            var value = 1024.0
            for _ in 0..<Int(octave - 10) { value *= 2 }
            let nanoseconds = UInt64(value * Double.random(in: 1..<2, using: &random))
            values.append(nanoseconds)
            histogram.record(nanoseconds: nanoseconds)
        }
        values.sort()
        for percent in [1.0, 10, 50, 90, 99, 99.9, 100] {
            let rank = Int((percent / 100 * Double(values.count)).rounded(.up)) - 1
            let exact = Double(values[max(0, rank)])
            #expect(abs(Double(histogram.percentile(percent)) - exact) / exact <= 0.03)
        }
        #expect(histogram.count == 20_000)
        #expect(histogram.meanNanoseconds == values.reduce(0, +) / 20_000)
    }

    @Test func `a percentile never exceeds the recorded maximum`() {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: 1_000_001)
        #expect(histogram.percentile(50) <= 1_000_001)
        #expect(histogram.percentile(100) <= histogram.maxNanoseconds)
    }

    @Test func `an empty histogram has percentiles and a mean of zero`() {
        let histogram = LatencyHistogram()
        #expect(histogram.percentile(99) == 0)
        #expect(histogram.meanNanoseconds == 0)
        #expect(histogram.count == 0)
    }

    @Test(arguments: [-1, 0, 100, 101, Double.nan, Double.infinity, -Double.infinity])
    func `a percentage out of range counts as the nearer end`(percent: Double) {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: 10_000)
        histogram.record(nanoseconds: 20_000)
        let result = histogram.percentile(percent)
        #expect(result == histogram.percentile(0) || result == histogram.percentile(100))
    }

    @Test func `what is longer than the scale is counted and reported as the maximum`() {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: 90_000_000_000, count: 3)
        #expect(histogram.overflowCount == 3)
        #expect(histogram.percentile(50) == 90_000_000_000)
    }

    @Test func `merging adds the counts and keeps the greater maximum`() {
        var one = LatencyHistogram()
        one.record(nanoseconds: 5_000, count: 2)
        var other = LatencyHistogram()
        other.record(nanoseconds: 5_000)
        other.record(nanoseconds: 9_000_000)
        one.merge(other)
        #expect(one.count == 4)
        #expect(one.maxNanoseconds == 9_000_000)
        #expect(one.sumNanoseconds == 9_015_000)
    }

    @Test func `the difference of two histograms is what came between`() {
        var earlier = LatencyHistogram()
        earlier.record(nanoseconds: 5_000, count: 10)
        var later = earlier
        later.record(nanoseconds: 700_000, count: 4)
        var between = LatencyHistogram()
        between.record(nanoseconds: 700_000, count: 4)
        #expect(later.minus(earlier) == between)
        #expect(earlier.minus(later).count == 0)
    }

    @Test func `counts at the limit stay there`() {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: .max, count: .max)
        histogram.record(nanoseconds: 1, count: .max)
        histogram.merge(histogram)
        #expect(histogram.count == .max)
        #expect(histogram.sumNanoseconds == .max)
        #expect(histogram.percentile(99) > 0)
    }

    @Test func `a bucket that does not exist is left alone`() {
        var histogram = LatencyHistogram()
        histogram.setBucket(-1, to: 1)
        histogram.setBucket(LatencyHistogram.bucketCount, to: 1)
        #expect(histogram.count == 0)
    }

    @Test func `cumulative counts follow the bounds`() {
        var histogram = LatencyHistogram()
        histogram.record(nanoseconds: 50_000, count: 5)
        histogram.record(nanoseconds: 2_000_000, count: 3)
        histogram.record(nanoseconds: 100_000_000_000, count: 2)
        let bounds: [UInt64] = [10_000, 100_000, 5_000_000, .max]
        #expect(histogram.cumulativeCounts(upTo: bounds) == [0, 5, 8, 8])
        #expect(histogram.count == 10)
    }
}
