// What is quarantined, where every worker can see it: shared memory that the master writes and workers can only read.
//
//   word 0   how many entries follow: 0 where nothing is quarantined
//   word 1   how many requests the quarantine worker may have in hand at a time, never 0; in the upper half 1 where there is no such worker
//   then     pairs of words: the endpoint's number; the hash of a path, or 0 for every path
//
// A worker may see an entry half written. It then moves one request that it could have served, or serves one itself.

/// A view: copying it copies the pointer.
@safe
@usableFromInline package struct QuarantineList {
    @usableFromInline let words: UnsafeMutablePointer<UInt64>

    /// Connections at a time: clients that send their content slowly hold up nothing else.
    package static let usualLimit = 64
    package static let capacity = Suspicion.capacity + Suspicion.holdingCapacity
    package static let byteCount = (2 + 2 * capacity) * 8

    /// - Parameter memory: `byteCount` bytes, aligned to 8, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.byteCount / 8)
    }

    // MARK: The master

    /// - Parameters:
    ///   - atOnce: how many requests the quarantine worker may have in hand at a time.
    ///   - isDown: no quarantine worker can be started.
    package func publish(_ subjects: some Collection<Suspicion.Subject>, atOnce: Int = Self.usualLimit, isDown: Bool = false) {
        unsafe words[1] = UInt64(UInt32(clamping: max(atOnce, 1))) | (isDown ? 1 << 32 : 0)
        // Nothing is moved while the entries change places.
        unsafe words[0] = 0
        var count = 0
        for subject in subjects.prefix(Self.capacity) {
            unsafe words[2 + 2 * count] = 0
            unsafe words[3 + 2 * count] = subject.path ?? 0
            unsafe words[2 + 2 * count] = subject.endpoint
            count += 1
        }
        unsafe words[0] = UInt64(count)
    }

    // MARK: The workers

    /// How many requests the quarantine worker may have in hand.
    package var limit: Int { min(max(unsafe Int(UInt32(truncatingIfNeeded: words[1])), 1), Self.usualLimit) }

    /// Whether no worker is there to serve what is quarantined.
    package var isDown: Bool { unsafe words[1] >> 32 != 0 }

    @inlinable package var isEmpty: Bool { unsafe words[0] == 0 }

    /// - Parameter path: as the request spells it.
    package func contains(endpoint: UInt64, path: RawSpan) -> Bool {
        var hash: UInt64?
        for index in 0..<min(unsafe Int(clamping: words[0]), Self.capacity) {
            guard unsafe words[2 + 2 * index] == endpoint else { continue }
            let wanted = unsafe words[3 + 2 * index]
            if wanted == 0 { return true }
            if hash == nil { hash = PathHash.of(path) }
            if hash == wanted { return true }
        }
        return false
    }
}
