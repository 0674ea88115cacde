// How long a quarantine lasts.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct QuarantineEndTests {
    private static func quarantined(_ policy: QuarantinePolicy = QuarantinePolicy(), at now: UInt64) -> Suspicion {
        var suspicion = Suspicion(policy: policy)
        for _ in 0..<3 { _ = suspicion.died(Suspicion.ran(7, 1), now: now) }
        return suspicion
    }

    @Test func quarantineEndsThirtySecondsAfterTheLastDeath() {
        var suspicion = Self.quarantined(at: second)
        #expect(suspicion.nextEnd == 31 * second)
        #expect(suspicion.diedInQuarantine(Suspicion.ran(7, 1), now: 20 * second) == [])
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
            #expect(suspicion.died(Suspicion.ran(7, 1), now: now) == [.began(.init(endpoint: 7, path: 1))])
        }
        #expect(lengths == [30, 60, 120, 240, 480, 600, 600])
    }

    @Test func whatBehavedForLongAfterwardsBeginsAnew() {
        var suspicion = Self.quarantined(at: second)
        _ = suspicion.expire(now: 31 * second)
        #expect(suspicion.died(Suspicion.ran(7, 1), now: 31 * second + 61 * second) == [])
    }

    @Test func aDeathInQuarantineProlongsOnlyWhatRan() {
        var suspicion = Self.quarantined(at: second)
        for _ in 0..<3 { _ = suspicion.died(Suspicion.ran(8, 1), now: second) }
        #expect(suspicion.diedInQuarantine(Suspicion.ran(8, 1), now: 20 * second) == [])
        #expect(suspicion.expire(now: 31 * second) == [.ended(.init(endpoint: 7, path: 1))])
    }

    @Test func theTableIsBoundedAndTheOldestGivesItsPlace() {
        var suspicion = Suspicion(policy: Suspicion.policy())
        var ended = 0
        for endpoint: UInt64 in 1...200 {
            for _ in 0..<3 {
                ended += suspicion.died(Suspicion.ran(endpoint, 1), now: second + endpoint).count { if case .ended = $0 { true } else { false } }
            }
        }
        #expect(suspicion.entries.count == Suspicion.capacity)
        #expect(ended == 200 - Suspicion.capacity)
        #expect(suspicion.entries[.init(endpoint: 200, path: 1)] != nil)
    }
}
