// What deaths prove, and against which requests: the policy behind quarantine, without processes or clocks.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

extension Suspicion {
    static func policy(_ change: (inout QuarantinePolicy) -> Void = { _ in }) -> QuarantinePolicy {
        var policy = QuarantinePolicy()
        change(&policy)
        return policy
    }

    static func ran(_ endpoint: UInt64, _ path: UInt64) -> Evidence {
        Evidence(ran: .init(endpoint: endpoint, path: path))
    }
}

@Suite struct SuspicionTests {
    @Test func threeDeathsOnOnePathMakeThatPathSuspect() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        #expect(suspicion.died(Suspicion.ran(7, 1), now: second) == [])
        #expect(suspicion.died(Suspicion.ran(7, 1), now: 2 * second) == [])
        #expect(suspicion.died(Suspicion.ran(7, 1), now: 3 * second) == [.began(.init(endpoint: 7, path: 1))])
    }

    @Test func threeDeathsOnThreePathsMakeTheEndpointSuspect() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        #expect(suspicion.died(Suspicion.ran(7, 1), now: second) == [])
        #expect(suspicion.died(Suspicion.ran(7, 2), now: second) == [])
        #expect(suspicion.died(Suspicion.ran(7, 3), now: second) == [.began(.init(endpoint: 7))])
    }

    @Test func twoPathsThatTakeTurnsAreBothSuspectAtTheThirdDeathAndAThirdPathTakesTheWholeEndpoint() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        _ = suspicion.died(Suspicion.ran(7, 1), now: second)
        _ = suspicion.died(Suspicion.ran(7, 2), now: second)
        #expect(suspicion.died(Suspicion.ran(7, 1), now: second) == [.began(.init(endpoint: 7, path: 1)), .began(.init(endpoint: 7, path: 2))])
        #expect(suspicion.died(Suspicion.ran(7, 3), now: second) == [.began(.init(endpoint: 7))])
        #expect(Array(suspicion.entries.keys) == [.init(endpoint: 7)])
    }

    @Test func deathsThatAreFurtherApartThanTheWindowDontAddUp() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for time: UInt64 in [1, 31, 62, 93] { #expect(suspicion.died(Suspicion.ran(7, 1), now: time * second) == []) }
    }

    @Test func whatHeldItsWorkersForLongIsRememberedForLonger() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        var changes: [Suspicion.Change] = []
        for time: UInt64 in [30, 98, 166] {
            var evidence = Suspicion.ran(7, 1)
            evidence.held = 30 * second
            changes += suspicion.died(evidence, now: time * second)
        }
        #expect(changes == [.began(.init(endpoint: 7, path: 1))])
        var endless = Suspicion.ran(8, 1)
        endless.held = .max
        for _ in 0..<3 { changes += suspicion.died(endless, now: .max - 1) }
        #expect(changes.count == 2)
    }

    @Test func deathsOfDifferentEndpointsDontAddUp() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for endpoint: UInt64 in 1...10 { #expect(suspicion.died(Suspicion.ran(endpoint, 1), now: second) == []) }
    }

    private static func dominant(_ path: UInt64) -> Suspicion.Evidence {
        var evidence = Suspicion.ran(7, path)
        evidence.dominant = 7
        return evidence
    }

    @Test func whatAnsweredMostRequestsIsSuspectByPathOnlyAndByEachPathsOwnDeaths() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for path: UInt64 in [1, 2, 3, 1, 2, 3] { #expect(suspicion.died(Self.dominant(path), now: second) == []) }
        #expect(suspicion.died(Self.dominant(2), now: second) == [.began(.init(endpoint: 7, path: 2))])
        #expect(suspicion.died(Self.dominant(9), now: second) == [])
    }

    @Test func deathsOnEverNewPathsOfWhatAnsweredMostRequestsBeginAndEndNothing() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for path: UInt64 in 1...1000 { #expect(suspicion.died(Self.dominant(path), now: second + path) == []) }
    }

    @Test func whatLostItsPlaceInTheTableIsAccusedAnew() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for endpoint: UInt64 in 1...UInt64(Suspicion.capacity) + 1 {
            for _ in 0..<3 { _ = suspicion.died(Suspicion.ran(endpoint, 1), now: endpoint * second / 100) }
        }
        #expect(suspicion.entries[.init(endpoint: 1, path: 1)] == nil)
        // Those that it was accused by have been forgotten with the window.
        #expect(suspicion.died(Suspicion.ran(1, 1), now: 603 * second / 10) == [])
    }

    @Test func oneDeathIsEnoughWhereTheNextWouldTakeTheLastWorker() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        var evidence = Suspicion.ran(7, 1)
        evidence.isLastChance = true
        #expect(suspicion.died(evidence, now: second) == [.began(.init(endpoint: 7))])
    }

    @Test func aRequestWithoutAnEndpointAccusesNothing() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        for _ in 0..<10 { #expect(suspicion.died(Suspicion.ran(0, 1), now: second) == []) }
    }

    @Test func zeroDeathsTurnItOff() {
        var suspicion = Suspicion(policy: Suspicion.policy { $0.deaths = 0 })
        for _ in 0..<10 { #expect(suspicion.died(Suspicion.ran(7, 1), now: second) == []) }
    }
}
