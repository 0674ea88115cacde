// Reloads: one slot after the other gets a worker by the new plan.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

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
