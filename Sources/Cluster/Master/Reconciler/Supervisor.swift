// Who runs in which slot, who comes next and when, and when to give up.
// A pure value of the master: events and the time go in, actions come out. It forks nothing and knows no clock.
// The master keeps one for the workers and one, which never gives up, for the auxiliaries.
// Process: master · Thread: loop
//
// What a death proves decides. After a failed start the slot pauses, longer each time, while no worker of the present plan was ever
// good. All other starts are prompt, within the budget of the StartQueue. No event costs more for more slots, but while slots pause.

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
        /// A start failed. The next one waits for its turn, after the pause if there is one.
        case startFailed(slot: Int, generation: Int, pause: Duration?)
        case giveUp
    }

    private var slots: SlotTable
    package var policy: RespawnPolicy {
        didSet { queue.setBucket(policy.bucket) }
    }
    private let givesUp: Bool
    private let random: () -> Double
    private var stopped = false
    private var queue: StartQueue
    private var record: TrackRecord
    private var plan = 0
    /// The longest that a worker has taken to get ready.
    package var longestStart: UInt64 = 0
    private var hangs = HangingStarts()

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

// MARK: Starts and ends

extension Supervisor {
    private mutating func enqueue(_ slot: Int, _ kind: StartQueue.Kind) {
        slots.change(slot) { $0.state = .due }
        queue.append(slot, kind)
    }

    private mutating func ready(_ slot: Int, _ generation: Int, now: UInt64) -> [Action] {
        var actions: [Action] = []
        if slots.isCurrent(slot, generation), slots[slot].state == .starting {
            slots.change(slot) { $0.state = .ready }
        } else if slots.isSuccessor(slot, generation) {
            actions = [.retire(slot: slot, generation: slots[slot].generation)]
            slots.promote(slot, to: .ready)
        } else {
            return []
        }
        hangs.over()
        record.becameReady(slot, generation, now: now)
        noteGrownUp(now: now)
        return actions
    }

    private mutating func ended(_ slot: Int, _ generation: Int, isFault: Bool, now: UInt64) -> [Action] {
        if slots.isSuccessor(slot, generation) {
            slots.dropSuccessor(of: slot)
            return [.replacementFailed(slot: slot, generation: generation, isFault: isFault)]
        }
        guard slots.isCurrent(slot, generation) else { return [] }
        guard slots[slot].successor == nil else {
            slots.promote(slot, to: .starting)
            return []
        }
        guard isFault else {
            slots.change(slot) { $0.failedStarts = 0 }
            enqueue(slot, .replacement)
            return []
        }
        slots.change(slot) { $0.failedStarts = min($0.failedStarts + 1, 1000) }
        guard !record.isProven || !givesUp else {
            enqueue(slot, .retry)
            return [.startFailed(slot: slot, generation: generation, pause: nil)]
        }
        let pause = policy.pause(afterFailedStarts: slots[slot].failedStarts, unit: random())
        slots.change(slot) { $0.state = .pausing(until: now.addingUpToLimit(pause.wholeNanoseconds)) }
        return [.startFailed(slot: slot, generation: generation, pause: pause)]
    }

    /// No worker serves or starts, although one could.
    private var isDown: Bool { record.isProven && givesUp && slots.counts.ready == 0 && slots.counts.starting == 0 }

    private mutating func startDue(now: UInt64) -> [Action] {
        if slots.counts.pausing > 0 {
            for slot in slots.indices { if case .pausing(let until) = slots[slot].state, until <= now { enqueue(slot, .replacement) } }
        }
        let due = queue.take(now: now, isDown: isDown) { slots[$0].state == .due }
        if !due.isEmpty { hangs.started(now: now) }
        return due.map { slot in
            let generation = slots.nextGeneration(slot)
            slots.change(slot) {
                $0.generation = generation
                $0.plan = plan
                $0.state = .starting
            }
            return .fork(slot: slot, generation: generation)
        }
    }
}

// MARK: Starts that hang

extension Supervisor {
    /// No worker serves, and all that start may hang.
    private var isHanging: Bool { record.isProven && givesUp && slots.counts.ready == 0 && slots.counts.starting > 0 }

    /// Another start beside those that hang: what made them hang may be over. These go on until their deadline, since they may be slow and
    /// nothing else; the one beside them makes place for the next.
    private mutating func startBeside(now: UInt64) -> [Action] {
        guard isHanging, now >= hangs.nextTry(longestStart: longestStart) else { return [] }
        let starting = slots.indices.filter { slots[$0].state == .starting }
        guard let slot = starting.first(where: { slots[$0].successor == nil }) ?? hangs.next(of: starting) else { return [] }
        let former = slots[slot].successor.map { Action.retire(slot: slot, generation: $0) }
        hangs.triedAgain(now: now)
        slots.begin(successor: slots.nextGeneration(slot), of: slot, plan: plan)
        return (former.map { [$0] } ?? []) + [.fork(slot: slot, generation: slots[slot].lastGeneration)]
    }
}

// MARK: The record

extension Supervisor {
    /// Workers that live as they should count up to now.
    private mutating func noteGrownUp(now: UInt64) {
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
