// When the quarantine worker is started, and when it may go.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct QuarantineSupervisorTests {
    private static func supervisor() -> QuarantineSupervisor { QuarantineSupervisor(policy: RespawnPolicy()) }

    @Test func itPausesAsTheSettingsOfTheLastReloadSay() {
        var policy = RespawnPolicy()
        policy.firstDelay = .seconds(1)
        var supervisor = QuarantineSupervisor(policy: policy)
        func pause() -> UInt64? {
            _ = supervisor.update(isNeeded: true, now: 0)
            supervisor.ended(generation: 1, hasServed: false, random: 0.5, now: 0)
            defer { _ = supervisor.reset() }
            return supervisor.nextUpdate(isNeeded: true)
        }
        #expect(pause() == 1_000_000_000)
        policy.firstDelay = .seconds(2)
        supervisor.policy = policy
        _ = supervisor.update(isNeeded: true, now: 0)
        supervisor.ended(generation: 2, hasServed: false, random: 0.5, now: 0)
        #expect(supervisor.nextUpdate(isNeeded: true) == 2_000_000_000)
    }

    @Test func theWorkerStartsWhenItIsNeededAndStaysAWhileWithoutNeed() {
        var supervisor = Self.supervisor()
        #expect(supervisor.update(isNeeded: false, now: second) == [])
        #expect(supervisor.nextUpdate(isNeeded: false) == nil)
        #expect(supervisor.update(isNeeded: true, now: second) == [.fork(generation: 1)])
        supervisor.becameReady(generation: 1)
        #expect(supervisor.update(isNeeded: false, now: 10 * second) == [])
        #expect(supervisor.nextUpdate(isNeeded: false) == 15 * second)
        #expect(supervisor.update(isNeeded: false, now: 15 * second) == [.drain(generation: 1)])
        #expect(supervisor.update(isNeeded: true, now: 16 * second) == [.fork(generation: 2)])
    }

    @Test func itsDeathsAreBounded() {
        var supervisor = Self.supervisor()
        var starts = 0
        for millisecond: UInt64 in 0..<2000 {
            let now = second + millisecond * 1_000_000
            for case .fork(let generation) in supervisor.update(isNeeded: true, now: now) {
                starts += 1
                supervisor.becameReady(generation: generation)
                supervisor.ended(generation: generation, hasServed: true, random: 0.5, now: now)
            }
        }
        // 20 in a row, then 20 a second.
        #expect((55...62).contains(starts), "\(starts)")
    }

    @Test func startsThatFailPause() {
        var supervisor = Self.supervisor()
        #expect(supervisor.update(isNeeded: true, now: second) == [.fork(generation: 1)])
        supervisor.ended(generation: 1, hasServed: false, random: 0.5, now: second)
        #expect(supervisor.update(isNeeded: true, now: second) == [])
        #expect(supervisor.nextUpdate(isNeeded: true) == second + second / 10)
        #expect(supervisor.update(isNeeded: true, now: second + second / 10) == [.fork(generation: 2)])
    }

    @Test func threeStartsThatFailedMeanThatItCantBeHadUntilOneIsReady() {
        var supervisor = Self.supervisor()
        var now = second
        for turn in 1...3 {
            #expect(supervisor.update(isNeeded: true, now: now) == [.fork(generation: turn)])
            #expect(!supervisor.isDown)
            supervisor.ended(generation: turn, hasServed: false, random: 0.5, now: now)
            now += second
        }
        #expect(supervisor.update(isNeeded: true, now: now + 10 * second) == [.fork(generation: 4)])
        #expect(supervisor.isDown)
        supervisor.becameReady(generation: 4)
        #expect(!supervisor.isDown)
    }

    @Test func aStartThatTakesTenSecondsMeansTheSameAndIsLookedAtThen() {
        var supervisor = Self.supervisor()
        _ = supervisor.update(isNeeded: true, now: second)
        #expect(supervisor.nextUpdate(isNeeded: true) == 11 * second)
        _ = supervisor.update(isNeeded: true, now: 11 * second)
        #expect(supervisor.isDown && supervisor.nextUpdate(isNeeded: true) == nil)
        _ = supervisor.reset()
        #expect(!supervisor.isDown)
    }

    @Test func deathsOfOneThatServedDontMeanThatItCantBeHad() {
        var supervisor = Self.supervisor()
        for turn: UInt64 in 1...50 {
            for case .fork(let generation) in supervisor.update(isNeeded: true, now: turn * second) {
                supervisor.becameReady(generation: generation)
                supervisor.ended(generation: generation, hasServed: true, random: 0.5, now: turn * second)
            }
            #expect(!supervisor.isDown)
        }
    }

    @Test func aNewDescriptionBeginsWithoutTheWorkerAndIgnoresItsEnd() {
        var supervisor = Self.supervisor()
        _ = supervisor.update(isNeeded: true, now: second)
        #expect(supervisor.reset() == [.drain(generation: 1)])
        #expect(supervisor.update(isNeeded: true, now: second) == [.fork(generation: 2)])
        supervisor.ended(generation: 1, hasServed: false, random: 0.5, now: second)
        #expect(supervisor.isPresent)
    }
}
