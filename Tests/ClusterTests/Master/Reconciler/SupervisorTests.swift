// When workers are started and replaced: events in, actions out, with times that the test makes up.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

@Suite struct SupervisorTests {
    @Test func everySlotStartsWithItsFirstGeneration() {
        var supervisor = Supervisor(slots: 2, policy: RespawnPolicy(), givesUp: true, now: 0, random: { 0.5 })
        #expect(supervisor.nextWake == 0)
        #expect(supervisor.handle(.timer, now: 0) == [.fork(slot: 0, generation: 1), .fork(slot: 1, generation: 1)])
        #expect(supervisor.nextWake == nil)
    }

    @Test func aThousandStartsLeaveTheMasterTimeInBetween() {
        var supervisor = Supervisor(slots: 1000, policy: RespawnPolicy(), givesUp: true, now: 0, random: { 0.5 })
        var turns = 0
        while supervisor.nextWake != nil {
            #expect(supervisor.handle(.timer, now: 0).count <= StartQueue.startsPerTurn)
            turns += 1
        }
        #expect(turns == 63)
    }

    @Test func whileNoWorkerServesAndStartsHangOthersAreTriedBesideThem() {
        var cast = Cast()
        cast.becomeGood()
        let begin = cast.now
        for slot in 0..<2 { cast.end(slot, .inRequest) }
        #expect(cast.pass(until: cast.now + second).map(\.1) == [.fork(slot: 0, generation: 2), .fork(slot: 1, generation: 2)])
        // Both hang. So does one more, and after twice the time another doesn't.
        #expect(cast.pass(until: begin + 3 * second).map(\.1) == [.fork(slot: 0, generation: 3)])
        #expect(cast.pass(until: begin + 5 * second).isEmpty)
        #expect(cast.pass(until: begin + 7 * second).map(\.1) == [.fork(slot: 1, generation: 3)])
        // It takes the place of the one that hangs; nothing more is tried.
        #expect(cast.ready(1) == [.retire(slot: 1, generation: 2)])
        #expect(cast.pass(until: begin + 40 * second).isEmpty)
        #expect(cast.supervisor.states.map(\.current?.generation) == [2, 3])
    }

    @Test func aSingleWorkersStartsAreTriedOneAfterTheOtherBesideTheFirst() {
        var cast = Cast(slots: 1)
        cast.becomeGood()
        cast.end(0, .killed)
        let begin = cast.now
        let actions = cast.pass(until: begin + 31 * second)
        #expect(
            actions.map(\.1) == [
                .fork(slot: 0, generation: 2), .fork(slot: 0, generation: 3), .retire(slot: 0, generation: 3), .fork(slot: 0, generation: 4),
                .retire(slot: 0, generation: 4), .fork(slot: 0, generation: 5), .retire(slot: 0, generation: 5), .fork(slot: 0, generation: 6),
            ])
        #expect(actions.map { ($0.at - begin) / second } == [0, 2, 6, 6, 14, 14, 30, 30])
        // The end of one that made place says nothing; that of the first leaves the slot to the last.
        #expect(cast.handle(.ended(slot: 0, generation: 4, .requested, wasGood: false)) == [])
        #expect(cast.handle(.ended(slot: 0, generation: 2, .failedStart, wasGood: false)) == [])
        #expect(cast.handle(.ready(slot: 0, generation: 6)) == [])
        #expect(cast.supervisor.states.map(\.current?.generation) == [6])
    }

    @Test func startsThatAreSlowByNatureHaveTheirTimeAndSoDoFirstOnes() {
        var cast = Cast(slots: 1)
        #expect(cast.pass(until: 60 * second).isEmpty)
        cast.supervisor.longestStart = 20 * second
        cast.becomeGood()
        cast.end(0, .killed)
        let begin = cast.now
        #expect(cast.pass(until: begin + 59 * second).count == 1)
        #expect(cast.pass(until: begin + 60 * second).map(\.1) == [.fork(slot: 0, generation: 3)])
    }

    @Test(arguments: [Death.inRequest, .killed, .afterService, .requested])
    func anEndThatIsNoFailedStartIsNoReasonToWaitHoweverYoungTheWorkerWas(_ death: Death) {
        var cast = Cast()
        for _ in 0..<10 {
            cast.ready(0)
            #expect(cast.end(0, death) == [])
            #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: cast.generations[0])])
        }
        #expect(cast.generations == [11, 1])
    }

    @Test func aFailedStartPausesOnlyItsOwnSlotAndOnlyWhileNoWorkerWasEverGood() {
        var cast = Cast()
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 1, pause: .milliseconds(100))])
        cast.ready(1)
        cast.pass(until: 99 * millisecond)
        #expect(cast.generations == [1, 1])
        cast.pass(until: 100 * millisecond)
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 2, pause: .milliseconds(200))])
        cast.pass(until: 2 * second)
        // Worker 1 has been ready for a second.
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 3, pause: nil)])
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 4)])
    }

    @Test func aWorkerThatAnsweredProvesItsPlan() {
        var cast = Cast()
        cast.ready(0)
        cast.end(0, .inRequest, wasGood: true)
        #expect(cast.supervisor.isProven)
        #expect(cast.end(1, .failedStart) == [.startFailed(slot: 1, generation: 1, pause: nil)])
    }

    @Test func anotherPlanHasToProveItselfAnew() {
        var cast = Cast()
        cast.becomeGood()
        cast.supervisor.changePlan(to: 1, isProven: false)
        // One of before proves nothing for it.
        cast.end(0, .inRequest, wasGood: true)
        cast.pass(until: cast.now)
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 2, pause: .milliseconds(100))])
        cast.supervisor.changePlan(to: 2, isProven: true)
        #expect(cast.end(1, .failedStart) == [.startFailed(slot: 1, generation: 1, pause: nil)])
    }
}
