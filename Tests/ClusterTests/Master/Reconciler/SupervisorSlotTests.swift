// Slots that come into use and go, generations, and successors.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

@Suite struct SupervisorSlotTests {
    @Test func eventsOfOtherGenerationsAndSlotsChangeNothing() {
        var cast = Cast()
        cast.ready(0)
        cast.end(0, .killed)
        cast.pass(until: 0)
        for event in [
            Supervisor.Event.ended(slot: 0, generation: 1, .killed, wasGood: true), .ready(slot: 0, generation: 9),
            .ended(slot: 7, generation: 1, .failedStart, wasGood: false), .ended(slot: -1, generation: 1, .failedStart, wasGood: false),
            .forkFailed(slot: 9, generation: 1), .replace(slot: 9),
        ] { #expect(cast.handle(event) == []) }
        #expect(cast.generations == [2, 1])
    }

    @Test func aForkThatFailsIsAFailedStart() {
        var cast = Cast(slots: 1)
        #expect(cast.handle(.forkFailed(slot: 0, generation: 1)) == [.startFailed(slot: 0, generation: 1, pause: .milliseconds(100))])
        #expect(cast.pass(until: 100 * millisecond).map(\.1) == [.fork(slot: 0, generation: 2)])
    }

    @Test func slotsComeIntoUseAndGoAndTheirGenerationsNeverRepeat() {
        var cast = Cast(slots: 1, capacity: 3)
        #expect(cast.supervisor.usedCount == 1)
        #expect([1, 1, 3].map { cast.supervisor.use($0) } == [true, false, false])
        #expect(cast.pass(until: 0).map(\.1) == [.fork(slot: 1, generation: 1)])
        cast.ready(1)
        cast.supervisor.disuse(1)
        #expect(cast.supervisor.usedCount == 1)
        #expect(cast.end(1, .requested) == [])
        #expect(cast.supervisor.nextWake == nil)
        #expect([1].map { cast.supervisor.use($0) } == [true])
        #expect(cast.pass(until: second).map(\.1) == [.fork(slot: 1, generation: 2)])
    }

    @Test func nothingStartsAfterTheStop() {
        var cast = Cast()
        cast.supervisor.stop()
        #expect(cast.end(0, .killed) == [])
        #expect(cast.supervisor.nextWake == nil)
    }

    // MARK: Successors

    @Test func aSuccessorThatIsReadyRetiresTheOldWorker() {
        var cast = Cast()
        cast.becomeGood()
        #expect(cast.handle(.replace(slot: 0)) == [.fork(slot: 0, generation: 2)])
        #expect(cast.handle(.replace(slot: 0)) == [])
        #expect(cast.ready(0) == [.retire(slot: 0, generation: 1)])
        #expect(cast.handle(.ended(slot: 0, generation: 1, .requested, wasGood: true)) == [])
        cast.end(0, .killed)
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 3)])
    }

    @Test func aWorkerWhoseStartHangsIsReplacedLikeOneThatServes() {
        var cast = Cast(slots: 1)
        #expect(cast.handle(.replace(slot: 0)) == [.fork(slot: 0, generation: 2)])
        #expect(cast.ready(0) == [.retire(slot: 0, generation: 1)])
        #expect(cast.handle(.ended(slot: 0, generation: 1, .failedStart, wasGood: false)) == [])
        #expect(cast.supervisor.nextWake == nil)
    }

    @Test func aSuccessorThatFailsLeavesTheOldWorkerItsSlot() {
        var cast = Cast()
        cast.becomeGood()
        cast.handle(.replace(slot: 0))
        #expect(cast.end(0, .failedStart) == [.replacementFailed(slot: 0, generation: 2, isFault: true)])
        cast.handle(.replace(slot: 0))
        #expect(cast.end(0, .killed) == [.replacementFailed(slot: 0, generation: 3, isFault: false)])
        cast.handle(.replace(slot: 0))
        #expect(cast.handle(.forkFailed(slot: 0, generation: 4)) == [.replacementFailed(slot: 0, generation: 4, isFault: true)])
        #expect(cast.handle(.ended(slot: 0, generation: 1, .killed, wasGood: true)) == [])
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 5)])
    }

    @Test func aSuccessorTakesTheSlotOfAWorkerThatDiesMeanwhile() {
        var cast = Cast()
        cast.becomeGood()
        cast.handle(.replace(slot: 0))
        #expect(cast.handle(.ended(slot: 0, generation: 1, .inRequest, wasGood: true)) == [])
        #expect(cast.supervisor.nextWake == nil)
        #expect(cast.ready(0) == [])
        cast.end(0, .killed)
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 3)])
    }

    @Test func aSuccessorWhoseStartFailsAfterALongServiceIsNoReasonToGiveUp() {
        var cast = Cast(slots: 1)
        cast.becomeGood()
        cast.now = 3600 * second
        cast.handle(.replace(slot: 0))
        cast.ready(0)
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 2, pause: nil)])
        cast.pass(until: cast.now + second)
        // From the last good moment on the time runs as ever.
        cast.now = 3660 * second
        #expect(cast.end(0, .failedStart).last == .giveUp)
    }
}
