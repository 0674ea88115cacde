// Reloads, and the way back, without a process: the supervisor and the rollout as the reconciler ties them, with workers that start, die and
// answer as the test says.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let youngAge = second

/// The workers of a cluster, and what is decided about them.
private struct Model {
    var supervisor: Supervisor
    var rollout = Rollout<String>(youngAge: youngAge)
    var now: UInt64 = 0
    /// The plan in force.
    var plan = "old"
    var version = 0
    /// Those that start or serve, by slot: the version that each runs by.
    var versions: [Int: [Int: Int]] = [:]
    var hasAnswered = false
    private(set) var said: [String] = []

    init(slots: Int) {
        var policy = RespawnPolicy()
        policy.startsPerSecond = 1000
        supervisor = Supervisor(slots: slots, capacity: 8, policy: policy, givesUp: true, now: 0, random: { 0.5 })
        carryOut(supervisor.handle(.timer, now: now))
        for slot in 0..<slots { ready(slot) }
        pass(2 * second)
    }

    var states: [SlotState] { supervisor.states }
    /// By which plan each slot's worker runs; nil where none lives.
    var current: [Int?] { states.map { $0.current?.version } }
    var starting: [Int] { states.filter { $0.successor != nil || $0.current?.isStarting == true }.map(\.slot) }

    // MARK: What the test does

    /// So much time goes by, in tenths of a second.
    mutating func pass(_ time: UInt64) {
        let end = now + time
        while now < end {
            now = min(now + second / 10, end)
            carryOut(supervisor.handle(.timer, now: now))
            settle()
        }
    }

    mutating func reload(to plan: String, probation: Probation = Probation(hasAnswered: false, deadly: [])) {
        let next = said.count { $0.hasPrefix("reload") } + 1
        said.append("reload")
        rollout.begin(version: next, former: .init(plan: self.plan, version: version, isProven: supervisor.isProven), probation: probation)
        adopt(plan, next, isProven: false)
        settle()
    }

    /// The newest worker of the slot.
    private func newest(_ slot: Int) -> Int? {
        guard let state = states.first(where: { $0.slot == slot }) else { return nil }
        return (state.successor ?? state.current)?.generation
    }

    mutating func ready(_ slot: Int) {
        guard let generation = newest(slot) else { return }
        handle(.ready(slot: slot, generation: generation))
    }

    /// The newest worker of the slot ends before it was ready.
    mutating func failStart(_ slot: Int) {
        guard let generation = newest(slot) else { return }
        handle(.ended(slot: slot, generation: generation, .failedStart, wasGood: false))
    }

    /// The newest is killed from outside.
    mutating func kill(_ slot: Int) {
        guard let generation = newest(slot) else { return }
        handle(.ended(slot: slot, generation: generation, .killed, wasGood: false))
    }

    /// The worker that has the slot dies in a request.
    mutating func die(_ slot: Int, in endpoint: UInt64 = 7) {
        guard let worker = states.first(where: { $0.slot == slot })?.current else { return }
        if let verdict = rollout.died(in: endpoint, version: worker.version, hasAnswered: hasAnswered) { follow(verdict) }
        handle(.ended(slot: slot, generation: worker.generation, .inRequest, wasGood: true))
    }

    mutating func scale(to count: Int) {
        for slot in 0..<8 { if slot < count { _ = supervisor.use(slot) } else { supervisor.disuse(slot) } }
        pass(second / 10)
    }

    /// Starts succeed until nothing more is to be done.
    mutating func finish() {
        for _ in 0..<50 {
            for slot in starting { ready(slot) }
            pass(second / 10)
        }
    }

    // MARK: As the reconciler does it

    mutating func handle(_ event: Supervisor.Event) {
        carryOut(supervisor.handle(event, now: now))
        settle()
    }

    private mutating func settle() {
        for _ in 0..<100 {
            switch rollout.step(states, hasAnswered: hasAnswered, now: now) {
            case .none: return
            case .replace(let slot):
                let actions = supervisor.handle(.replace(slot: slot), now: now)
                #expect(!actions.isEmpty)
                for case .fork(let slot, let generation) in actions { rollout.started(slot: slot, generation: generation) }
                carryOut(actions)
            case .replaced: said.append("replaced")
            case .settled: said.append("settled")
            case .isBack(let hadWork): said.append(hadWork ? "back" : "unchanged")
            }
        }
        Issue.record("no end of steps")
    }

