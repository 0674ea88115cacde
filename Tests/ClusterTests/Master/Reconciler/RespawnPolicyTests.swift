// The pauses after failed starts, and what the settings of them bound.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct RespawnPolicyTests {
    @Test func pausesDoubleUpToTheLongest() {
        let policy = RespawnPolicy()
        let middle = (1...9).map { policy.pause(afterFailedStarts: $0, unit: 0.5) }
        #expect(middle == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { .milliseconds($0) })
        #expect(policy.pause(afterFailedStarts: 0, unit: 0.5) == .zero)
        #expect(policy.pause(afterFailedStarts: .max, unit: 0.99) == .seconds(10))
    }

    @Test func jitterIsAQuarterEitherWay() {
        let policy = RespawnPolicy()
        #expect(policy.pause(afterFailedStarts: 1, unit: 0) == .milliseconds(75))
        #expect(policy.pause(afterFailedStarts: 1, unit: 1) == .milliseconds(125))
    }

    @Test func absurdSettingsDoNotOverflow() {
        var policy = RespawnPolicy()
        policy.firstDelay = .seconds(Int64.max)
        policy.longestDelay = .seconds(Int64.max)
        #expect(policy.pause(afterFailedStarts: 100, unit: 1) > .zero)
        policy.startsPerSecond = -1
        #expect(policy.bucket.interval == second)
    }
}
