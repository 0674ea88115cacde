// Which worker runs in which slot, when the next one starts, and when no further start is tried.
// A pure value of the master: events and the time go in, actions come out. It forks nothing and knows no clock.
// The master keeps one for the workers and one, which tries without end, for the auxiliaries.
// Process: master · Thread: loop
//
// What a death proves decides. After a failed start the slot pauses, longer each time, while no worker of the present plan was ever
// good. All other starts are prompt, within the budget of the StartQueue. No event costs more for more slots, but while slots pause.
//
//   Supervisor+Starts.swift   starts, ends, and starts that hang

internal import EverycoreLoop
internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct Supervisor {
    package enum Event: Equatable {
        /// The worker said that its body has returned.
        case ready(slot: Int, generation: Int)
        /// The generation is over for its slot: dead, cut off from its channel, or leaving of its own will.
        /// - wasGood: it had answered, or had been ready for long enough.
        case ended(slot: Int, generation: Int, Death, wasGood: Bool)
        /// The process could not be made.
        case forkFailed(slot: Int, generation: Int)
        /// The slot's worker is to have a successor that is ready before it goes.
        case replace(slot: Int)
        /// The moment of `nextWake` may have come.
        case timer
    }

    package enum Action: Equatable {
        case fork(slot: Int, generation: Int)
        /// The successor is ready: this older generation may go.
        case retire(slot: Int, generation: Int)
        /// The successor ended before it was ready, or was never made: the old one stays.
        /// - isFault: it failed, rather than being killed from outside.
        case replacementFailed(slot: Int, generation: Int, isFault: Bool)
        /// A start failed. The next one waits for a token, after the pause if there is one.
        case startFailed(slot: Int, generation: Int, pause: Duration?)
        case giveUp
    }

    var slots: SlotTable
    package var policy: RespawnPolicy {
        didSet { queue.setBucket(policy.bucket) }
    }
    let givesUp: Bool
    let random: () -> Double
    private var stopped = false
    var queue: StartQueue
    var record: TrackRecord
    var plan = 0
    /// The longest that a worker has taken to get ready.
    package var longestStart: UInt64 = 0
    var hangs = HangingStarts()

    /// - Parameters:
    ///   - slots: how many are in use.
    ///   - capacity: how many can be.
    ///   - random: gives numbers in 0..<1.
    package init(
        slots: Int, capacity: Int = 0, policy: RespawnPolicy, givesUp: Bool, now: UInt64, random: @escaping () -> Double
    ) {
        self.slots = SlotTable(count: max(slots, capacity))
        self.policy = policy
        self.givesUp = givesUp
        self.random = random
        queue = StartQueue(bucket: policy.bucket)
        record = TrackRecord(now: now)
        for slot in 0..<slots { _ = use(slot) }
    }

    /// From here on nothing is started.
    package mutating func stop() { stopped = true }

    package mutating func handle(_ event: Event, now: UInt64) -> [Action] {
        guard !stopped else { return [] }
        noteGrownUp(now: now)
        switch event {
        case .ready(let slot, let generation):
            return ready(slot, generation, now: now)
        case .ended(let slot, let generation, let death, let wasGood):
            noteEnd(slot, generation, death, wasGood: wasGood, now: now)
            return givingUp(ended(slot, generation, isFault: death == .failedStart, now: now), afterFailure: death == .failedStart, now: now)
        case .forkFailed(let slot, let generation):
            record.noteFailure()
            return givingUp(ended(slot, generation, isFault: true, now: now), afterFailure: true, now: now)
        case .replace(let slot):
            guard slots.indices.contains(slot), slots[slot].successor == nil, [.ready, .starting].contains(slots[slot].state) else { return [] }
            slots.begin(successor: slots.nextGeneration(slot), of: slot, plan: plan)
            return [.fork(slot: slot, generation: slots[slot].lastGeneration)]
        case .timer:
            let actions = givingUp([], afterFailure: false, now: now)
            return actions.isEmpty ? startDue(now: now) + startBeside(now: now) : actions
        }
    }

    /// When `timer` is due next, which may be in the past; nil when there is nothing to wait for.
    package var nextWake: UInt64? {
        guard !stopped else { return nil }
        var earliest = queue.nextStart(isDown: isDown) ?? .max
        if slots.counts.pausing > 0 {
            for slot in slots.indices { if case .pausing(let until) = slots[slot].state { earliest = min(earliest, until) } }
        }
        if isHanging { earliest = min(earliest, hangs.nextTry(longestStart: longestStart)) }
        if mayGiveUp, slots.counts.starting == 0 { earliest = min(earliest, giveUpTime) }
        return earliest == .max ? nil : earliest
    }

    // MARK: Plans and scaling

    /// From here on workers follow another plan.
    /// - Parameter isProven: it was in force before, and did.
    package mutating func changePlan(to version: Int, isProven: Bool) {
        plan = version
        record.isProven = isProven
    }

    /// What the slots in use have.
    package var states: [SlotState] { slots.indices.compactMap { slots.state(of: $0) } }

    /// Whether a worker of the present plan was ever good.
    package var isProven: Bool { record.isProven }

    /// A worker of the present plan has answered a request.
    package mutating func prove() { record.isProven = true }

    /// How many slots are in use.
    package var usedCount: Int { slots.counts.used }

    package func uses(_ slot: Int) -> Bool { slots.indices.contains(slot) && slots[slot].state != .unused }

    /// Takes a slot into use: its worker is due now. False when it is in use already, or there is no such slot.
    package mutating func use(_ slot: Int) -> Bool {
        guard !stopped, slots.indices.contains(slot), slots[slot].state == .unused else { return false }
        slots.change(slot) { $0.failedStarts = 0 }
        enqueue(slot, .first)
        return true
    }

    /// Nothing is started in this slot from here on.
    package mutating func disuse(_ slot: Int) {
        guard slots.indices.contains(slot) else { return }
        slots.change(slot) { $0.state = .unused }
        slots.dropSuccessor(of: slot)
    }

    package func lastGeneration(of slot: Int) -> Int { slots.indices.contains(slot) ? slots[slot].lastGeneration : 0 }

    /// So that an upgraded master's generations go on where the old one's ended.
    package mutating func startAfter(generation: Int, slot: Int) {
        slots.startAfter(generation: generation, slot: slot)
    }
}

