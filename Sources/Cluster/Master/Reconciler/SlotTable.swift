// The slots of a supervisor: which generation has which, which one is to take it over, and how many are in which state.
// A pure value. Counts are kept at each change, so that no question about all slots takes a walk through them.
// Process: master · Thread: loop

struct SlotTable {
    enum State: Equatable {
        case starting
        case ready
        case pausing(until: UInt64)
        /// In the queue of starts.
        case due
        /// Scaled away, or not yet in use.
        case unused
    }

    struct Slot {
        /// The generation that has the slot.
        var generation = 0
        /// The plan that it runs by.
        var plan = 0
        /// One that starts in order to replace it.
        fileprivate(set) var successor: Int?
        fileprivate var successorPlan = 0
        /// The last number given. Numbers never repeat.
        fileprivate(set) var lastGeneration = 0
        /// In a row.
        var failedStarts = 0
        /// It has been ready for long enough.
        var isGood = false
        var state = State.unused
    }

    /// How many slots are in these states.
    struct Counts: Equatable {
        var used = 0, ready = 0, good = 0, starting = 0, pausing = 0
        /// Those that start and have not failed before.
        var hopeful = 0

        fileprivate mutating func add(_ slot: Slot, _ sign: Int) {
            if slot.state != .unused { used += sign }
            switch slot.state {
            case .ready: (ready, good) = (ready + sign, slot.isGood ? good + sign : good)
            case .starting: (starting, hopeful) = (starting + sign, slot.failedStarts == 0 ? hopeful + sign : hopeful)
            case .pausing: pausing += sign
            case .due, .unused: break
            }
        }
    }

    private var slots: [Slot]
    private(set) var counts = Counts()

    init(count: Int) { slots = Array(repeating: Slot(), count: count) }

    var indices: Range<Int> { slots.indices }

    subscript(slot: Int) -> Slot { slots[slot] }

    mutating func change(_ slot: Int, _ body: (inout Slot) -> Void) {
        counts.add(slots[slot], -1)
        body(&slots[slot])
        if slots[slot].state != .ready { slots[slot].isGood = false }
        counts.add(slots[slot], 1)
    }

    // MARK: Generations

    mutating func nextGeneration(_ slot: Int) -> Int {
        slots[slot].lastGeneration = min(slots[slot].lastGeneration, .max - 1) + 1
        return slots[slot].lastGeneration
    }

    mutating func startAfter(generation: Int, slot: Int) {
        guard slots.indices.contains(slot) else { return }
        slots[slot].lastGeneration = max(slots[slot].lastGeneration, generation)
    }

    func isCurrent(_ slot: Int, _ generation: Int) -> Bool {
        slots.indices.contains(slot) && slots[slot].generation == generation && [.starting, .ready].contains(slots[slot].state)
    }

    /// Nil for a slot that is not in use.
    func state(of number: Int) -> SlotState? {
        let slot = slots[number]
        let isStarting: Bool
        switch slot.state {
        case .unused: return nil
        case .pausing, .due: return SlotState(number, nil)
        case .starting: isStarting = true
        case .ready: isStarting = false
        }
        return SlotState(
            number, .init(generation: slot.generation, version: slot.plan, isStarting: isStarting),
            successor: slot.successor.map { .init(generation: $0, version: slot.successorPlan, isStarting: true) })
    }

    // MARK: Successors

    func isSuccessor(_ slot: Int, _ generation: Int) -> Bool { slots.indices.contains(slot) && slots[slot].successor == generation }

    mutating func begin(successor: Int, of slot: Int, plan: Int) {
        slots[slot].successor = successor
        slots[slot].successorPlan = plan
    }

    mutating func dropSuccessor(of slot: Int) { slots[slot].successor = nil }

    /// The successor has the slot from here on.
    mutating func promote(_ slot: Int, to state: State) {
        guard let successor = slots[slot].successor else { return }
        change(slot) {
            $0.generation = successor
            $0.plan = $0.successorPlan
            $0.successor = nil
            $0.isGood = false
            $0.state = state
        }
    }
}
