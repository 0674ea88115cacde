// Connections by the time at which something began, oldest first, so that the one to evict is found at once. By slot, in two arrays:
// a connection that isn't listed costs eight bytes. A value; no I/O.
// Process: worker · Thread: loop

package struct SlotList {
    private struct Link {
        var before: Int32 = none
        var after: Int32 = none
        static var none: Int32 { -1 }
        static var unlisted: Int32 { -2 }
    }

    private var links: ContiguousArray<Link> = []
    private var oldest: Int32 = Link.none
    private var newest: Int32 = Link.none

    package init() {}

    package var first: Int? { oldest < 0 ? nil : Int(oldest) }

    /// All of them, oldest first.
    package var slots: [Int] {
        var slots: [Int] = []
        var next = oldest
        while next >= 0 {
            slots.append(Int(next))
            next = links[Int(next)].after
        }
        return slots
    }

    /// Lists a slot as the newest, wherever it was.
    package mutating func append(_ slot: Int) {
        let place = Int32(truncatingIfNeeded: slot)
        guard place != newest, slot >= 0, slot < Int(Int32.max) else { return }
        while links.count <= slot { links.append(Link(before: Link.unlisted)) }
        remove(slot)
        links[slot] = Link(before: newest, after: Link.none)
        if newest >= 0 { links[Int(newest)].after = place } else { oldest = place }
        newest = place
    }

    package mutating func remove(_ slot: Int) {
        guard slot >= 0, slot < links.count, links[slot].before != Link.unlisted else { return }
        let link = links[slot]
        if link.before >= 0 { links[Int(link.before)].after = link.after } else { oldest = link.after }
        if link.after >= 0 { links[Int(link.after)].before = link.before } else { newest = link.before }
        links[slot].before = Link.unlisted
    }
}