    private mutating func carryOut(_ actions: [Supervisor.Action]) {
        for action in actions {
            switch action {
            case .fork(let slot, let generation): versions[slot, default: [:]][generation] = version
            case .retire: break
            case .replacementFailed(let slot, let generation, true): fail(slot, generation)
            case .replacementFailed(_, _, false): rollout.successorLost(now: now)
            case .startFailed(let slot, let generation, _): fail(slot, generation)
            case .giveUp: said.append("gave up")
            }
        }
    }

    private mutating func fail(_ slot: Int, _ generation: Int) {
        follow(rollout.startFailed(slot: slot, version: versions[slot]?[generation] ?? version))
    }

    private mutating func follow(_ verdict: Rollout<String>.Verdict) {
        switch verdict {
        case .goesOn: break
        case .goesBack(let former):
            said.append("goes back")
            adopt(former.plan, former.version, isProven: former.isProven)
        case .isLost: said.append("lost")
        case .leaves: said.append("leaves")
        }
    }

    private mutating func adopt(_ plan: String, _ version: Int, isProven: Bool) {
        self.plan = plan
        self.version = version
        supervisor.changePlan(to: version, isProven: isProven)
    }
}

@Suite struct ReloadRolloutTests {
    @Test func slotsAreReplacedOneAfterTheOther() {
        var model = Model(slots: 3)
        model.reload(to: "new")
        #expect(model.starting == [0] && model.rollout.isRolling)
        model.ready(0)
        #expect(model.current == [1, 0, 0] && model.starting == [1])
        model.ready(1)
        model.ready(2)
        #expect(model.current == [1, 1, 1] && model.said == ["reload", "replaced"])
        #expect(!model.rollout.isRolling)
    }

    @Test func withoutWorkersItIsOverAtOnce() {
        var model = Model(slots: 0)
        model.reload(to: "new")
        #expect(model.said == ["reload", "replaced"])
    }

    @Test func aReloadIsNotHeldUpByAWorkerThatWasScaledAway() {
        var model = Model(slots: 3)
        model.reload(to: "new")
        model.ready(0)
        model.scale(to: 1)
        #expect(model.said == ["reload", "replaced"])
    }

    @Test func aSlotThatComesIntoUseMeanwhileNeedsNoReplacement() {
        var model = Model(slots: 2)
        model.reload(to: "new")
        model.scale(to: 3)
        model.finish()
        #expect(model.current == [1, 1, 1] && model.said == ["reload", "replaced"])
    }

    @Test func anOldWorkerThatDiesIsReplacedByANewOneWhichNeedsNoSuccessor() {
        var model = Model(slots: 3)
        model.reload(to: "new")
        model.die(2)
        model.pass(second / 10)
        model.ready(2)
        #expect(model.current == [0, 0, 1])
        model.ready(0)
        model.ready(1)
        #expect(model.said == ["reload", "replaced"] && model.starting == [])
    }

    @Test func oneThatDiesWhileItsSuccessorStartsLeavesTheSlotToIt() {
        var model = Model(slots: 2)
        model.reload(to: "new")
        model.die(0)
        #expect(model.current == [1, 0] && model.starting == [0])
        model.ready(0)
        #expect(model.starting == [1])
        model.finish()
        #expect(model.said == ["reload", "replaced"])
    }

    @Test func aSuccessorThatIsKilledFromOutsideIsStartedAgain() {
        var model = Model(slots: 2)
        model.reload(to: "new")
        model.kill(0)
        #expect(model.starting == [] && model.rollout.nextStep(now: model.now) != nil)
        model.pass(second / 10)
        #expect(model.starting == [0])
        model.finish()
        #expect(model.said == ["reload", "replaced"])
    }

    @Test func aSuccessorByAnotherPlanIsWaitedForAndReplaced() {
        var model = Model(slots: 1)
        model.handle(.replace(slot: 0))
        model.reload(to: "new")
        #expect(model.starting == [0])
        model.ready(0)
        // The one of before is there, and has its own successor.
        #expect(model.current == [0] && model.starting == [0])
        model.finish()
        #expect(model.current == [1] && model.said == ["reload", "replaced"])
    }

