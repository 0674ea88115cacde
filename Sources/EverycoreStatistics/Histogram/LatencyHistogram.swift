// How long requests took, as counts on `HistogramScale`, with their exact sum and maximum.
// A value: the master merges the workers', and subtracts an earlier one from a later one to look at an interval.
// Percentiles of many workers come from the merged counts; an average of percentiles means nothing.
// Additions stop at the greatest number instead of wrapping: a worker may have scribbled over what is read here.
// Process: any · Thread: loop

package struct LatencyHistogram: Equatable, Sendable {
    package static let bucketCount = HistogramScale.bucketCount

    /// One count for each bucket of `HistogramScale`.
    package private(set) var buckets = [UInt64](repeating: 0, count: HistogramScale.bucketCount)
    package var sumNanoseconds: UInt64 = 0
    package var maxNanoseconds: UInt64 = 0

    package init() {}

    /// How many values are in it.
    package var count: UInt64 {
        buckets.reduce(0) { $0.addingUpToLimit($1) }
    }

    /// How many values were too long to be told apart (68.7 s and more).
    package var overflowCount: UInt64 { buckets[HistogramScale.overflowBucket] }

    package var meanNanoseconds: UInt64 {
        let count = count
        return count == 0 ? 0 : sumNanoseconds / count
    }

    package mutating func record(nanoseconds: UInt64, count: UInt64 = 1) {
        let bucket = HistogramScale.bucket(of: nanoseconds)
        buckets[bucket] = buckets[bucket].addingUpToLimit(count)
        let (total, overflow) = nanoseconds.multipliedReportingOverflow(by: count)
        sumNanoseconds = sumNanoseconds.addingUpToLimit(overflow ? .max : total)
        maxNanoseconds = max(maxNanoseconds, nanoseconds)
    }

    /// Replaces one bucket's count; a number that is no bucket's changes nothing.
    package mutating func setBucket(_ bucket: Int, to count: UInt64) {
        guard buckets.indices.contains(bucket) else { return }
        buckets[bucket] = count
    }

    /// The value, in nanoseconds, that `percent` of all values do not exceed: the midpoint of its bucket, and never more than the
    /// recorded maximum. Zero when nothing was recorded.
    /// - Parameter percent: 0…100; what is outside counts as the nearer end.
    package func percentile(_ percent: Double) -> UInt64 {
        let count = count
        guard count > 0 else { return 0 }
        let rank = Self.rank(of: percent, among: count)
        var seen: UInt64 = 0
        for (bucket, inBucket) in buckets.enumerated() {
            seen = seen.addingUpToLimit(inBucket)
            guard seen >= rank else { continue }
            if bucket == HistogramScale.overflowBucket { return max(maxNanoseconds, HistogramScale.overflowEdge) }
            return min(HistogramScale.midpoint(of: bucket), maxNanoseconds)
        }
        return maxNanoseconds
    }

    /// How many values were at most each of `bounds`, a bucket counting with its midpoint.
    /// - Parameter bounds: nanoseconds, in ascending order.
    package func cumulativeCounts(upTo bounds: [UInt64]) -> [UInt64] {
        var counts: [UInt64] = []
        counts.reserveCapacity(bounds.count)
        var seen: UInt64 = 0
        var bucket = 0
        for bound in bounds {
            while bucket < HistogramScale.overflowBucket, HistogramScale.midpoint(of: bucket) <= bound {
                seen = seen.addingUpToLimit(buckets[bucket])
                bucket += 1
            }
            counts.append(seen)
        }
        return counts
    }

    package mutating func merge(_ other: LatencyHistogram) {
        for bucket in buckets.indices where other.buckets[bucket] != 0 {
            buckets[bucket] = buckets[bucket].addingUpToLimit(other.buckets[bucket])
        }
        sumNanoseconds = sumNanoseconds.addingUpToLimit(other.sumNanoseconds)
        maxNanoseconds = max(maxNanoseconds, other.maxNanoseconds)
    }

    /// What came after `earlier`. The maximum of the time between is not known and stays that of the whole.
    package func minus(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var difference = self
        for bucket in buckets.indices where earlier.buckets[bucket] != 0 {
            difference.buckets[bucket] = buckets[bucket].subtractingDownToZero(earlier.buckets[bucket])
        }
        difference.sumNanoseconds = sumNanoseconds.subtractingDownToZero(earlier.sumNanoseconds)
        return difference
    }

    /// How many values came after `earlier`.
    package func growth(since earlier: LatencyHistogram) -> UInt64 {
        var count: UInt64 = 0
        for bucket in buckets.indices where buckets[bucket] > earlier.buckets[bucket] {
            count = count.addingUpToLimit(buckets[bucket] - earlier.buckets[bucket])
        }
        return count
    }

    /// Takes from each figure the greater of its own and the other's.
    package mutating func raise(to other: LatencyHistogram) {
        for bucket in buckets.indices where other.buckets[bucket] > buckets[bucket] {
            buckets[bucket] = other.buckets[bucket]
        }
        sumNanoseconds = max(sumNanoseconds, other.sumNanoseconds)
        maxNanoseconds = max(maxNanoseconds, other.maxNanoseconds)
    }

    /// Whether any figure is lower than it was in `earlier`.
    package func fellBehind(_ earlier: LatencyHistogram) -> Bool {
        sumNanoseconds < earlier.sumNanoseconds || maxNanoseconds < earlier.maxNanoseconds
            || buckets.indices.contains { buckets[$0] < earlier.buckets[$0] }
    }

    /// The nearest-rank position, 1…count.
    private static func rank(of percent: Double, among count: UInt64) -> UInt64 {
        guard percent > 0 else { return 1 }
        guard percent < 100 else { return count }
        let exact = (percent / 100 * Double(count)).rounded(.up)
        return min(max(UInt64(exactly: exact) ?? count, 1), count)
    }
}
