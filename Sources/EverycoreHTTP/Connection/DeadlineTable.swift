// When each connection of a worker runs out of time: a timing wheel whose entries are moved lazily. A request sets its deadline with a
// store and a comparison. A connection is filed where its earliest deadline since then is due, and looked at when that time has come:
// once for each timeout that could have passed, however many there are. A value; no I/O.
// Process: worker · Thread: loop

/// Deadlines by connection slot, in monotonic nanoseconds; `never` where none runs.
package struct DeadlineTable {
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
    private var entries: ContiguousArray<Entry> = []
    private var free: ContiguousArray<Int32> = []
    private var wheel = ContiguousArray(repeating: Entry.none, count: Int(places))
    /// What was due up to here has been looked at.
    private var lastTick: UInt64 = 0
    /// How many entries were looked at in all.
    package private(set) var looks = 0

    /// - Parameter interval: how often `expired` will be asked, in nanoseconds.
    package init(interval: UInt64) {
        shift = UInt64(UInt64.bitWidth - 1 - max(interval, 1).leadingZeroBitCount)
    }

    /// Takes a free slot.
    package mutating func allocate() -> Int {
        if let slot = free.popLast() { return Int(slot) }
        entries.append(Entry())
        return entries.count - 1
    }

    package mutating func release(_ slot: Int) {
        unfile(slot)
        entries[slot].deadline = Self.never
        free.append(Int32(truncatingIfNeeded: slot))
    }

    package subscript(slot: Int) -> UInt64 {
        @inline(__always) get { entries[slot].deadline }
        @inline(__always) set {
            entries[slot].deadline = newValue
            // One that is due later is found when its place is looked at.
            if newValue &>> shift < entries[slot].tick, newValue != Self.never { file(slot) }
        }
    }

    /// The slots whose deadline isn't after `now`. A deadline is found within two ticks.
    package mutating func expired(at now: UInt64) -> [Int] {
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
                next = entries[slot].after
                entries[slot].tick = Entry.unfiled
                looks &+= 1
                let deadline = entries[slot].deadline
                if deadline <= now { slots.append(slot) } else if deadline != Self.never { file(slot) }
            }
        }
        return slots
    }

    @inline(never)
    private mutating func file(_ slot: Int) {
        unfile(slot)
        let tick = min(max(entries[slot].deadline &>> shift, lastTick &+ 1), lastTick &+ Self.places &- 1)
        let place = Int(tick & (Self.places &- 1))
        let first = wheel[place]
        entries[slot].tick = tick
        entries[slot].before = Entry.none
        entries[slot].after = first
        if first >= 0 { entries[Int(first)].before = Int32(truncatingIfNeeded: slot) }
        wheel[place] = Int32(truncatingIfNeeded: slot)
    }

    private mutating func unfile(_ slot: Int) {
        let entry = entries[slot]
        guard entry.tick != Entry.unfiled else { return }
        if entry.before >= 0 {
            entries[Int(entry.before)].after = entry.after
        } else {
            wheel[Int(entry.tick & (Self.places &- 1))] = entry.after
        }
        if entry.after >= 0 { entries[Int(entry.after)].before = entry.before }
        entries[slot].tick = Entry.unfiled
    }
}
