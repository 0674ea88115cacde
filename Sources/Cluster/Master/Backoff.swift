// How long a slot whose worker died young waits for its next start: growing, jittered, bounded.
// A pure value of the master's supervisor; the random number comes from outside.

internal import EverycoreLoop

/// When a dead worker is replaced, and when the cluster gives up.
public struct RespawnPolicy: Sendable, Equatable {
    /// A worker that dies before this age, or before it was ready, has died young. Others are replaced at once.
    public var youngAge: Duration = .seconds(1)
    /// What the slot waits after its first young death. Each further one in a row doubles it.
    public var firstDelay: Duration = .milliseconds(100)
    /// No delay is longer.
    public var longestDelay: Duration = .seconds(10)
    /// When all slots have had nothing but young deaths for so long, the cluster ends with status 70.
    public var giveUpAfter: Duration = .seconds(60)

    public init() {}

    /// The delay after `deaths` young deaths in a row: `firstDelay` × 2^(deaths - 1), give or take 25 %.
    /// - Parameter unit: a random number in 0..<1.
    package func delay(afterYoungDeaths deaths: Int, unit: Double) -> Duration {
        guard deaths > 0 else { return .zero }
        // As Double, since no setting can make that overflow.
        let longest = Double(longestDelay.wholeNanoseconds)
        let base = min(Double(firstDelay.wholeNanoseconds) * Double(UInt64(1) << UInt64(min(deaths - 1, 40))), longest)
        return .nanoseconds(Int64(min(base * (0.75 + unit / 2), longest)))
    }
}
