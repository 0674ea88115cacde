// What clients make a worker hold in memory: content that hasn't come whole, and answers that aren't taken. Together it has a bound;
// beyond it the slowest clients are given up. No I/O.
// Process: worker · Thread: loop

/// The sum over all connections.
final class HeldMemory {
    /// In bytes; 0 sets no bound.
    let limit: Int
    fileprivate(set) var total = 0

    init(limit: UInt64) { self.limit = Int(clamping: limit) }

    var isOver: Bool { limit > 0 && total > limit }
    /// So much is to be freed, so that the bound isn't met again at once.
    var excess: Int { total - limit / 4 * 3 }

    /// One connection's part, which ends with this object.
    final class Part {
        private let memory: HeldMemory
        private(set) var bytes = 0

        init(of memory: HeldMemory) { self.memory = memory }
        deinit { memory.total &-= bytes }

        func set(_ bytes: Int) {
            memory.total &+= bytes &- self.bytes
            self.bytes = bytes
        }
    }
}

/// What one connection holds, and how fast it has moved while it did.
package struct Holding: Equatable {
    package let bytes: Int
    package let moved: UInt64
    package let nanoseconds: UInt64

    package init(bytes: Int, moved: UInt64, nanoseconds: UInt64) {
        self.bytes = bytes
        self.moved = moved
        self.nanoseconds = nanoseconds
    }

    private static let grace: UInt64 = 1_000_000_000
    private static let fastRate = 1_048_576.0

    private var rate: Double { Double(moved) * 1e9 / Double(max(nanoseconds, 1)) }
    /// What is young, or moves a MiB a second, is soon over.
    private var isSpared: Bool { nanoseconds < Self.grace || rate >= Self.fastRate }

    /// The slots of those to close, the slowest first, until `excess` bytes are freed.
    package static func slowest(of holdings: [(slot: Int, holding: Holding)], excess: Int) -> [Int] {
        var left = excess
        var slots: [Int] = []
        for (slot, holding) in holdings.filter({ !$0.holding.isSpared }).sorted(by: { $0.holding.rate < $1.holding.rate }) {
            guard left > 0 else { break }
            left -= holding.bytes
            slots.append(slot)
        }
        return slots
    }
}

extension HTTPService {
    /// Runs at a sweep: the connections are looked at only when they hold too much together.
    func relieve(_ now: UInt64) {
        guard held.isOver else { return }
        let holdings = connections.indices.compactMap { slot in connections[slot]?.holding(at: now).map { (slot: slot, holding: $0) } }
        for slot in Holding.slowest(of: holdings, excess: held.excess) { connections[slot]?.giveUp(now) }
    }
}
