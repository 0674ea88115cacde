// Figures in memory that another process has written over: what the worker adds from there on still counts. Used by the master.
// Process: any · Thread: loop

extension FigureSnapshot {
    /// What is too much in this reading, where only `counts` counts. The worker's additions wrap, and so do these subtractions.
    package func baseLine(for counts: FigureSnapshot) -> FigureSnapshot {
        var base = FigureSnapshot()
        for counter in Counter.allCases where counter.kind == .cumulative { base[counter] = self[counter] &- counts[counter] }
        for bucket in 0..<LatencyHistogram.bucketCount {
            base.histogram.setBucket(bucket, to: histogram.buckets[bucket] &- counts.histogram.buckets[bucket])
        }
        // A maximum is overwritten by a greater one only.
        base[.latencyMaxNanoseconds] = self[.latencyMaxNanoseconds]
        return base
    }

    /// A reading without what is too much in it. Gauges and instants are the worker's own again as soon as it has set them, and until then
    /// zero where they can't be true; so is the maximum while it is the base line's.
    package func counted(from base: FigureSnapshot) -> FigureSnapshot {
        var counted = self
        for counter in Counter.allCases where counter.kind == .cumulative { counted[counter] = self[counter] &- base[counter] }
        for bucket in 0..<LatencyHistogram.bucketCount {
            counted.histogram.setBucket(bucket, to: histogram.buckets[bucket] &- base.histogram.buckets[bucket])
        }
        if self[.latencyMaxNanoseconds] <= base[.latencyMaxNanoseconds] { counted[.latencyMaxNanoseconds] = 0 }
        for gauge in [Counter.connectionsOpen, .residentBytes] where !counted.hasPlausible(gauge) { counted[gauge] = 0 }
        return counted
    }
}
