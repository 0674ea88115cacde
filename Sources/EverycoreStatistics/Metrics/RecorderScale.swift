// Which bucket a recorder's value falls into. Recorders take any unit, so the scale is wide: 16 equal buckets in each power of two from 2^-14
// (0.00006) to 2^40 (10^12), one below for what is smaller, zero and negative included, and the last one for all that is greater too.
// As many buckets as `HistogramScale`, so that both kinds have the same place in the shared page.
// Process: any · Thread: any

package enum RecorderScale {
    package static let bucketCount = HistogramScale.bucketCount
    private static let firstExponent = -14
    private static let octaves = 54

    package static func bucket(of value: Double) -> Int {
        // Also what is no number.
        guard value >= 0x1p-14 else { return 0 }
        guard value < 0x1p40 else { return bucketCount - 1 }
        let bits = value.bitPattern
        let exponent = Int(truncatingIfNeeded: bits &>> 52) &- 1023
        let within = Int(truncatingIfNeeded: bits &>> 48) & 15
        return (exponent &- firstExponent) &* 16 &+ within &+ 1
    }

    /// The lowest value that falls into a bucket.
    package static func lowerEdge(of bucket: Int) -> Double {
        guard bucket > 0 else { return 0 }
        let step = min(bucket, bucketCount) - 1
        return Double(sign: .plus, exponent: firstExponent + step / 16, significand: 1 + Double(step % 16) / 16)
    }

    /// What a bucket's values are reported as.
    package static func midpoint(of bucket: Int) -> Double {
        bucket <= 0 ? 0 : (lowerEdge(of: bucket) + lowerEdge(of: bucket + 1)) / 2
    }
}
