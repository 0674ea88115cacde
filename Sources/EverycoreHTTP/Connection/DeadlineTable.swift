// When each connection of a worker runs out of time. One word a connection in one block, so that a request sets its deadline
// with a plain store and a sweep over ten thousand idle connections reads 80 KB in order. Owned by the service.
// Process: worker · Thread: loop

/// Deadlines by connection slot, in monotonic nanoseconds; `never` where none runs.
struct DeadlineTable {
    static var never: UInt64 { .max }

    private var deadlines: ContiguousArray<UInt64> = []
    private var free: ContiguousArray<Int32> = []

    /// Takes the lowest-cost free slot.
    mutating func allocate() -> Int {
        if let slot = free.popLast() { return Int(slot) }
        deadlines.append(Self.never)
        return deadlines.count - 1
    }

    mutating func release(_ slot: Int) {
        deadlines[slot] = Self.never
        free.append(Int32(truncatingIfNeeded: slot))
    }

    subscript(slot: Int) -> UInt64 {
        @inline(__always) get { deadlines[slot] }
        @inline(__always) set { deadlines[slot] = newValue }
    }

    /// The slots whose deadline isn't after `now`.
    func expired(at now: UInt64) -> [Int] {
        var slots: [Int] = []
        for slot in deadlines.indices where deadlines[slot] <= now { slots.append(slot) }
        return slots
    }
}
