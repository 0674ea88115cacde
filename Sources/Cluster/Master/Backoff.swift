// How long a slot whose worker died young waits for its next start: growing, jittered, bounded.
// A pure value of the master's supervisor; the random number comes from outside.

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
        let doublings = min(deaths - 1, 20)
        let base = min(firstDelay * (1 << doublings), longestDelay)
        return min(base * (0.75 + unit / 2), longestDelay)
    }
}