    @Test func itStandsWhenANewWorkerHasAnswered() {
        var model = Model(slots: 1)
        model.reload(to: "new")
        model.finish()
        #expect(model.said == ["reload", "replaced"])
        model.hasAnswered = true
        model.pass(second)
        #expect(model.said == ["reload", "replaced", "settled"])
    }

    @Test func itStandsWhenThereWasNothingToAnswerForAMinute() {
        var model = Model(slots: 1)
        model.reload(to: "new")
        model.ready(0)
        model.pass(60 * second)
        #expect(model.said == ["reload", "replaced"])
        model.pass(2 * second)
        #expect(model.said == ["reload", "replaced", "settled"])
    }
}

@Suite struct RollbackTests {
    @Test func aStartThatFailsBringsBackThoseThatWereReplaced() {
        var model = Model(slots: 3)
        model.reload(to: "new")
        model.ready(0)
        model.failStart(1)
        #expect(model.plan == "old" && model.current == [1, 0, 0] && model.starting == [0])
        model.ready(0)
        #expect(model.current == [0, 0, 0] && model.said == ["reload", "goes back", "back"])
    }

    @Test func whereTheFirstFailsNothingHasChanged() {
        var model = Model(slots: 2)
        model.reload(to: "new")
        model.failStart(0)
        #expect(model.current == [0, 0] && model.starting == [] && model.said == ["reload", "goes back", "unchanged"])
    }

    @Test func aStartThatFailsElsewhereAlsoBringsBackTheSlotWhoseNewWorkerIsOnItsWay() {
        var model = Model(slots: 3)
        model.reload(to: "new")
        model.ready(0)
        model.failStart(0)
        model.finish()
        #expect(model.current == [0, 0, 0] && model.said == ["reload", "goes back", "back"])
    }

    @Test func aStartThatFailsSoonAfterTheLastReplacementStillCounts() {
        var model = Model(slots: 2)
        model.reload(to: "new")
        model.ready(0)
        model.ready(1)
        model.pass(youngAge / 2)
        model.failStart(0)
        model.finish()
        #expect(model.current == [0, 0] && model.said == ["reload", "replaced", "goes back", "back"])
    }

    @Test func aStartThatFailsLaterIsNotTheReloads() {
        var model = Model(slots: 2)
        model.reload(to: "new")
        model.finish()
        model.pass(youngAge)
        model.failStart(0)
        model.finish()
        #expect(model.plan == "new" && model.current == [1, 1] && model.said == ["reload", "replaced"])
    }

    @Test func aStartWhereNoneLivedProvesNothing() {
        var model = Model(slots: 2)
        model.die(1)
        model.reload(to: "new")
        model.pass(second / 10)
        model.failStart(1)
        #expect(model.plan == "new" && model.rollout.isRolling)
    }

    @Test func aWorkerThatDiesOnTheWayBackIsReplacedByAnOldOne() {
        var model = Model(slots: 3)
        model.reload(to: "new")
        model.ready(0)
        model.ready(1)
        model.failStart(2)
        model.die(1)
        model.finish()
        #expect(model.current == [0, 0, 0] && model.said == ["reload", "goes back", "back"])
    }

    @Test func anOldOneThatDoesNotStartEither() {
        var model = Model(slots: 2)
        model.reload(to: "new")
        model.ready(0)
        model.failStart(1)
        model.failStart(0)
        #expect(model.plan == "old" && model.said == ["reload", "goes back", "lost"] && !model.rollout.isRolling)
    }

    @Test func newWorkersThatDieWhereTheOldOnesAnsweredBringTheOldOnesBack() {
        var model = Model(slots: 2)
        model.reload(to: "new", probation: Probation(hasAnswered: true, deadly: []))
        model.finish()
        for slot in 0..<2 { model.die(slot) }
        model.finish()
        #expect(model.current == [0, 0] && model.said == ["reload", "replaced", "goes back", "back"])
    }

