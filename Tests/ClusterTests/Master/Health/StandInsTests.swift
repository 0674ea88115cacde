// Which workers get others in their place when none serves.

import Cluster
import Testing

private let millisecond: UInt64 = 1_000_000
private let second: UInt64 = 1000 * millisecond

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
