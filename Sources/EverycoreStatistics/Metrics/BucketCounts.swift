// A histogram's counts without the empty buckets: what the master keeps and sends of timers and recorders. Counts only grow; additions stop
// at the greatest number.
// Process: master, admin · Thread: loop

package struct BucketCounts: Equatable, Sendable {
    package struct Entry: Equatable, Sendable {
        package let bucket: UInt16
        package var count: UInt64

        package init(_ bucket: UInt16, _ count: UInt64) {
            self.bucket = bucket
            self.count = count
        }
    }

    /// In ascending order of the bucket; no count is zero.
    package private(set) var entries: [Entry] = []

    package init() {}

    /// Nil when they are not in order, or a bucket or a count is impossible.
    package init?(_ entries: [Entry]) {
        var last = -1
        for entry in entries {
            guard Int(entry.bucket) > last, Int(entry.bucket) < HistogramScale.bucketCount, entry.count > 0 else { return nil }
            last = Int(entry.bucket)
        }
        self.entries = entries
    }

    /// The words of a histogram in shared memory, which may change meanwhile.
    package init(reading word: (Int) -> UInt64) {
        for bucket in 0..<HistogramScale.bucketCount {
            let count = word(bucket)
            if count != 0 { entries.append(Entry(UInt16(truncatingIfNeeded: bucket), count)) }
        }
    }

    package var count: UInt64 { entries.reduce(0) { $0.addingUpToLimit($1.count) } }

    package mutating func merge(_ other: BucketCounts) { join(other) { $0.addingUpToLimit($1) } }

    /// Takes the greater of both counts of each bucket.
    package mutating func raise(to other: BucketCounts) { join(other) { max($0, $1) } }

    package func minus(_ earlier: BucketCounts) -> BucketCounts {
        var difference = BucketCounts()
        var index = 0
        for entry in entries {
            while index < earlier.entries.count, earlier.entries[index].bucket < entry.bucket { index += 1 }
            let before = index < earlier.entries.count && earlier.entries[index].bucket == entry.bucket ? earlier.entries[index].count : 0
            let added = entry.count.subtractingDownToZero(before)
            if added > 0 { difference.entries.append(Entry(entry.bucket, added)) }
        }
        return difference
    }

    private mutating func join(_ other: BucketCounts, _ combine: (UInt64, UInt64) -> UInt64) {
        guard !other.entries.isEmpty else { return }
        guard !entries.isEmpty else { return entries = other.entries }
        var joined: [Entry] = []
        joined.reserveCapacity(max(entries.count, other.entries.count))
        var (mine, theirs) = (entries[...], other.entries[...])
        while let a = mine.first, let b = theirs.first {
            if a.bucket == b.bucket {
                joined.append(Entry(a.bucket, combine(a.count, b.count)))
                (mine, theirs) = (mine.dropFirst(), theirs.dropFirst())
            } else if a.bucket < b.bucket {
                joined.append(a)
                mine = mine.dropFirst()
            } else {
                joined.append(b)
                theirs = theirs.dropFirst()
            }
        }
        entries = joined + mine + theirs
    }

    /// How many values were at most each of `bounds`, which are in ascending order, a bucket counting with its midpoint.
    package func cumulativeCounts<Bound: Comparable>(upTo bounds: [Bound], midpoint: (Int) -> Bound) -> [UInt64] {
        var seen: UInt64 = 0
        var index = 0
        return bounds.map { bound in
            while index < entries.count, midpoint(Int(entries[index].bucket)) <= bound {
                seen = seen.addingUpToLimit(entries[index].count)
                index += 1
            }
            return seen
        }
    }

    /// The bucket in which the value lies that `percent` of all don't exceed; nil where there is none.
    package func bucket(atPercent percent: Double) -> Int? {
        let total = count
        guard total > 0 else { return nil }
        let exact = (min(max(percent, 0), 100) / 100 * Double(total)).rounded(.up)
        let rank = min(max(UInt64(exactly: exact) ?? total, 1), total)
        var seen: UInt64 = 0
        for entry in entries {
            seen = seen.addingUpToLimit(entry.count)
            if seen >= rank { return Int(entry.bucket) }
        }
        return nil
    }
}
