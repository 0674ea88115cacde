// When each connection of a worker runs out of time: a timing wheel whose entries are moved lazily. A request sets its deadline with a
// store and a comparison. A connection is filed where its earliest deadline since then is due, and looked at when that time has come:
// once for each timeout that could have passed, however many there are. No I/O. Touches raw memory.
// Process: worker · Thread: loop

/// Deadlines by connection slot, in monotonic nanoseconds; `never` where none runs.
@safe package final class DeadlineTable {
    package static var never: UInt64 { .max }

    private struct Entry {
        var deadline = never
        /// The tick at which it is looked at; `unfiled` where it isn't.
        var tick = unfiled
        var before = none
        var after = none
        static var unfiled: UInt64 { .max }
        static var none: Int32 { -1 }
    }

    private static var places: UInt64 { 64 }
    /// A tick is so many bits of a nanosecond's count.
    private let shift: UInt64
    // Touched with each request, for the length of a load or a store.
    @exclusivity(unchecked) private var entries: UnsafeMutablePointer<Entry>
    private var capacity = 64
    private var count = 0
    private var free: ContiguousArray<Int32> = []
    private var wheel = ContiguousArray(repeating: Entry.none, count: Int(places))
    /// What was due up to here has been looked at.
    private var lastTick: UInt64 = 0
    /// How many entries were looked at in all.
    package private(set) var looks = 0

    /// - Parameter interval: how often `expired` will be asked, in nanoseconds.
    package init(interval: UInt64) {
        shift = UInt64(UInt64.bitWidth - 1 - max(interval, 1).leadingZeroBitCount)
        unsafe entries = .allocate(capacity: 64)
    }

    deinit { unsafe entries.deallocate() }

    /// Takes a free slot.
    package func allocate() -> Int {
        if let slot = free.popLast() { return Int(slot) }
        if count == capacity { grow() }
        unsafe (entries + count).initialize(to: Entry())
        count &+= 1
        return count &- 1
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Entry>.allocate(capacity: capacity &* 2)
        unsafe larger.moveInitialize(from: entries, count: count)
        unsafe entries.deallocate()
        unsafe entries = larger
        capacity &*= 2
    }

    package func release(_ slot: Int) {
        unfile(slot)
        unsafe entry(slot).pointee.deadline = Self.never
        free.append(Int32(truncatingIfNeeded: slot))
    }

    /// - Parameter slot: one that was taken.
    @inline(__always)
    private func entry(_ slot: Int) -> UnsafeMutablePointer<Entry> {
        assert(slot >= 0 && slot < count)
        return unsafe entries + slot
    }

    package subscript(slot: Int) -> UInt64 {
        @inline(__always) get { unsafe entry(slot).pointee.deadline }
        @inline(__always) set {
            let entry = unsafe entry(slot)
            unsafe entry.pointee.deadline = newValue
            // One that is due later is found when its place is looked at.
            if unsafe newValue &>> shift < entry.pointee.tick, newValue != Self.never { file(slot) }
        }
    }

    /// The slots whose deadline isn't after `now`. A deadline is found within two ticks.
    package func expired(at now: UInt64) -> [Int] {
        let tick = now &>> shift
        guard tick > lastTick else { return [] }
        var slots: [Int] = []
        var due = max(lastTick &+ 1, tick &- min(tick, Self.places &- 1))
        lastTick = tick
        while due <= tick {
            let place = Int(due & (Self.places &- 1))
            due &+= 1
            var next = wheel[place]
            wheel[place] = Entry.none
            while next >= 0 {
                let slot = Int(next)
                let entry = unsafe entry(slot)
                next = unsafe entry.pointee.after
                unsafe entry.pointee.tick = Entry.unfiled
                looks &+= 1
                let deadline = unsafe entry.pointee.deadline
                if deadline <= now { slots.append(slot) } else if deadline != Self.never { file(slot) }
            }
        }
        return slots
    }

    @inline(never)
    private func file(_ slot: Int) {
        unfile(slot)
        let entry = unsafe entry(slot)
        let tick = unsafe min(max(entry.pointee.deadline &>> shift, lastTick &+ 1), lastTick &+ Self.places &- 1)
        let place = Int(tick & (Self.places &- 1))
        let first = wheel[place]
        unsafe entry.pointee.tick = tick
        unsafe entry.pointee.before = Entry.none
        unsafe entry.pointee.after = first
        if first >= 0 { unsafe self.entry(Int(first)).pointee.before = Int32(truncatingIfNeeded: slot) }
        wheel[place] = Int32(truncatingIfNeeded: slot)
    }

    private func unfile(_ slot: Int) {
        let entry = unsafe entry(slot).pointee
        guard entry.tick != Entry.unfiled else { return }
        if entry.before >= 0 {
            unsafe self.entry(Int(entry.before)).pointee.after = entry.after
        } else {
            wheel[Int(entry.tick & (Self.places &- 1))] = entry.after
        }
        if entry.after >= 0 { unsafe self.entry(Int(entry.after)).pointee.before = entry.before }
        unsafe self.entry(slot).pointee.tick = Entry.unfiled
    }
}