    @Test func aRequestThatKillsOldWorkersToo() {
        var model = Model(slots: 2)
        model.reload(to: "new", probation: Probation(hasAnswered: true, deadly: [7]))
        for _ in 0..<10 {
            for slot in 0..<2 { model.die(slot) }
            model.finish()
        }
        #expect(model.plan == "new" && model.current == [1, 1])
    }

    @Test func theWayBackFromAPlanThatIsNotProvenLeadsToTheOneBeforeIt() {
        var model = Model(slots: 1)
        model.reload(to: "second")
        model.ready(0)
        model.reload(to: "third")
        model.failStart(0)
        model.finish()
        #expect(model.plan == "old" && model.current == [0])
    }

    @Test func theWayBackFromAPlanAfterAProvenOneLeadsToThat() {
        var model = Model(slots: 1)
        model.reload(to: "second")
        model.finish()
        model.pass(2 * second)
        model.reload(to: "third")
        model.failStart(0)
        model.finish()
        #expect(model.plan == "second" && model.current == [1])
    }

    @Test func aNewerReloadTakesThePlaceOfTheWayBack() {
        var model = Model(slots: 2)
        model.reload(to: "broken")
        model.ready(0)
        model.failStart(1)
        model.reload(to: "cured")
        model.finish()
        #expect(model.plan == "cured" && model.current == [2, 2])
    }
}

@Suite struct TrialTests {
    private func model(_ probation: Probation = Probation(hasAnswered: true, deadly: [])) -> Model {
        var model = Model(slots: 2)
        model.rollout.beginTrial(probation)
        model.rollout.trialBegins(now: model.now)
        return model
    }

    @Test func aProgramWhoseWorkersDieWhereTheOldOnesAnsweredHasToLeave() {
        var model = model()
        model.die(0)
        #expect(model.said == [] && model.rollout.isOnTrial)
        model.die(1)
        #expect(model.said == ["leaves"] && model.rollout.hasToLeave)
    }

    @Test func aProgramWhoseWorkersAnswerStays() {
        var model = model()
        model.hasAnswered = true
        model.pass(second)
        for _ in 0..<10 { model.die(0) }
        #expect(model.said == ["settled"])
    }

    @Test func aReloadEndsTheTrial() {
        var model = model()
        model.die(0)
        model.reload(to: "new")
        model.die(1)
        #expect(!model.rollout.hasToLeave && !model.rollout.isOnTrial)
    }

    @Test func nothingIsDecidedBeforeItsWorkersAccept() {
        var rollout = Rollout<String>(youngAge: youngAge)
        rollout.beginTrial(Probation(hasAnswered: true, deadly: []))
        #expect(rollout.nextStep(now: 0) == nil && [UInt64(0), .max].map { rollout.step([], hasAnswered: true, now: $0) } == [.none, .none])
    }
}

@Suite struct ReconciliationTests {
    /// Whatever happens on the way: in the end all workers run by one plan, and none is on its way.
    @Test(arguments: 0..<200) func everyCourseOfEventsComesToAnEnd(seed: UInt64) {
        var random = SeededNumbers(state: seed &* 0x9E37_79B9_7F4A_7C15 | 1)
        var model = Model(slots: 4)
        model.reload(to: "new", probation: Probation(hasAnswered: true, deadly: [9]))
        for _ in 0..<60 {
            let slot = Int(random.next() % 5)
            switch random.next() % 12 {
            case 0: model.failStart(slot)
            case 1, 2: model.kill(slot)
            case 3: model.die(slot, in: 9)
            case 4: model.scale(to: 1 + slot)
            case 5: model.handle(.replace(slot: slot))
            case 6: if !model.rollout.isRolling { model.reload(to: "another") }
            case 7, 8: model.pass(second / 10)
            default: model.ready(slot)
            }
        }
        model.finish()
        model.pass(20 * second)
        model.finish()
        // Where the old plan doesn't start either, everything stays as it is.
        #expect(model.said.contains("lost") || model.current.allSatisfy { $0 == model.version }, "seed \(seed): \(model.states)")
        #expect(model.starting == [] && !model.rollout.isRolling, "seed \(seed): \(model.said)")
    }
}

private struct SeededNumbers {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state >> 33
    }
}
