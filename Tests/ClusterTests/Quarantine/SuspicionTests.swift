// What deaths prove, and against which requests: the policy behind quarantine, without processes or clocks.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct SuspicionTests {
    private static func policy(_ change: (inout QuarantinePolicy) -> Void = { _ in }) -> QuarantinePolicy {
        var policy = QuarantinePolicy()
        change(&policy)
        return policy
    }

    private static func ran(_ endpoint: UInt64, _ path: UInt64) -> Suspicion.Evidence {
        Suspicion.Evidence(ran: .init(endpoint: endpoint, path: path))
    }

    @Test func threeDeathsOnOnePathMakeThatPathSuspect() {
        var suspicion = Suspicion(policy: Self.policy())
        #expect(suspicion.died(Self.ran(7, 1), now: second) == [])
        #expect(suspicion.died(Self.ran(7, 1), now: 2 * second) == [])
        #expect(suspicion.died(Self.ran(7, 1), now: 3 * second) == [.began(.init(endpoint: 7, path: 1))])
    }

    @Test func threeDeathsOnThreePathsMakeTheEndpointSuspect() {
        var suspicion = Suspicion(policy: Self.policy())
        #expect(suspicion.died(Self.ran(7, 1), now: second) == [])
        #expect(suspicion.died(Self.ran(7, 2), now: second) == [])
        #expect(suspicion.died(Self.ran(7, 3), now: second) == [.began(.init(endpoint: 7))])
    }

    @Test func twoPathsThatTakeTurnsAreBothSuspectAtTheThirdDeathAndAThirdPathTakesTheWholeEndpoint() {
        var suspicion = Suspicion(policy: Self.policy())
        _ = suspicion.died(Self.ran(7, 1), now: second)
        _ = suspicion.died(Self.ran(7, 2), now: second)
        #expect(suspicion.died(Self.ran(7, 1), now: second) == [.began(.init(endpoint: 7, path: 1)), .began(.init(endpoint: 7, path: 2))])
        #expect(suspicion.died(Self.ran(7, 3), now: second) == [.began(.init(endpoint: 7))])
        #expect(Array(suspicion.entries.keys) == [.init(endpoint: 7)])
    }

    @Test func deathsThatAreFurtherApartThanTheWindowDontAddUp() {
        var suspicion = Suspicion(policy: Self.policy())
        for time: UInt64 in [1, 31, 62, 93] { #expect(suspicion.died(Self.ran(7, 1), now: time * second) == []) }
    }

    @Test func whatHeldItsWorkersForLongIsRememberedForLonger() {
        var suspicion = Suspicion(policy: Self.policy())
        var changes: [Suspicion.Change] = []
        for time: UInt64 in [30, 98, 166] {
            var evidence = Self.ran(7, 1)
            evidence.held = 30 * second
            changes += suspicion.died(evidence, now: time * second)
        }
        #expect(changes == [.began(.init(endpoint: 7, path: 1))])
        var endless = Self.ran(8, 1)
        endless.held = .max
        for _ in 0..<3 { changes += suspicion.died(endless, now: .max - 1) }
        #expect(changes.count == 2)
    }

    @Test func deathsOfDifferentEndpointsDontAddUp() {
        var suspicion = Suspicion(policy: Self.policy())
        for endpoint: UInt64 in 1...10 { #expect(suspicion.died(Self.ran(endpoint, 1), now: second) == []) }
    }

    private static func dominant(_ path: UInt64) -> Suspicion.Evidence {
        var evidence = ran(7, path)
        evidence.dominant = 7
        return evidence
    }

    @Test func whatAnsweredMostRequestsIsSuspectByPathOnlyAndByEachPathsOwnDeaths() {
        var suspicion = Suspicion(policy: Self.policy())
        for path: UInt64 in [1, 2, 3, 1, 2, 3] { #expect(suspicion.died(Self.dominant(path), now: second) == []) }
        #expect(suspicion.died(Self.dominant(2), now: second) == [.began(.init(endpoint: 7, path: 2))])
        #expect(suspicion.died(Self.dominant(9), now: second) == [])
    }

    @Test func deathsOnEverNewPathsOfWhatAnsweredMostRequestsBeginAndEndNothing() {
        var suspicion = Suspicion(policy: Self.policy())
        for path: UInt64 in 1...1000 { #expect(suspicion.died(Self.dominant(path), now: second + path) == []) }
    }

    @Test func whatLostItsPlaceInTheTableIsAccusedAnew() {
        var suspicion = Suspicion(policy: Self.policy())
        for endpoint: UInt64 in 1...UInt64(Suspicion.capacity) + 1 {
            for _ in 0..<3 { _ = suspicion.died(Self.ran(endpoint, 1), now: endpoint * second / 100) }
        }
        #expect(suspicion.entries[.init(endpoint: 1, path: 1)] == nil)
        // Those that it was accused by have been forgotten with the window.
        #expect(suspicion.died(Self.ran(1, 1), now: 603 * second / 10) == [])
    }

    @Test func oneDeathIsEnoughWhereTheNextWouldTakeTheLastWorker() {
        var suspicion = Suspicion(policy: Self.policy())
        var evidence = Self.ran(7, 1)
        evidence.isLastChance = true
        #expect(suspicion.died(evidence, now: second) == [.began(.init(endpoint: 7))])
    }

    @Test func aRequestWithoutAnEndpointAccusesNothing() {
        var suspicion = Suspicion(policy: Self.policy())
        for _ in 0..<10 { #expect(suspicion.died(Self.ran(0, 1), now: second) == []) }
    }

    @Test func zeroDeathsTurnItOff() {
        var suspicion = Suspicion(policy: Self.policy { $0.deaths = 0 })
        for _ in 0..<10 { #expect(suspicion.died(Self.ran(7, 1), now: second) == []) }
    }

    // MARK: Requests that waited

    @Test func aSteadySlowEndpointIsNotBlamedForItsNeighbour() {
        var suspicion = Suspicion(policy: Self.policy())
        for _ in 0..<20 {
            var evidence = Suspicion.Evidence(waiting: [1])
            evidence.usual = [1]
            #expect(suspicion.died(evidence, now: second) == [])
        }
    }

    @Test func whatWaitedAtEveryDeathAndRarelyOtherwiseIsSuspect() {
        var suspicion = Suspicion(policy: Self.policy())
        var changes: [Suspicion.Change] = []
        for others: Set<UInt64> in [[1, 2, 9], [1, 3, 9], [1, 2, 9]] {
            var evidence = Suspicion.Evidence(waiting: others)
            evidence.usual = [1]
            changes += suspicion.died(evidence, now: second)
        }
        #expect(changes == [.began(.init(endpoint: 9))])
    }

    @Test func whatWaitedAtADeathThatHadARunnerIsNotAccused() {
        var suspicion = Suspicion(policy: Self.policy())
        for path: UInt64 in 1...3 {
            var evidence = Self.ran(7, path)
            evidence.waiting = [9]
            _ = suspicion.died(evidence, now: second)
        }
        #expect(Array(suspicion.entries.keys) == [.init(endpoint: 7)])
    }

    /// The slow endpoint 1 and the deadly one 9, in flight at three deaths.
    private static func accusedTogether() -> Suspicion {
        var suspicion = Suspicion(policy: policy())
        for _ in 0..<3 { _ = suspicion.died(Suspicion.Evidence(waiting: [1, 9]), now: second) }
        return suspicion
    }

    @Test func whatWasAccusedTogetherIsServedApartAndReleasedWhenTheOtherKillsWithoutIt() {
        var suspicion = Self.accusedTogether()
        #expect(suspicion.entries.count == 2 && suspicion.isAmbiguous)
        let alone = Suspicion.Evidence(waiting: [9])
        #expect(suspicion.diedInQuarantine(alone, now: 2 * second) == [])
        #expect(suspicion.diedInQuarantine(alone, now: 2 * second) == [])
        #expect(suspicion.diedInQuarantine(alone, now: 2 * second) == [.released(.init(endpoint: 1))])
        #expect(!suspicion.isAmbiguous)
        // What it was accused by no longer counts.
        #expect(suspicion.died(Suspicion.Evidence(waiting: [1]), now: 2 * second) == [])
    }

    @Test func whatWasThereAtADeathStaysAndADeathProlongsNothingElse() {
        var suspicion = Self.accusedTogether()
        for waiting: Set<UInt64> in [[9], [9], [1], [9], [9], [1]] {
            #expect(suspicion.diedInQuarantine(Suspicion.Evidence(waiting: waiting), now: 2 * second) == [])
        }
        _ = suspicion.diedInQuarantine(Suspicion.Evidence(waiting: [9]), now: 20 * second)
        #expect(suspicion.expire(now: 32 * second) == [.ended(.init(endpoint: 1))])
    }

    @Test func whatWasAccusedByOtherDeathsIsNotReleasedByThese() {
        var suspicion = Suspicion(policy: Self.policy())
        for waiting: UInt64 in [1, 1, 1, 9, 9, 9] { _ = suspicion.died(Suspicion.Evidence(waiting: [waiting]), now: second + waiting) }
        for _ in 0..<5 { #expect(suspicion.diedInQuarantine(Suspicion.Evidence(waiting: [9]), now: 2 * second) == []) }
        #expect(suspicion.entries.count == 2)
    }

    @Test func whatRanWhenItsWorkerDiedNeedsNoOtherToBeAbsent() {
        var suspicion = Suspicion(policy: Self.policy())
        for _ in 0..<3 { _ = suspicion.died(Self.ran(7, 1), now: second) }
        for _ in 0..<3 { _ = suspicion.died(Self.ran(8, 1), now: second) }
        #expect(!suspicion.isAmbiguous)
        for _ in 0..<5 { #expect(suspicion.diedInQuarantine(Suspicion.Evidence(waiting: [8]), now: second) == []) }
    }

    // MARK: Requests that hold workers

    @Test func whatHoldsWorkersIsKeptAwayUntilItNoLongerDoes() {
        var suspicion = Suspicion(policy: Self.policy())
        #expect(suspicion.held([.init(endpoint: 7, path: 1)], dominant: nil) == true)
        #expect(suspicion.held([.init(endpoint: 7, path: 1)], dominant: nil) == false)
        #expect(suspicion.keptAway == [.init(endpoint: 7, path: 1)])
        #expect(suspicion.entries.isEmpty)
        #expect(suspicion.held([], dominant: nil) == true)
        #expect(suspicion.keptAway == [])
    }

    @Test func twoPathsThatHoldWorkersStandForTheEndpointUnlessItAnsweredMost() {
        var suspicion = Suspicion(policy: Self.policy())
        let requests: Set<Suspicion.Request> = [.init(endpoint: 7, path: 1), .init(endpoint: 7, path: 2), .init(endpoint: 8, path: 1)]
        #expect(suspicion.held(requests, dominant: nil) == true)
        #expect(suspicion.keptAway == [.init(endpoint: 7), .init(endpoint: 8, path: 1)])
        #expect(suspicion.held(requests, dominant: 7) == true)
        #expect(suspicion.keptAway == [.init(endpoint: 7, path: 1), .init(endpoint: 7, path: 2), .init(endpoint: 8, path: 1)])
    }

    @Test func holdersWithoutAnEndpointAndThoseWhereQuarantineIsOffKeepNothingAway() {
        var suspicion = Suspicion(policy: Self.policy())
        #expect(suspicion.held([.init(endpoint: 0, path: 1)], dominant: nil) == false)
        var off = Suspicion(policy: Self.policy { $0.deaths = 0 })
        #expect(off.held([.init(endpoint: 7, path: 1)], dominant: nil) == false)
    }

    @Test func theirTableIsBoundedBesideThatOfTheQuarantined() {
        var suspicion = Suspicion(policy: Self.policy())
        for endpoint: UInt64 in 1...100 { for _ in 0..<3 { _ = suspicion.died(Self.ran(endpoint, 1), now: second) } }
        _ = suspicion.held(Set((1001...1100).map { .init(endpoint: $0, path: 1) }), dominant: nil)
        #expect(suspicion.keptAway.count == QuarantineList.capacity)
    }

    @Test func whatWasKeptAwayAndKillsTheQuarantineWorkerGathersEvidence() {
        var suspicion = Suspicion(policy: Self.policy())
        _ = suspicion.held([.init(endpoint: 7, path: 1)], dominant: nil)
        #expect(suspicion.died(Self.ran(7, 1), now: second) == [])
        #expect(suspicion.diedInQuarantine(Self.ran(7, 1), now: 2 * second) == [])
        #expect(suspicion.diedInQuarantine(Self.ran(7, 1), now: 3 * second) == [.began(.init(endpoint: 7, path: 1))])
    }

    // MARK: Ends

    private static func quarantined(_ policy: QuarantinePolicy = QuarantinePolicy(), at now: UInt64) -> Suspicion {
        var suspicion = Suspicion(policy: policy)
        for _ in 0..<3 { _ = suspicion.died(ran(7, 1), now: now) }
        return suspicion
    }

    @Test func quarantineEndsThirtySecondsAfterTheLastDeath() {
        var suspicion = Self.quarantined(at: second)
        #expect(suspicion.nextEnd == 31 * second)
        #expect(suspicion.diedInQuarantine(Self.ran(7, 1), now: 20 * second) == [])
        #expect(suspicion.expire(now: 50 * second - 1) == [])
        #expect(suspicion.expire(now: 50 * second) == [.ended(.init(endpoint: 7, path: 1))])
        #expect(suspicion.nextEnd == nil)
    }

    @Test func aRelapseTakesOneDeathAndDoublesTheTimeUpToTheLongest() {
        var suspicion = Self.quarantined(at: second)
        var now = second
        var lengths: [UInt64] = []
        for _ in 0..<7 {
            let end = suspicion.nextEnd ?? 0
            lengths.append((end - now) / second)
            now = end
            _ = suspicion.expire(now: now)
            #expect(suspicion.died(Self.ran(7, 1), now: now) == [.began(.init(endpoint: 7, path: 1))])
        }
        #expect(lengths == [30, 60, 120, 240, 480, 600, 600])
    }

    @Test func whatBehavedForLongAfterwardsBeginsAnew() {
        var suspicion = Self.quarantined(at: second)
        _ = suspicion.expire(now: 31 * second)
        #expect(suspicion.died(Self.ran(7, 1), now: 31 * second + 61 * second) == [])
    }

    @Test func aDeathInQuarantineProlongsOnlyWhatRan() {
        var suspicion = Self.quarantined(at: second)
        for _ in 0..<3 { _ = suspicion.died(Self.ran(8, 1), now: second) }
        #expect(suspicion.diedInQuarantine(Self.ran(8, 1), now: 20 * second) == [])
        #expect(suspicion.expire(now: 31 * second) == [.ended(.init(endpoint: 7, path: 1))])
    }

    @Test func theTableIsBoundedAndTheOldestGivesItsPlace() {
        var suspicion = Suspicion(policy: Self.policy())
        var ended = 0
        for endpoint: UInt64 in 1...200 {
            for _ in 0..<3 {
                ended += suspicion.died(Self.ran(endpoint, 1), now: second + endpoint).count { if case .ended = $0 { true } else { false } }
            }
        }
        #expect(suspicion.entries.count == Suspicion.capacity)
        #expect(ended == 200 - Suspicion.capacity)
        #expect(suspicion.entries[.init(endpoint: 200, path: 1)] != nil)
    }
}

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
        #expect(supervisor.update(isNeeded: false, now: 15 * second) == [.letGo(generation: 1)])
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
        #expect(supervisor.reset() == [.letGo(generation: 1)])
        #expect(supervisor.update(isNeeded: true, now: second) == [.fork(generation: 2)])
        supervisor.ended(generation: 1, hasServed: false, random: 0.5, now: second)
        #expect(supervisor.isPresent)
    }
}
