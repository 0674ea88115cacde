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
        /// All are replaced; the last starts may still fail.
        case watching
        /// All starts have succeeded; what is open is whether the new workers can answer.
        case settled
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

    /// No start of a new worker has failed for long enough.
    package mutating func settle() { if state == .watching { state = .settled } }

    /// The start of a new worker failed.
    package mutating func failed(_ slot: Int) -> [Action] {
        guard state == .rolling(slot: slot) || (state == .watching || isRolling) && done.contains(slot) else { return [] }
        return giveUp(slot)
    }

    /// The new workers can't do what the old ones did, as the end of this slot's shows.
    package mutating func condemned(by slot: Int) -> [Action] {
        guard state != .over, state == .rolling(slot: slot) || done.contains(slot) || passed.contains(slot) else { return [] }
        return giveUp(slot)
    }

    private mutating func giveUp(_ slot: Int) -> [Action] {
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
