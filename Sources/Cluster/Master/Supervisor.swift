// Who runs in which slot, who comes next and when, and when to give up.
// A pure value of the master: events and the time go in, actions come out. It forks nothing and knows no clock.
// The master keeps one for the workers and one, which never gives up, for the auxiliaries.

internal import EverycoreLoop
internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct Supervisor {
    package enum Event: Equatable {
        /// The worker said that its body has returned.
        case ready(slot: Int, generation: Int)
        /// The generation is over for its slot: exited, cut off from its channel, or leaving of its own will.
        case ended(slot: Int, generation: Int)
        /// The process could not be made.
        case forkFailed(slot: Int, generation: Int)
        /// The slot's worker, which is well, is to have a successor that is ready before it goes.
        case replace(slot: Int)
        /// The moment of `nextWake` may have come.
        case timer
    }

    package enum Action: Equatable {
        case fork(slot: Int, generation: Int)
        /// The successor is ready: this older generation may go.
        case retire(slot: Int, generation: Int)
        /// The successor ended before it was ready, or was never made: the old one stays.
        case replacementFailed(slot: Int, generation: Int)
        /// For the log: the slot's next start, after a young death.
        case delayed(slot: Int, by: Duration)
        case giveUp
    }

    private enum State: Equatable {
        case starting(since: UInt64)
        case ready(since: UInt64)
        case waiting(until: UInt64)
        /// Scaled away, or not yet in use.
        case unused
    }

    private struct Slot {
        /// The generation that has the slot.
        var generation = 0
        /// One that starts in order to replace it.
        var successor: Int?
        /// The last number given. Numbers never repeat.
        var lastGeneration = 0
        var youngDeaths = 0
        var state = State.waiting(until: 0)
    }

    private var slots: [Slot]
    package var policy: RespawnPolicy
    private let givesUp: Bool
    private let random: () -> Double
    private var stopped = false
    /// When a worker was last known to have lived as it should.
    private var lastGood: UInt64

    /// - Parameters:
    ///   - slots: how many are in use.
    ///   - capacity: how many can be.
    ///   - random: gives numbers in 0..<1.
    package init(
        slots: Int, capacity: Int = 0, policy: RespawnPolicy, givesUp: Bool, now: UInt64, random: @escaping () -> Double
    ) {
        self.slots = Array(repeating: Slot(), count: slots)
        self.slots += Array(repeating: Slot(state: .unused), count: max(capacity - slots, 0))
        self.policy = policy
        self.givesUp = givesUp
        self.random = random
        lastGood = now
    }

    /// The first generation of every slot.
    package mutating func begin(now: UInt64) -> [Action] { startWaiting(now: now) }

    /// From here on nothing is started.
    package mutating func stop() { stopped = true }

    package mutating func handle(_ event: Event, now: UInt64) -> [Action] {
        guard !stopped else { return [] }
        noteGood(now: now)
        var actions: [Action] = []
        switch event {
        case .ready(let slot, let generation):
            if isCurrent(slot, generation), case .starting(let since) = slots[slot].state {
                slots[slot].state = .ready(since: since)
            } else if isSuccessor(slot, generation) {
                actions.append(.retire(slot: slot, generation: slots[slot].generation))
                promote(slot, to: .ready(since: now))
            }
        case .ended(let slot, let generation):
            actions += ended(slot, generation, now: now) { supervisor in supervisor.end(slot, now: now) }
        case .forkFailed(let slot, let generation):
            actions += ended(slot, generation, now: now) { supervisor in supervisor.diedYoung(slot, now: now) }
        case .replace(let slot):
            guard slots.indices.contains(slot), slots[slot].successor == nil, case .ready = slots[slot].state else { return [] }
            slots[slot].successor = nextGeneration(slot)
            return [.fork(slot: slot, generation: slots[slot].lastGeneration)]
        case .timer:
            break
        }
        if mustGiveUp(now: now) {
            stopped = true
            return actions + [.giveUp]
        }
        return actions + startWaiting(now: now)
    }

    /// When `timer` is due next; nil when there is nothing to wait for.
    package var nextWake: UInt64? {
        guard !stopped else { return nil }
        var times: [UInt64] = []
        for slot in slots {
            if case .waiting(let until) = slot.state { times.append(until) }
        }
        guard let earliest = times.min() else { return nil }
        return givesUp && !hasHope ? min(earliest, giveUpTime) : earliest
    }

    // MARK: Scaling

    /// How many slots are in use.
    package var usedCount: Int { slots.count { $0.state != .unused } }

    package func uses(_ slot: Int) -> Bool { slots.indices.contains(slot) && slots[slot].state != .unused }

    /// Takes a slot into use: its worker is due now. False when it is in use already, or there is no such slot.
    package mutating func use(_ slot: Int, now: UInt64) -> Bool {
        guard !stopped, slots.indices.contains(slot), slots[slot].state == .unused else { return false }
        slots[slot].state = .waiting(until: now)
        slots[slot].youngDeaths = 0
        return true
    }

    /// Nothing is started in this slot from here on.
    package mutating func disuse(_ slot: Int) {
        guard slots.indices.contains(slot) else { return }
        slots[slot].state = .unused
        slots[slot].successor = nil
    }

    package func lastGeneration(of slot: Int) -> Int { slots.indices.contains(slot) ? slots[slot].lastGeneration : 0 }

    /// So that an upgraded master's generations go on where the old one's ended.
    package mutating func startAfter(generation: Int, slot: Int) {
        guard slots.indices.contains(slot) else { return }
        slots[slot].lastGeneration = max(slots[slot].lastGeneration, generation)
    }

    // MARK: Generations

    private mutating func nextGeneration(_ slot: Int) -> Int {
        slots[slot].lastGeneration = min(slots[slot].lastGeneration, .max - 1) + 1
        return slots[slot].lastGeneration
    }

    private func isCurrent(_ slot: Int, _ generation: Int) -> Bool {
        guard slots.indices.contains(slot), slots[slot].generation == generation else { return false }
        switch slots[slot].state {
        case .starting, .ready: return true
        case .waiting, .unused: return false
        }
    }

    private func isSuccessor(_ slot: Int, _ generation: Int) -> Bool {
        slots.indices.contains(slot) && slots[slot].successor == generation
    }

    private mutating func promote(_ slot: Int, to state: State) {
        guard let successor = slots[slot].successor else { return }
        slots[slot].generation = successor
        slots[slot].successor = nil
        slots[slot].state = state
    }

    /// - Parameter handleEnd: what follows where no successor is on its way.
    private mutating func ended(
        _ slot: Int, _ generation: Int, now: UInt64, _ handleEnd: (inout Supervisor) -> [Action]
    ) -> [Action] {
        if isSuccessor(slot, generation) {
            slots[slot].successor = nil
            return [.replacementFailed(slot: slot, generation: generation)]
        }
        guard isCurrent(slot, generation) else { return [] }
        guard slots[slot].successor != nil else { return handleEnd(&self) }
        promote(slot, to: .starting(since: now))
        return []
    }

    private mutating func end(_ slot: Int, now: UInt64) -> [Action] {
        if case .ready(let since) = slots[slot].state, now &- min(since, now) >= policy.youngAge.wholeNanoseconds {
            slots[slot].youngDeaths = 0
            slots[slot].state = .waiting(until: now)
            return []
        }
        return diedYoung(slot, now: now)
    }

    private mutating func diedYoung(_ slot: Int, now: UInt64) -> [Action] {
        slots[slot].youngDeaths = min(slots[slot].youngDeaths + 1, 1000)
        let delay = policy.delay(afterYoungDeaths: slots[slot].youngDeaths, unit: random())
        slots[slot].state = .waiting(until: now.addingUpToLimit(delay.wholeNanoseconds))
        return [.delayed(slot: slot, by: delay)]
    }

    private mutating func startWaiting(now: UInt64) -> [Action] {
        var actions: [Action] = []
        for slot in slots.indices {
            guard case .waiting(let until) = slots[slot].state, until <= now else { continue }
            slots[slot].generation = nextGeneration(slot)
            slots[slot].state = .starting(since: now)
            actions.append(.fork(slot: slot, generation: slots[slot].generation))
        }
        return actions
    }

    private var giveUpTime: UInt64 { lastGood.addingUpToLimit(policy.giveUpAfter.wholeNanoseconds) }

    /// A worker that lives as it should counts up to now, also where a successor that dies young has just taken its place.
    private mutating func noteGood(now: UInt64) {
        let isGood = slots.contains { slot in
            guard case .ready(let since) = slot.state else { return false }
            return now &- min(since, now) >= policy.youngAge.wholeNanoseconds
        }
        if isGood { lastGood = max(lastGood, now) }
    }

    private func mustGiveUp(now: UInt64) -> Bool { givesUp && now >= giveUpTime && !hasHope }

    /// Whether some slot serves, or makes a first attempt that may yet serve: a slow start is no failure. A slot whose
    /// previous worker died young gets no such credit while its next one starts.
    private var hasHope: Bool {
        slots.contains { slot in
            switch slot.state {
            case .ready: true
            case .starting: slot.youngDeaths == 0
            case .waiting, .unused: false
            }
        }
    }
}
