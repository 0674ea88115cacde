// Whether a worker's loop turns.

import Cluster
import Testing

private let millisecond: UInt64 = 1_000_000
private let second: UInt64 = 1000 * millisecond

@Suite struct PulseTests {
    /// A worker that last moved at second 10, seen each 20 ms from then on.
    private struct Observed {
        var pulse = Pulse(beatInterval: .seconds(1))
        var now = 10 * second
        var progress: UInt64 = 0
        var beat = 10 * second
        var heldSince: UInt64 = 0

        init() { _ = look() }

        /// What its thread does, and how much of its time it has a CPU.
        var state = Watchdog.State.runnable
        var share = 0.0
        var cpu = 0.0

        mutating func look(_ isAwaited: Bool = false, after: UInt64 = 20 * millisecond) -> Pulse.Action? {
            now += after
            cpu += Double(after) * share
            return pulse.looked(
                .init(progress: progress, beat: beat, heldSince: heldSince), isAwaited: isAwaited, elapsed: after, now: now
            ) { ThreadStatus(state: state, cpuNanoseconds: UInt64(cpu)) }
        }

        /// Requests that take so long each, one after the other in one turn of the loop.
        mutating func serves(_ count: Int, each: UInt64, share: Double, state: Watchdog.State = .runnable) {
            (self.share, self.state) = (share, state)
            for _ in 0..<count {
                heldSince = now
                for _ in 0..<max(each / (20 * millisecond), 1) { if look() == .ask { asked += 1 } }
                progress += 1
            }
        }

        var asked = 0

        mutating func actions(_ count: Int, _ isAwaited: Bool = false) -> [Pulse.Action] {
            (0..<count).compactMap { _ in look(isAwaited) }
        }
    }

    @Test func anIdleWorkerIsNotAsked() {
        var worker = Observed()
        #expect(worker.actions(50) == [])
        #expect(!worker.pulse.isInDoubt)
    }

    @Test func oneForWhomConnectionsWaitIsAskedAndIsStuckAfterThreeLooks() {
        var worker = Observed()
        #expect(worker.look(true) == .ask)
        #expect(worker.actions(2, true) == [])
        #expect(worker.look(true) == .stuck)
        #expect(worker.actions(20, true) == [])
        worker.beat = worker.now
        #expect(worker.look(true) == .recovered)
        #expect(!worker.pulse.isStuck)
    }

    @Test func oneThatAnswersIsNotStuckAndNotAskedAtEachLook() {
        var worker = Observed()
        var asked = 0
        for _ in 0..<60 {
            if worker.look(true) == .ask {
                asked += 1
                worker.beat = worker.now
            }
        }
        #expect(!worker.pulse.isStuck)
        #expect((5...20).contains(asked))
    }

    @Test func aRequestThatRunsForLongRaisesDoubtThoughNothingWaits() {
        var worker = Observed()
        worker.heldSince = worker.now
        #expect(worker.actions(30) == [.ask, .stuck])
        #expect(worker.pulse.stuckSince == worker.heldSince)
    }

    @Test(arguments: [100, 200, 700, 1800] as [UInt64]) func requestsThatFollowEachOtherHoldItForAsLongAsTheLoopDoesNotTurn(_ each: UInt64) {
        for (share, state) in [(1.0, Watchdog.State.runnable), (0.25, .runnable), (0, .blocked)] {
            var worker = Observed()
            worker.serves(Int(3000 / each) + 1, each: each * millisecond, share: share, state: state)
            #expect(worker.pulse.stuckSince == 10 * second + 20 * millisecond, "\(each) \(share) \(state)")
            #expect(worker.asked >= 1)
            worker.beat = worker.now
            _ = worker.look()
            #expect(worker.pulse.stuckSince == nil && !worker.pulse.isStuck)
        }
    }

    @Test func manyFastRequestsInOneTurnDoNotHoldIt() {
        var worker = Observed()
        worker.serves(500, each: 20 * millisecond, share: 1)
        #expect(worker.pulse.stuckSince == nil && !worker.pulse.isStuck)
    }

    @Test func fastRequestsOfAWorkerThatGetsNoProcessorDoNotHoldIt() {
        var worker = Observed()
        worker.serves(20, each: 400 * millisecond, share: 0.01)
        // Not for longer than the one that it is in.
        #expect(worker.pulse.stuckSince.map { $0 >= worker.heldSince } ?? true)
        #expect(worker.pulse.longHold == nil)
    }

    @Test func aStoppedWorkerIsOutAndItsRequestIsNotToBlame() {
        var worker = Observed()
        worker.serves(1, each: 3000 * millisecond, share: 0, state: .stopped)
        #expect(worker.pulse.stuckSince == 10 * second + 20 * millisecond)
        #expect(worker.pulse.longHold == nil)
    }

    @Test func answersAreNoSignOfLife() {
        var worker = Observed()
        worker.serves(1, each: 1000 * millisecond, share: 1)
        #expect(worker.pulse.isStuck)
        worker.heldSince = worker.now
        #expect(worker.actions(5) == [])
        #expect(worker.pulse.isStuck)
        worker.beat = worker.now
        #expect(worker.look() == .recovered)
    }

    @Test func aRequestIsLongByItsOwnWork() {
        var worker = Observed()
        worker.serves(3, each: 200 * millisecond, share: 1)
        #expect(worker.pulse.longHold == nil)
        worker.serves(1, each: 400 * millisecond, share: 0.5)
        #expect(worker.pulse.longHold == worker.heldSince)
    }

    @Test func aLateSignOfLifeAndOneFromTheFutureRaiseDoubt() {
        var worker = Observed()
        #expect(worker.actions(200) == [.ask, .stuck])
        worker.beat = .max
        #expect(worker.look() == .recovered)
        #expect(worker.look() == .ask)
    }

    @Test func aMasterThatWasHeldUpIsNotCertainAtOnce() {
        var worker = Observed()
        #expect(worker.look(true) == .ask)
        #expect(worker.look(true, after: 60 * second) == nil)
        #expect(worker.look(true) == .stuck)
        #expect(worker.pulse.stuckSince == nil)
        _ = worker.actions(12, true)
        #expect(worker.pulse.stuckSince == 10 * second)
    }

    @Test func withoutRegularSignsNoneIsLate() {
        var pulse = Pulse(beatInterval: nil)
        let reading = Pulse.Reading(progress: 1, beat: second, heldSince: 0)
        for time in 2..<200 as Range<UInt64> {
            #expect(pulse.looked(reading, isAwaited: false, elapsed: second, now: time * second) == nil)
        }
    }

    /// A worker that is well is looked at every tenth time (LookPlan).
    @Test(arguments: [200, 500] as [UInt64]) func aRequestThatHoldsTheLoopIsNoticedInTimeAlsoWhereLooksAreRare(_ interval: UInt64) {
        var worker = Observed()
        worker.share = 1
        worker.heldSince = worker.now
        let begin = worker.now
        while worker.pulse.stuckSince == nil, worker.now < begin + 10 * second {
            _ = worker.look(after: worker.pulse.isInDoubt ? 20 * millisecond : interval * millisecond)
        }
        #expect(worker.now - begin <= 1200 * millisecond)
        #expect(worker.pulse.stuckSince == begin)
    }
}
