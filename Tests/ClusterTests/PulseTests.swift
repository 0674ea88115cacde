// Whether a worker's loop turns, and which workers get others in their place.

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
}

@Suite struct QueueJudgeTests {
    private let look = 20 * millisecond

    @Test func whatIsTakenNeedsNoLook() {
        var judge = QueueJudge()
        for taken in 1...500 as ClosedRange<UInt32> {
            #expect(!judge.needsLook(taken: taken))
            #expect(judge.looked(isWaiting: nil, taken: taken, elapsed: look) == .fine)
        }
        #expect(judge.needsLook(taken: 500))
    }

    @Test func whatWaitsForASecondIsUnattendedOncePerSecond() {
        var judge = QueueJudge()
        let verdicts = (0..<100).map { _ in judge.looked(isWaiting: true, taken: 0, elapsed: look) }
        #expect(verdicts.count { $0 == .unattended } == 2)
        #expect(verdicts[49] == .unattended)
        #expect(verdicts[..<49].allSatisfy { $0 == .waits })
    }

    @Test func aQueueThatIsSeenEmptyIsAttended() {
        var judge = QueueJudge()
        for turn in 0..<500 {
            let verdict = judge.looked(isWaiting: turn % 40 != 0, taken: 0, elapsed: look)
            #expect(verdict != .unattended)
        }
    }

    @Test func aQueueThatIsNeverEmptyIsUnattendedThoughOthersAreTaken() {
        var judge = QueueJudge()
        var unattended = 0
        for taken in 1...250 as ClosedRange<UInt32> {
            if judge.looked(isWaiting: taken % 25 == 0 ? true : nil, taken: taken, elapsed: look) == .unattended { unattended += 1 }
        }
        #expect(unattended == 0)
        for taken in 251...275 as ClosedRange<UInt32> {
            if judge.looked(isWaiting: taken % 25 == 0 ? true : nil, taken: taken, elapsed: look) == .unattended { unattended += 1 }
        }
        #expect(unattended == 1)
    }

    @Test func tenLooksAtNothingEndTheWatch() {
        var judge = QueueJudge()
        let verdicts = (0..<10).map { _ in judge.looked(isWaiting: false, taken: 0, elapsed: look) }
        #expect(verdicts == Array(repeating: .fine, count: 9) + [.quiet])
    }
}

@Suite struct StandInsTests {
    private typealias Worker = StandIns.Worker

    private func worker(
        _ slot: Int, out: UInt64?, current: Bool = true, successor: Bool = false, pid: Int32? = nil, request: UInt64? = nil
    ) -> Worker {
        Worker(
            pid: pid ?? Int32(100 + slot), slot: slot, isCurrent: current, hasSuccessor: successor, outSince: out, request: request ?? out)
    }

    @Test func asLongAsOneServesNothingHappens() {
        var standIns = StandIns(patience: .seconds(2), workers: 2)
        #expect(standIns.decide([worker(0, out: 1), worker(1, out: nil)], limit: 2, now: 60 * second) == [])
        #expect(standIns.decide([worker(0, out: 1), worker(1, out: 59 * second)], limit: 2, now: 60 * second) == [])
        #expect(standIns.decide([], limit: 2, now: 60 * second) == [])
    }

    @Test func whenNoneServesForTwoSecondsEachGetsASuccessorTheLongestStuckFirst() {
        var standIns = StandIns(patience: .seconds(2), workers: 2)
        let workers = [worker(0, out: 5 * second), worker(1, out: second)]
        #expect(standIns.decide(workers, limit: 2, now: 7 * second) == [.noneServes, .start(slot: 1), .start(slot: 0)])
        // Said once, and those that start already don't start again.
        let starting = [worker(0, out: 5 * second, successor: true), worker(1, out: second, successor: true)]
        #expect(standIns.decide(starting, limit: 2, now: 8 * second) == [])
    }

