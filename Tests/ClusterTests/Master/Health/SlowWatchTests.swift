// When a request is logged as slow.

import Cluster
import Testing

@Suite struct SlowWatchTests {
    private let second: UInt64 = 1_000_000_000
    private let one = SlowWatch.Request(since: 100, endpoint: 7)
    private let other = SlowWatch.Request(since: 200, endpoint: 8)

    @Test func oneThatHoldsTheLoopIsLoggedAtTheLimitAndWhenItIsTwiceAsOld() {
        var watch = SlowWatch(limit: second)
        var told: [UInt64: SlowWatch.Verdict] = [:]
        for quarter in UInt64(0)..<40 {
            let now = 100 + quarter * second / 4
            if let verdict = watch.looked(running: one, waiting: [], now: now) { told[quarter] = verdict }
        }
        #expect(told == [4: .runs(one, isFirst: true), 8: .runs(one, isFirst: false), 16: .runs(one, isFirst: false), 32: .runs(one, isFirst: false)])
    }

    @Test func oneThatGoesOnAfterAWaitHoldsTheLoopWhenItIsSeenTwice() {
        var watch = SlowWatch(limit: second)
        #expect(watch.looked(running: one, waiting: [one], now: 5 * second) == nil)
        #expect(watch.looked(running: other, waiting: [], now: 5 * second + 1) == nil)
        #expect(watch.looked(running: other, waiting: [], now: 5 * second + 2) == .runs(other, isFirst: true))
    }

    @Test func ofAWorkerOneASecondIsLoggedTheOldestFirst() {
        var watch = SlowWatch(limit: second)
        #expect(watch.looked(running: nil, waiting: [other, one], now: 5 * second) == .waits(one))
        #expect(watch.looked(running: nil, waiting: [other, one], now: 5 * second + 1) == nil)
        #expect(watch.looked(running: nil, waiting: [other, one], now: 6 * second) == .waits(other))
        #expect(watch.looked(running: nil, waiting: [other, one], now: 8 * second) == nil)
        #expect(watch.looked(running: nil, waiting: [other], now: 10 * second) == nil)
        // The clock of a request may be nonsense.
        let odd = SlowWatch.Request(since: .max, endpoint: 0)
        #expect(watch.looked(running: odd, waiting: [odd], now: 20 * second) == nil)
        #expect(watch.looked(running: odd, waiting: [odd], now: 21 * second) == nil)
    }
}
