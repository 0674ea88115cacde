// A program that took another one's place is on trial; and whatever happens on the way, a rollout comes to an end.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let youngAge = second

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