    @Test func beyondAsManyAsThereAreWorkersTheLongestStuckOneIsKilled() {
        var standIns = StandIns(patience: .seconds(2), workers: 2)
        let workers = [
            worker(0, out: 20 * second), worker(1, out: 21 * second), worker(0, out: 4 * second, current: false, pid: 7),
            worker(1, out: 3 * second, current: false, pid: 8),
        ]
        #expect(
            standIns.decide(workers, limit: 2, now: 30 * second)
                == [.noneServes, .kill(pid: 8), .start(slot: 0), .kill(pid: 7), .start(slot: 1)])
    }

    @Test func theirStartsAreBounded() {
        var standIns = StandIns(patience: .seconds(2), workers: 1)
        var starts = 0
        // Each gets stuck at once.
        for turn in 0..<500 as Range<UInt64> {
            let actions = standIns.decide([worker(0, out: 1)], limit: 1000, now: 10 * second + turn * 20 * millisecond)
            starts += actions.count { $0 == .start(slot: 0) }
        }
        #expect((10...11).contains(starts))
    }

    @Test func whatHoldsAllWorkersIsKnownFromTheFirstMomentToTheLast() {
        let standIns = StandIns(patience: .seconds(2), workers: 2)
        #expect(standIns.holding([worker(0, out: second), worker(1, out: nil)], now: 9 * second) == [])
        let all = [worker(0, out: second), worker(1, out: 8 * second)]
        #expect(standIns.holding(all, now: 9 * second) == [])
        #expect(standIns.holding(all, now: 10 * second) == [100, 101])
        // One goes on, the other's successor serves.
        let standing = [worker(1, out: 8 * second, current: false), worker(0, out: nil, pid: 200), worker(1, out: nil, pid: 201)]
        #expect(standIns.holding(standing, now: 11 * second) == [101])
        #expect(standIns.holding(Array(standing.dropFirst()), now: 12 * second) == [])
        #expect(standIns.holding([], now: 12 * second) == [])
    }

    @Test func aHoldCountsOnceAndOnlyWhereNoneServesOrStandInsDo() {
        var standIns = StandIns(patience: .seconds(2), workers: 2)
        #expect(standIns.held([worker(0, out: second), worker(1, out: nil)], now: 9 * second) == [])
        let all = [worker(0, out: second), worker(1, out: 8 * second)]
        #expect(standIns.held(all, now: 9 * second) == [])
        #expect(standIns.held(all, now: 10 * second) == [100, 101])
        #expect(standIns.held(all, now: 11 * second) == [])
        // One of the two that stand in is held, the other serves.
        let replaced = [worker(0, out: second, current: false), worker(1, out: 8 * second, current: false)]
        let standing = replaced + [worker(0, out: 12 * second, pid: 200), worker(1, out: nil, pid: 201)]
        #expect(standIns.held(standing, now: 13 * second) == [])
        #expect(standIns.held(standing, now: 14 * second) == [200])
        #expect(standIns.held(standing, now: 15 * second) == [])
    }

    @Test func eachLongRequestCountsWhileNoneServes() {
        var standIns = StandIns(patience: .seconds(2), workers: 1)
        for request in [second, 2 * second, 3 * second] as [UInt64] {
            let isOver = request > second
            #expect(standIns.held([worker(0, out: second, request: request)], now: request + second) == (isOver ? [100] : []))
            #expect(standIns.held([worker(0, out: second, request: request)], now: request + second) == [])
        }
        let fast = Worker(pid: 100, slot: 0, isCurrent: true, hasSuccessor: false, outSince: second)
        #expect(standIns.held([fast], now: 9 * second) == [])
    }

    @Test func longRequestsOfReplacedWorkersCountToo() {
        var standIns = StandIns(patience: .seconds(2), workers: 1)
        let young = Worker(pid: 100, slot: 0, isCurrent: true, hasSuccessor: false, outSince: second)
        #expect(standIns.held([young], now: 3 * second) == [])
        let standIn = worker(0, out: nil, pid: 200)
        let replaced = worker(0, out: second, current: false, request: 3 * second)
        #expect(standIns.held([replaced, standIn], now: 4 * second) == [100])
        #expect(standIns.held([replaced, standIn], now: 5 * second) == [])
    }

    @Test func itCanBeTurnedOff() {
        var standIns = StandIns(patience: nil, workers: 1)
        #expect(standIns.held([worker(0, out: 1)], now: 60 * second) == [])
        #expect(standIns.decide([worker(0, out: 1)], limit: 1, now: 60 * second) == [])
    }
}
