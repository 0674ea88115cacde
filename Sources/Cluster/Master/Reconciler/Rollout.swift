// What is wanted of the workers, compared with what they are: one plan takes another's place, slot by slot, and gives it back when it fails.
// A pure value: what the slots have and the time go in, the next step comes out. It may be asked at any time and repeatedly.
// Process: master · Thread: loop
//
// Reload, rollback, and the trial of a program that took another one's place are its states. Whether a slot is up to date is asked of the slot
// each time: workers may die, be replaced or be scaled away between two steps, which needs no event here.

internal import EverycoreLoop
internal import EverycoreStatistics

/// - Parameter Plan: what workers run by; only kept here.
package struct Rollout<Plan> {
    package enum Step: Equatable {
        /// Nothing to do now.
        case none
        /// Start a successor of the slot's worker by the plan in force, and say so with ``started(slot:generation:)``.
        case replace(slot: Int)
        /// Every slot has a worker of the new plan.
        case replaced
        /// The plan is proven: there is no way back from here.
        case settled
        /// No slot has a worker of the plan that failed.
        /// - hadWork: some had one.
        case isBack(hadWork: Bool)
    }

    /// What evidence against the plan in force leads to.
    package enum Verdict {
        case goesOn
        /// This plan is in force again.
        case goesBack(Former)
        /// The plan before doesn't start either: everything stays as it is.
        case isLost
        /// The program before this one is to take its place.
        case leaves
    }

    /// A plan that was in force.
    package struct Former {
        package let plan: Plan
        package let version: Int
        /// Its workers served.
        package let isProven: Bool

        package init(plan: Plan, version: Int, isProven: Bool) {
            self.plan = plan
            self.version = version
            self.isProven = isProven
        }
    }

    /// A plan that is being rolled out.
    struct Change {
        let former: Former
        var probation: Probation
        var progress = Progress()
    }

    struct Progress {
        /// The slots that were given a successor. A start that fails there is evidence.
        var begun: Set<Int> = []
        /// The successor that was started last.
        var awaited: (slot: Int, generation: Int)?
        /// A successor was killed from outside, or there was no memory for it: so long until the next attempt.
        var notBefore: UInt64 = 0
        /// Slots had workers of the plan that failed.
        var hadWork = false
    }

    enum State {
        /// The plan in force is all there is.
        case settled
        case replacing(Change)
        /// All are replaced; the last starts may still fail.
        case watching(Change, until: UInt64)
        /// All starts have succeeded; what is open is whether the new workers can answer.
        case onProbation(Change, until: UInt64)
        /// The workers of the plan that failed are replaced.
        case goingBack(Progress)
        /// This program took another one's place; it may have to give it back.
        case onTrial(Probation, until: UInt64)
        /// It has to.
        case leaving
    }

    var state = State.settled
    /// The version of the plan in force.
    var version = 0
    /// How long after the last replacement a failed start is still evidence.
    package var youngAge: UInt64

    private static var retryPause: UInt64 { 10_000_000 }
    private static var answerPoll: UInt64 { 1_000_000_000 }

    package init(youngAge: UInt64) { self.youngAge = youngAge }

    // MARK: What is wanted

    /// Another plan is in force.
    /// - Parameters:
    ///   - version: of the new plan.
    ///   - former: the one before. Where that one was being rolled out itself and is not proven, the way back leads to the one before it.
    package mutating func begin(version: Int, former: Former, probation: Probation) {
        let unproven = former.isProven ? nil : change?.former
        state = .replacing(Change(former: unproven ?? former, probation: probation))
        self.version = version
    }

    /// This program takes another one's place, and may have to give it back.
    package mutating func beginTrial(_ probation: Probation) { state = .onTrial(probation, until: .max) }

    /// Its workers accept from here on.
    package mutating func trialBegins(now: UInt64) {
        guard case .onTrial(let probation, _) = state else { return }
        state = .onTrial(probation, until: now.addingUpToLimit(Probation.longest.wholeNanoseconds))
    }

    /// There is no way back any more.
    package mutating func endTrial() {
        switch state {
        case .onTrial, .leaving: state = .settled
        default: break
        }
    }

    // MARK: The next step

    /// - Parameters:
    ///   - slots: all that are in use.
    ///   - hasAnswered: whether a living worker of the plan in force has answered a request.
    package mutating func step(_ slots: [SlotState], hasAnswered: Bool, now: UInt64) -> Step {
        switch state {
        case .settled, .leaving:
            return .none
        case .replacing(var change):
            let (step, isDone) = next(slots, &change.progress, now: now)
            state = isDone ? .watching(change, until: now.addingUpToLimit(youngAge)) : .replacing(change)
            return isDone ? .replaced : step
        case .goingBack(var progress):
            let (step, isDone) = next(slots, &progress, now: now)
            state = isDone ? .settled : .goingBack(progress)
            return isDone ? .isBack(hadWork: progress.hadWork) : step
        case .watching(let change, let end):
            if now >= end { state = .onProbation(change, until: now.addingUpToLimit(Probation.longest.wholeNanoseconds)) }
            return now >= end ? step(slots, hasAnswered: hasAnswered, now: now) : .none
        case .onProbation(let change, let end):
            guard hasAnswered || change.probation.hasAnswered || now >= end else { return .none }
            state = .settled
            return .settled
        case .onTrial(let probation, let end):
            guard end != .max, hasAnswered || probation.hasAnswered || now >= end else { return .none }
            state = .settled
            return .settled
        }
    }

    /// One slot at a time.
    private func next(_ slots: [SlotState], _ progress: inout Progress, now: UInt64) -> (Step, isDone: Bool) {
        if let awaited = progress.awaited {
            if slots.contains(where: { $0.slot == awaited.slot && $0.has(generation: awaited.generation) { $0.isStarting } }) {
                return (.none, false)
            }
            progress.awaited = nil
        }
        let outdated = slots.filter { $0.isOutdated(by: version) }
        if !outdated.isEmpty { progress.hadWork = true }
        guard !outdated.isEmpty else { return (.none, true) }
        // Where a successor by another plan has started, its end is awaited.
        guard now >= progress.notBefore, let slot = outdated.first(where: { $0.successor == nil }) else { return (.none, false) }
        return (.replace(slot: slot.slot), false)
    }

    /// A successor by the plan in force starts, for the rollout's or another reason.
    package mutating func started(slot: Int, generation: Int) {
        changeProgress {
            $0.awaited = $0.awaited ?? (slot, generation)
            $0.begun.insert(slot)
        }
    }

    /// A successor ended without fault of its own, or could not be made for now.
    package mutating func successorLost(now: UInt64) { changeProgress { $0.notBefore = now.addingUpToLimit(Self.retryPause) } }

    private mutating func changeProgress(_ body: (inout Progress) -> Void) {
        switch state {
        case .replacing(var change):
            body(&change.progress)
            state = .replacing(change)
        case .goingBack(var progress):
            body(&progress)
            state = .goingBack(progress)
        default: break
        }
    }

    /// When `step` is due again though nothing happens; nil when only an event can bring something new.
    package func nextStep(now: UInt64) -> UInt64? {
        switch state {
        case .settled, .leaving: nil
        case .replacing(let change): change.progress.notBefore > now ? change.progress.notBefore : nil
        case .goingBack(let progress): progress.notBefore > now ? progress.notBefore : nil
        case .watching(_, let end): end
        case .onProbation(_, let end): min(end, now.addingUpToLimit(Self.answerPoll))
        case .onTrial(_, let end): end == .max ? nil : min(end, now.addingUpToLimit(Self.answerPoll))
        }
    }

    // MARK: What is

    /// Slots are being replaced, forward or back.
    package var isRolling: Bool {
        switch state {
        case .replacing, .goingBack: true
        default: false
        }
    }

    /// The successor that the next step waits for.
    package var awaited: (slot: Int, generation: Int)? {
        switch state {
        case .replacing(let change): change.progress.awaited
        case .goingBack(let progress): progress.awaited
        default: nil
        }
    }

    /// This program may have to give its place back.
    package var isOnTrial: Bool { if case .onTrial = state { true } else { false } }

    /// The program before this one is to take its place.
    package var hasToLeave: Bool { if case .leaving = state { true } else { false } }

    var change: Change? {
        switch state {
        case .replacing(let change), .watching(let change, _), .onProbation(let change, _): change
        case .settled, .goingBack, .onTrial, .leaving: nil
        }
    }
}
