// Which worker has served long enough, by its figures and the others'.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct RecyclingTests {
    private func slot(
        _ slot: Int, generation: Int = 1, isReady: Bool = true, requests: UInt64 = 0, startedAt: UInt64 = 0, resident: UInt64? = nil
    ) -> Recycling.Slot {
        .init(slot: slot, generation: generation, isReady: isReady, startedAt: startedAt, requests: requests, residentBytes: resident)
    }

    private func recycling(random: @escaping () -> Double = { 0 }, _ change: (inout RecyclePolicy) -> Void) -> Recycling {
        var policy = RecyclePolicy()
        change(&policy)
        return Recycling(policy: policy, random: random)
    }

    @Test func withoutALimitNobodyIsReplaced() {
        var recycling = recycling { _ in }
        #expect(recycling.next([slot(0, requests: .max, resident: .max)], now: .max) == nil)
    }

    @Test func theOneFurthestBeyondALimitGoesFirst() {
        var recycling = recycling { $0.requests = 100 }
        #expect(recycling.next([slot(0, requests: 99), slot(1, requests: 50)], now: 0) == nil)
        #expect(recycling.next([slot(0, requests: 110), slot(1, requests: 150), slot(2)], now: 0)?.slot == 1)
        var both = self.recycling {
            $0.requests = 100
            $0.age = .seconds(10)
        }
        let choice = both.next([slot(0, requests: 120), slot(1, startedAt: 5 * second)], now: 20 * second)
        #expect(choice?.slot == 0 && choice?.generation == 1 && choice?.reason == .age)
    }

    @Test func onlyOneGoesAtATime() {
        var recycling = recycling { $0.requests = 100 }
        #expect(recycling.next([slot(0, requests: 500), slot(1, isReady: false)], now: 0) == nil)
        #expect(recycling.next([slot(0, requests: 500), slot(1, generation: 2)], now: 0)?.slot == 0)
    }

    @Test func oneWhoseSuccessorFailedIsNotChosenAgainForAMinute() {
        var recycling = recycling { $0.requests = 100 }
        let slots = [slot(0, requests: 500), slot(1, requests: 120)]
        #expect(recycling.next(slots, now: second)?.slot == 0)
        #expect(recycling.next(slots, now: 2 * second)?.slot == 1)
        #expect(recycling.next(slots, now: 60 * second) == nil)
        #expect(recycling.next(slots, now: 61 * second)?.slot == 0)
    }

    @Test func jitterIsDrawnOnceForEachWorkerAndOnlyPutsOff() {
        var numbers = [0.0, 0.5, 0.9]
        var recycling = recycling(random: { numbers.isEmpty ? 0.99 : numbers.removeFirst() }) {
            $0.requests = 100
            $0.jitter = 0.2
        }
        var now: UInt64 = 0
        func next(_ requests: UInt64...) -> Int? {
            now += 100 * second
            return recycling.next(requests.enumerated().map { slot($0.offset, requests: $0.element) }, now: now)?.slot
        }
        #expect(next(99, 99, 99) == nil)
        #expect(next(100, 100, 100) == 0)
        #expect(next(0, 109, 117) == nil)
        #expect(next(0, 111, 117) == 1)
        #expect(next(0, 0, 119) == 2)
        // The successor draws anew.
        #expect(recycling.next([slot(0, generation: 2, requests: 119)], now: 0) == nil)
        #expect(recycling.next([slot(0, generation: 2, requests: 120)], now: 0)?.generation == 2)
    }

    @Test func memoryIsMeasuredInBytesAndAgainstTheSiblings() {
        var absolute = recycling { $0.residentBytes = 1000 }
        #expect(absolute.next([slot(0, resident: 999), slot(1, resident: nil)], now: 0) == nil)
        #expect(absolute.next([slot(0, resident: 1000)], now: 0)?.reason == .memory)
        var relative = recycling { $0.medianFactor = 3 }
        #expect(relative.next([slot(0, resident: 100), slot(1, resident: 110), slot(2, resident: 329)], now: 0) == nil)
        #expect(relative.next([slot(0, resident: 100), slot(1, resident: 110), slot(2, resident: 330)], now: 0)?.slot == 2)
        // All alike, all large: none stands out. Of two, neither is the odd one.
        #expect(relative.next([slot(0, resident: 900), slot(1, resident: 910), slot(2, resident: 920)], now: 0) == nil)
        #expect(relative.next([slot(0, resident: 1), slot(1, resident: 900)], now: 0) == nil)
    }

    @Test func absurdNumbersDoNotTrap() {
        var recycling = recycling(random: { .infinity }) {
            $0.requests = 0
            $0.age = .seconds(-5)
            $0.residentBytes = 0
            $0.medianFactor = .nan
            $0.jitter = .nan
        }
        _ = recycling.next([slot(0, requests: .max, startedAt: .max, resident: .max), slot(-1, resident: 0), slot(.max, resident: 0)], now: 0)
    }
}
