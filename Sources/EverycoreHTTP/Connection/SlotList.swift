// Connections by the time at which something began, oldest first, so that the one to evict is found at once. By slot, in an array
// of links: a connection that isn't listed costs eight bytes. No I/O. Touches raw memory.
// Process: worker · Thread: loop

@safe package final class SlotList {
    private struct Link {
        var before: Int32 = unlisted
        var after: Int32 = none
        static var none: Int32 { -1 }
        static var unlisted: Int32 { -2 }
    }

    // Touched with each request, for the length of a load or a store.
    @exclusivity(unchecked) private var links: UnsafeMutablePointer<Link>
    @exclusivity(unchecked) private var capacity = 0
    @exclusivity(unchecked) private var oldest: Int32 = Link.none
    @exclusivity(unchecked) private var newest: Int32 = Link.none

    package init() { unsafe links = .allocate(capacity: 0) }

    deinit { unsafe links.deallocate() }

    package var first: Int? { unsafe oldest < 0 ? nil : Int(oldest) }

    /// All of them, oldest first.
    package var slots: [Int] {
        var slots: [Int] = []
        var next = unsafe oldest
        while next >= 0 {
            slots.append(Int(next))
            next = unsafe links[Int(next)].after
        }
        return slots
    }

    /// Lists a slot as the newest, wherever it was.
    @inline(__always)
    package func append(_ slot: Int) {
        if unsafe slot != Int(newest) { move(slot) }
    }

    private func move(_ slot: Int) {
        guard slot >= 0, slot < Int(Int32.max) else { return }
        if unsafe slot >= capacity { grow(to: slot) }
        unlink(slot)
        let place = Int32(truncatingIfNeeded: slot)
        unsafe links[slot] = Link(before: newest, after: Link.none)
        if unsafe newest >= 0 { unsafe links[Int(newest)].after = place } else { unsafe oldest = place }
        unsafe newest = place
    }

    @inline(never)
    private func grow(to slot: Int) {
        let larger = unsafe max(capacity &* 2, slot &+ 1, 64)
        let memory = UnsafeMutablePointer<Link>.allocate(capacity: larger)
        unsafe memory.moveInitialize(from: links, count: capacity)
        unsafe (memory + capacity).initialize(repeating: Link(), count: larger &- capacity)
        unsafe links.deallocate()
        unsafe links = memory
        unsafe capacity = larger
    }

    package func remove(_ slot: Int) {
        if slot >= 0, unsafe slot < capacity { unlink(slot) }
    }

    @inline(__always)
    private func unlink(_ slot: Int) {
        let link = unsafe links[slot]
        guard link.before != Link.unlisted else { return }
        if link.before >= 0 { unsafe links[Int(link.before)].after = link.after } else { unsafe oldest = link.after }
        if link.after >= 0 { unsafe links[Int(link.after)].before = link.before } else { unsafe newest = link.before }
        unsafe links[slot].before = Link.unlisted
    }
}