// MARK: The record

extension Supervisor {
    /// Workers that live as they should count up to now.
    mutating func noteGrownUp(now: UInt64) {
        for grown in record.grownUp(now: now, youngAge: policy.youngAge.wholeNanoseconds) where slots.isCurrent(grown.slot, grown.generation) {
            guard slots[grown.slot].state == .ready else { continue }
            slots.change(grown.slot) {
                $0.isGood = true
                $0.failedStarts = 0
            }
            if slots[grown.slot].plan == plan { record.isProven = true }
        }
        if slots.counts.good > 0 { record.noteGood(now: now) }
    }

    private mutating func noteEnd(_ slot: Int, _ generation: Int, _ death: Death, wasGood: Bool, now: UInt64) {
        if wasGood, slots.isCurrent(slot, generation), slots[slot].plan == plan { record.isProven = true }
        if death == .failedStart { record.noteFailure() } else { record.noteGood(now: now) }
    }

    private var giveUpTime: UInt64 { record.lastGood.addingUpToLimit(policy.giveUpAfter.wholeNanoseconds) }

    /// Starts have failed, no worker serves, and none makes a first attempt, which may take its time.
    private var mayGiveUp: Bool { givesUp && record.hasFailures && slots.counts.ready == 0 && slots.counts.hopeful == 0 }

    /// Decided when a start fails, or while none is under way: one that is may yet succeed.
    private mutating func givingUp(_ actions: [Action], afterFailure: Bool, now: UInt64) -> [Action] {
        guard mayGiveUp, now >= giveUpTime, afterFailure || slots.counts.starting == 0 else { return actions }
        stopped = true
        return actions + [.giveUp]
    }
}
