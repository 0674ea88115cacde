// Which bucket a latency falls into, and what a bucket stands for. A log-linear scale, as HdrHistogram's: 32 linear buckets
// of 32 ns below 1024 ns, then 32 equal ones in each power of two up to 2^36 ns (68.7 s), then one for all that is longer.
// A bucket is at most 1/32 of its lower edge wide, so its midpoint is within 1.6 % of every value in it.
// Workers call `bucket(of:)` for each request; the master and the admin worker use the rest.
// Process: any · Thread: loop

@usableFromInline package enum HistogramScale {
    /// The linear part, 26 octaves, and the overflow bucket.
    package static let bucketCount = 32 + 26 * 32 + 1

    /// Of the values that no bucket tells apart any more.
    package static let overflowBucket = bucketCount - 1

    /// The first value, in nanoseconds, that falls into the overflow bucket.
    package static let overflowEdge: UInt64 = 1 << 36

    /// The word of a worker's figures that holds the first bucket.
    @inlinable
    package static var firstWord: Int { Counter.startedAtNanoseconds.rawValue &+ 1 }

    @inlinable
    package static func bucket(of nanoseconds: UInt64) -> Int {
        if nanoseconds < 1024 { return Int(truncatingIfNeeded: nanoseconds &>> 5) }
        if nanoseconds >= 1 << 36 { return 864 }
        let exponent = 63 &- nanoseconds.leadingZeroBitCount
        let within = Int(truncatingIfNeeded: nanoseconds &>> UInt64(truncatingIfNeeded: exponent &- 5)) & 31
        return (exponent &- 9) &* 32 &+ within
    }

    /// The lowest value that falls into a bucket, in nanoseconds.
    package static func lowerEdge(of bucket: Int) -> UInt64 {
        let bucket = min(max(bucket, 0), overflowBucket)
        if bucket < 32 { return UInt64(bucket) * 32 }
        if bucket == overflowBucket { return overflowEdge }
        return UInt64(32 + bucket % 32) << UInt64(bucket / 32 + 4)
    }

    /// What a bucket's values are reported as, in nanoseconds. The overflow bucket knows its lower edge only.
    package static func midpoint(of bucket: Int) -> UInt64 {
        let lower = lowerEdge(of: bucket)
        return bucket >= overflowBucket ? lower : lower + (lowerEdge(of: bucket + 1) - lower) / 2
    }
}
