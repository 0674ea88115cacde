// How soon figures are taken again.

import Cluster
import Testing

private let millisecond: UInt64 = 1_000_000

@Suite struct FiguresPaceTests {
    @Test func theFirstWaitsForNothing() { #expect(FiguresPace().delay(now: 0) == .zero) }

    @Test func theyTakeAFifthOfTheTimeAtMost() {
        var pace = FiguresPace()
        var (now, taking) = (UInt64(0), UInt64(0))
        while now < 10_000 * millisecond {
            now += UInt64(pace.delay(now: now) / .nanoseconds(1))
            pace.took(from: now, to: now + 30 * millisecond)
            now += 30 * millisecond
            taking += 30 * millisecond
        }
        #expect(taking * 5 <= now + 150 * millisecond)
    }

    @Test func noQuestionWaitsForLong() {
        var pace = FiguresPace()
        pace.took(from: 0, to: 60_000 * millisecond)
        #expect(pace.delay(now: 60_000 * millisecond) == .milliseconds(250))
        pace.took(from: 5, to: 4)
        #expect(pace.delay(now: 10) == .zero)
    }
}
