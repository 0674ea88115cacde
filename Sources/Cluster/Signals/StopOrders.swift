// One order to stop often arrives twice: timeout(1), npm and a container's init send it to the process and to its group, and a terminal
// sends it to all. A pure value: times in, what the order means out.
//
// Process: any · Thread: loop

package struct StopOrders {
    package enum Meaning {
        /// Drain.
        case first
        /// The same order once more: nothing to do.
        case repeated
        /// Another one: leave at once.
        case again
    }

    /// Within this time of the first, an order is the same one.
    package static let window: UInt64 = 500_000_000

    private var first: UInt64?

    package init() {}

    package mutating func received(now: UInt64) -> Meaning {
        guard let first else {
            first = now
            return .first
        }
        return now &- min(first, now) < Self.window ? .repeated : .again
    }
}
