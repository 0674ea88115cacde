// Requests that waited where their worker died, and requests that hold workers.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct SuspicionOfWaitingTests {
    @Test func aSteadySlowEndpointIsNotBlamedForItsNeighbour() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for _ in 0..<20 {
            var evidence = Suspicion.Evidence(waiting: [1])
            evidence.usual = [1]
            #expect(suspicion.died(evidence, now: second) == [])
        }
    }

    @Test func whatWaitedAtEveryDeathAndRarelyOtherwiseIsSuspect() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        var changes: [Suspicion.Change] = []
        for others: Set<UInt64> in [[1, 2, 9], [1, 3, 9], [1, 2, 9]] {
            var evidence = Suspicion.Evidence(waiting: others)
            evidence.usual = [1]
            changes += suspicion.died(evidence, now: second)
        }
        #expect(changes == [.began(.init(endpoint: 9))])
    }

    @Test func whatWaitedAtADeathThatHadARunnerIsNotAccused() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for path: UInt64 in 1...3 {
            var evidence = Suspicion.ran(7, path)
            evidence.waiting = [9]
            _ = suspicion.died(evidence, now: second)
        }
        #expect(Array(suspicion.entries.keys) == [.init(endpoint: 7)])
    }

    /// The slow endpoint 1 and the deadly one 9, in flight at three deaths.
    private static func accusedTogether() -> Suspicion {
        var suspicion = Suspicion(policy: Suspicion.policy())
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
        var suspicion = Suspicion(policy: Suspicion.policy())
        for waiting: UInt64 in [1, 1, 1, 9, 9, 9] { _ = suspicion.died(Suspicion.Evidence(waiting: [waiting]), now: second + waiting) }
        for _ in 0..<5 { #expect(suspicion.diedInQuarantine(Suspicion.Evidence(waiting: [9]), now: 2 * second) == []) }
        #expect(suspicion.entries.count == 2)
    }

    @Test func whatRanWhenItsWorkerDiedNeedsNoOtherToBeAbsent() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for _ in 0..<3 { _ = suspicion.died(Suspicion.ran(7, 1), now: second) }
        for _ in 0..<3 { _ = suspicion.died(Suspicion.ran(8, 1), now: second) }
        #expect(!suspicion.isAmbiguous)
        for _ in 0..<5 { #expect(suspicion.diedInQuarantine(Suspicion.Evidence(waiting: [8]), now: second) == []) }
    }

    // MARK: Requests that hold workers

    @Test func whatHoldsWorkersIsKeptAwayUntilItNoLongerDoes() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        #expect(suspicion.held([.init(endpoint: 7, path: 1)], dominant: nil) == true)
        #expect(suspicion.held([.init(endpoint: 7, path: 1)], dominant: nil) == false)
        #expect(suspicion.keptAway == [.init(endpoint: 7, path: 1)])
        #expect(suspicion.entries.isEmpty)
        #expect(suspicion.held([], dominant: nil) == true)
        #expect(suspicion.keptAway == [])
    }

    @Test func twoPathsThatHoldWorkersStandForTheEndpointUnlessItAnsweredMost() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        let requests: Set<Suspicion.Request> = [.init(endpoint: 7, path: 1), .init(endpoint: 7, path: 2), .init(endpoint: 8, path: 1)]
        #expect(suspicion.held(requests, dominant: nil) == true)
        #expect(suspicion.keptAway == [.init(endpoint: 7), .init(endpoint: 8, path: 1)])
        #expect(suspicion.held(requests, dominant: 7) == true)
        #expect(suspicion.keptAway == [.init(endpoint: 7, path: 1), .init(endpoint: 7, path: 2), .init(endpoint: 8, path: 1)])
    }

    @Test func holdersWithoutAnEndpointAndThoseWhereQuarantineIsOffKeepNothingAway() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        #expect(suspicion.held([.init(endpoint: 0, path: 1)], dominant: nil) == false)
        var off = Suspicion(policy: Suspicion.policy { $0.deaths = 0 })
        #expect(off.held([.init(endpoint: 7, path: 1)], dominant: nil) == false)
    }

    @Test func theirTableIsBoundedBesideThatOfTheQuarantined() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for endpoint: UInt64 in 1...100 { for _ in 0..<3 { _ = suspicion.died(Suspicion.ran(endpoint, 1), now: second) } }
        _ = suspicion.held(Set((1001...1100).map { .init(endpoint: $0, path: 1) }), dominant: nil)
        #expect(suspicion.keptAway.count == QuarantineList.capacity)
    }

    @Test func whatWasKeptAwayAndKillsTheQuarantineWorkerGathersEvidence() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        _ = suspicion.held([.init(endpoint: 7, path: 1)], dominant: nil)
        #expect(suspicion.died(Suspicion.ran(7, 1), now: second) == [])
        #expect(suspicion.diedInQuarantine(Suspicion.ran(7, 1), now: 2 * second) == [])
        #expect(suspicion.diedInQuarantine(Suspicion.ran(7, 1), now: 3 * second) == [.began(.init(endpoint: 7, path: 1))])
    }
}
