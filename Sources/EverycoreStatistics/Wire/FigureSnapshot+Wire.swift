// A snapshot on the wire, the same in a worker's report and in what the master sends to the admin worker.
// All numbers little-endian:
//     offset 0        UInt64 × Counter.count    the counters, in the order of their raw values
//     then            (UInt16, UInt64) × n      the histogram's buckets that are not empty: bucket and count, ascending
// `n` is in the header that precedes a snapshot.
// Process: any · Thread: loop

extension FigureSnapshot {
    package static let countersByteCount = Counter.count * 8
    package static let bucketEntryByteCount = 10

    /// The most that a snapshot takes on the wire.
    package static let maximumWireByteCount =
        countersByteCount + LatencyHistogram.bucketCount * bucketEntryByteCount

    /// Appends the snapshot.
    /// - Returns: how many bucket entries were written, for the header.
    package func write(to writer: inout ByteWriter) -> UInt16 {
        for counter in Counter.allCases {
            writer.append(self[counter])
        }
        var entries: UInt16 = 0
        for (bucket, count) in histogram.buckets.enumerated() where count != 0 {
            writer.append(UInt16(truncatingIfNeeded: bucket))
            writer.append(count)
            entries += 1
        }
        return entries
    }

    /// Reads a snapshot at `offset`, which moves on behind it. Nil when the bytes end too early, or when a bucket is unknown, out of
    /// order or empty: there is one way to write a snapshot.
    package init?(reading bytes: RawSpan, at offset: inout Int, bucketEntries: UInt16) {
        self.init()
        for counter in Counter.allCases {
            guard let value = bytes.next(UInt64.self, &offset) else { return nil }
            self[counter] = value
        }
        var previous = -1
        for _ in 0..<bucketEntries {
            guard let number = bytes.next(UInt16.self, &offset), let count = bytes.next(UInt64.self, &offset) else {
                return nil
            }
            let bucket = Int(number)
            guard bucket > previous, bucket < LatencyHistogram.bucketCount, count != 0 else { return nil }
            histogram.setBucket(bucket, to: count)
            previous = bucket
        }
    }
}
