// An upgrade without a process: what the old master and the new one do at each point at which something can go wrong.

import Cluster
import Testing

@Suite struct UpgradeProgressTests {
    private func after(_ events: UpgradeProgress.Event...) -> (UpgradeProgress, last: [UpgradeProgress.Action]) {
        var progress = UpgradeProgress()
        var last: [UpgradeProgress.Action] = []
        for event in events { last = progress.handle(event) }
        return (progress, last)
    }

    @Test func aProgramThatIsReadyTakesOver() {
        let (progress, last) = after(.ready(workers: 3))
        #expect(last == [.handOver(workers: 3)] && progress.isCommitted && progress.workers == 3)
    }

    @Test(arguments: [UpgradeProgress.Event.channelEnded, .overdue]) func oneThatFailsBeforeIsKilledAndThisMasterStays(_ event: UpgradeProgress.Event) {
        let (progress, last) = after(event)
        #expect(last == [.kill, .stay] && !progress.isCommitted)
    }

    @Test func whatComesFromOneThatWasGivenUpCountsForNothing() {
        #expect(after(.overdue, .ready(workers: 1)).last == [])
        #expect(after(.overdue, .channelEnded).last == [])
    }

    @Test func anOrderToStopEndsOneThatHasNothingYet() {
        #expect(after(.stopOrdered).last == [.kill])
        #expect(after(.stopOrdered, .ready(workers: 1)).last == [])
    }

    @Test func anOrderToStopIsPassedOnToOneThatIsInCharge() {
        #expect(after(.ready(workers: 1), .stopOrdered).last == [.passOnOrder, .goOnHandingOver])
        // The second is for this master as well.
        #expect(after(.ready(workers: 1), .stopOrdered, .stopOrdered).last == [.passOnOrder])
    }

    @Test func oneThatDiesInChargeLeavesThisMasterOnItsWay() {
        #expect(after(.ready(workers: 1), .channelEnded).last == [])
        #expect(after(.ready(workers: 1), .overdue).last == [])
        #expect(after(.ready(workers: 1), .ready(workers: 2)).last == [])
    }
}

@Suite struct TakeoverStateTests {
    private func after(_ events: TakeoverState.Event...) -> (TakeoverState, last: [TakeoverState.Action]) {
        var state = TakeoverState(wanted: 2)
        var last: [TakeoverState.Action] = []
        for event in events { last = state.handle(event) }
        return (state, last)
    }

    @Test func theOldMasterIsToldOnceWhenAllAreReady() {
        #expect(after(.ready(1)).last == [])
        #expect(after(.ready(1), .ready(2)).last == [.report])
        #expect(after(.ready(2), .ready(1), .ready(2)).last == [])
    }

    @Test func workersAcceptWhenTheOldMasterLetsGo() {
        #expect(after(.ready(2), .begin).last == [.begin])
        #expect(after(.ready(2), .begin, .begin).last == [])
        #expect(after(.ready(2), .begin, .predecessorEnded).last == [.end])
    }

    @Test func aStartThatFailsBeforeLeavesTheOldMasterInCharge() {
        #expect(after(.startFailed).last == [.leave])
        // Once: the others are killed with it.
        #expect(after(.ready(2), .startFailed, .startFailed).last == [])
        #expect(after(.startFailed, .begin).last == [])
    }

    @Test func aStartThatFailsLaterIsLikeAnyOther() { #expect(after(.ready(2), .begin, .startFailed).last == []) }

    @Test func anOldMasterThatDiesEarlyLeavesItsPlaceAtOnce() {
        let (state, last) = after(.ready(1), .predecessorEnded)
        #expect(last == [.begin, .end] && !state.isUnderWay)
        #expect(after(.startFailed, .predecessorEnded).last == [.end])
    }
}
