// When to say that lines of standard output were lost: at once, and then every ten seconds at most, with how many. A pure value.
//
// Process: any · Thread: loop

package struct LostLines {
    package static let interval: UInt64 = 10_000_000_000

    private var told: UInt = 0
    private var next: UInt64 = 0

    package init() {}

    /// - Parameter total: lost since the process began.
    /// - Returns: how many to tell of now.
    package mutating func looked(total: UInt, now: UInt64) -> UInt? {
        guard total > told, now >= next else { return nil }
        defer {
            told = total
            next = now &+ Self.interval
        }
        return total - told
    }
}
