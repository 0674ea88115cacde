// When each connection of a worker runs out of time. One word a connection in one block, so that a request sets its deadline
// with a plain store and a sweep over ten thousand idle connections reads 80 KB in order. Owned by the service.

/// Deadlines by connection slot, in monotonic nanoseconds; `never` where none runs.
final class DeadlineTable {
    static let never = UInt64.max

    // Touched once a request, for the length of a load or a store: a run-time check of exclusive access would find nothing.
    @exclusivity(unchecked) private var deadlines: ContiguousArray<UInt64> = []
    private var free: ContiguousArray<Int32> = []

    /// Takes the lowest-cost free slot.
    func allocate() -> Int {
        if let slot = free.popLast() { return Int(slot) }
        unsafe deadlines.append(Self.never)
        return unsafe deadlines.count - 1
    }

    func release(_ slot: Int) {
        unsafe deadlines[slot] = Self.never
        free.append(Int32(truncatingIfNeeded: slot))
    }

    subscript(slot: Int) -> UInt64 {
        get { unsafe deadlines[slot] }
        set { unsafe deadlines[slot] = newValue }
    }

    /// The slots whose deadline isn't after `now`.
    func expired(at now: UInt64) -> [Int] {
        var slots: [Int] = []
        for slot in unsafe deadlines.indices where unsafe deadlines[slot] <= now { slots.append(slot) }
        return slots
    }
}
