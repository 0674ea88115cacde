// One worker's figures: a view of 64-bit words in memory that is shared with the master.
// The worker is the only writer and has one thread, so plain loads and stores do; the master may read at any moment, and
// an aligned 64-bit word is never seen half written (Intel SDM vol. 3 §9.1.1, Arm ARM B2.2.1). Several words read together
// may be from different moments; the ledger allows for that.
// Its functions are inlined into other modules, which takes `@usableFromInline` on every type they touch: without it the
// compiler drops `@inlinable` from a package type's members and says nothing.
// Layout: one word for each `Counter` in the order of its raw values, then one for each histogram bucket.
// Process: any · Thread: loop

/// A view: copying it copies the pointer, not the figures.
@safe
@usableFromInline package struct WorkerFigures {
    @usableFromInline let words: UnsafeMutablePointer<UInt64>

    /// How much memory a worker's figures take.
    package static let byteCount = (Counter.count + LatencyHistogram.bucketCount) * MemoryLayout<UInt64>.size

    /// - Parameter memory: at least `byteCount` bytes, aligned to 8, zeroed, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        let count = Counter.count + LatencyHistogram.bucketCount
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: count)
    }

    @inlinable
    package subscript(counter: Counter) -> UInt64 {
        unsafe words[counter.rawValue]
    }

    @inlinable
    package func add(_ counter: Counter, _ amount: UInt64) {
        unsafe words[counter.rawValue] &+= amount
    }

    /// Takes from a gauge, down to zero and no further.
    @inlinable
    package func subtract(_ counter: Counter, _ amount: UInt64) {
        let value = unsafe words[counter.rawValue]
        unsafe words[counter.rawValue] = value < amount ? 0 : value &- amount
    }

    @inlinable
    package func set(_ counter: Counter, _ value: UInt64) {
        unsafe words[counter.rawValue] = value
    }

    /// Counts `count` final responses, and with each the request it answers. A status outside 100…599 counts as 5xx.
    @inlinable
    package func recordResponse(status: Int, count: UInt64 = 1) {
        let hundreds = UInt(bitPattern: status &- 100) / 100
        let statusClass = hundreds > 4 ? 4 : Int(bitPattern: hundreds)
        unsafe words[Counter.requests.rawValue] &+= count
        unsafe words[Counter.responses1xx.rawValue &+ statusClass] &+= count
    }

    /// Counts an interim response (RFC 9110 §15.2): it belongs to its class, but its request is answered by the final one.
    @inlinable
    package func recordInterimResponse() {
        unsafe words[Counter.responses1xx.rawValue] &+= 1
    }

    /// Counts `count` requests that took `nanoseconds` each.
    @inlinable
    package func recordLatency(nanoseconds: UInt64, count: UInt64 = 1) {
        unsafe words[Counter.latencySumNanoseconds.rawValue] &+= nanoseconds &* count
        if unsafe nanoseconds > words[Counter.latencyMaxNanoseconds.rawValue] {
            unsafe words[Counter.latencyMaxNanoseconds.rawValue] = nanoseconds
        }
        let bucket = HistogramScale.bucket(of: nanoseconds)
        unsafe words[HistogramScale.firstWord &+ bucket] &+= count
    }

    /// Copies the figures as they stand. Any process that maps the memory may call this.
    package func snapshot() -> FigureSnapshot {
        var snapshot = FigureSnapshot()
        for counter in Counter.allCases {
            snapshot[counter] = self[counter]
        }
        for bucket in 0..<LatencyHistogram.bucketCount {
            unsafe snapshot.histogram.setBucket(bucket, to: words[HistogramScale.firstWord + bucket])
        }
        return snapshot
    }
}
