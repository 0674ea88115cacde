// What brings the old plan back.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let youngAge = second

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
