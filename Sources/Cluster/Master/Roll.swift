// A rolling reload: one slot after the other gets a successor. A pure value of the master: events in, actions out.

package struct Roll: Equatable {
    package enum Action: Equatable {
        /// Start a successor in this slot; the old worker goes when it is ready.
        case replace(slot: Int)
        /// Every slot has a new worker.
        case replaced
        /// The new workers don't do: these slots have one and must get an old one again.
        case failed(back: [Int])
    }

    private enum State: Equatable {
        case rolling(slot: Int)
        /// All are replaced; the last may still die young.
        case watching
        case over
    }

    private var rest: [Int]
    private var done: [Int] = []
    /// Those that had no old worker when it was their turn: what runs there proves nothing of the new ones.
    private var passed: [Int] = []
    private var state: State

    /// - Parameter slots: those to replace, in their order.
    package init(slots: [Int]) {
        rest = slots
        state = .watching
    }

    /// Whether slots are still to be replaced.
    package var isRolling: Bool { if case .rolling = state { true } else { false } }

    package func isRolling(_ slot: Int) -> Bool { state == .rolling(slot: slot) }

    package mutating func begin() -> [Action] { next() }

    /// The slot's new worker is ready, or starts in the place of an old one that has gone.
    package mutating func replaced(_ slot: Int) -> [Action] {
        guard state == .rolling(slot: slot) else { return [] }
        done.append(slot)
        return next()
    }

    /// There is no worker to replace: the slot is out of use, or its next worker is a new one anyway.
    package mutating func passed(_ slot: Int) -> [Action] {
        guard state == .rolling(slot: slot) else { return [] }
        passed.append(slot)
        return next()
    }

    /// A new worker was never ready, or died young.
    package mutating func failed(_ slot: Int) -> [Action] {
        guard state == .rolling(slot: slot) || (state != .over && done.contains(slot)) else { return [] }
        var back = done + passed
        // The one that failed has no new worker, unless it was ready before. Another one may be about to get one.
        if case .rolling(let current) = state, current != slot { back.append(current) }
        state = .over
        return [.failed(back: back)]
    }

    private mutating func next() -> [Action] {
        guard !rest.isEmpty else {
            state = .watching
            return [.replaced]
        }
        let slot = rest.removeFirst()
        state = .rolling(slot: slot)
        return [.replace(slot: slot)]
    }
}
