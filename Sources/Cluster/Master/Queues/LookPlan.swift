// Which workers the queue watch looks at, and when. A pure value: one entry for each slot, so that a look costs only for those that are due.
// Process: master · Thread: loop
//
// A worker for which connections wait, or whose loop is in doubt, is looked at each time. Of the others each look takes every tenth, in turn:
// what matters of those is that a request holds the loop for a quarter of a second or more.

/// All times are monotonic nanoseconds.
package struct LookPlan: Equatable {
    private struct Entry: Equatable {
        var lastLook: UInt64 = 0
        /// The last look at which connections waited for it.
        var awaitedAt: UInt32 = 0
        var isRestless = false
    }

    /// A worker that is well has so many looks from one to the next.
    package static let round: UInt32 = 10

    private var entries: [Entry]
    private var look: UInt32 = 0
    /// Connections wait in a queue that all workers share.
    private var areAllAwaited = false

    package init(slots: Int) { entries = Array(repeating: Entry(), count: slots) }

    package mutating func beginLook() {
        // 0 stands for never.
        look = look == .max ? 1 : look + 1
        areAllAwaited = false
    }

    /// Connections wait for the slot's worker; nil for those that any worker may take.
    package mutating func noteWaiting(for slot: Int?) {
        guard let slot else { return areAllAwaited = true }
        if entries.indices.contains(slot) { entries[slot].awaitedAt = look }
    }

    package func isAwaited(_ slot: Int) -> Bool { areAllAwaited || entries[slot].awaitedAt == look }

    package func isDue(_ slot: Int) -> Bool {
        entries[slot].isRestless || isAwaited(slot) || (UInt32(truncatingIfNeeded: slot) &+ look) % Self.round == 0
    }

    /// - Returns: the time since the look before; zero at the first.
    package mutating func looked(at slot: Int, now: UInt64) -> UInt64 {
        defer { entries[slot].lastLook = now }
        return entries[slot].lastLook == 0 ? 0 : now &- min(entries[slot].lastLook, now)
    }

    /// - Parameter isRestless: whether the slot's worker is to be looked at each time.
    package mutating func set(_ slot: Int, isRestless: Bool) { entries[slot].isRestless = isRestless }

    /// Whether any worker is to be looked at each time.
    package var hasRestless: Bool { entries.contains { $0.isRestless } }

    /// The slot has another worker.
    package mutating func begin(_ slot: Int) { entries[slot] = Entry() }
}
