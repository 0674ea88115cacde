// How a worker that died is replaced: pauses after failed starts, the budget of all other starts, and how long a start may take.
// A pure value of the master's supervisor; the random number comes from outside.
// Process: master · Thread: loop

internal import EverycoreLoop

/// When a dead worker is replaced, and when no further start is tried.
///
/// What a death proves decides. A start has *failed* when the worker ended before it was ready, or within ``youngAge`` of it with nothing to
/// do, or was not ready at the ``startDeadline``. A worker that dies in a request, is killed from outside, or ends after it has served, has not
/// failed to start. A worker is *good* when it has answered a request, or has been ready for ``youngAge``.
public struct RespawnPolicy: Sendable, Equatable {
    /// How long a worker must have been ready, or must have had work, for its end to be no failed start.
    public var youngAge: Duration = .seconds(1)
    /// The slot's pause after its first failed start while no worker of the present plan was ever good. Each further one in a row doubles it.
    public var firstDelay: Duration = .milliseconds(100)
    /// No pause is longer.
    public var longestDelay: Duration = .seconds(10)
    /// How many starts a second all other deaths may cause, in the long run, for the whole cluster; 20 of them may come at once. While no worker
    /// serves or starts, the next start is due within 50 ms all the same. Nil for ten for each usable core, at least 20.
    public var startsPerSecond: Int?
    /// When for so long every start has failed and no worker was good, the cluster ends with status 70.
    public var giveUpAfter: Duration = .seconds(60)
    /// A worker that is not ready by then is killed: its start has failed.
    public var startDeadline: Duration = .seconds(30)

    public init() {}

    /// What `startsPerSecond` is where it is nil.
    package static let automaticStartsPerSecond = max(UsableCores.current().count * 10, 20)

    package var bucket: TokenBucket {
        let rate = UInt64(max(startsPerSecond ?? Self.automaticStartsPerSecond, 1))
        return TokenBucket(capacity: 20, interval: 1_000_000_000 / rate)
    }

    /// The pause after `count` failed starts in a row: `firstDelay` × 2^(count - 1), give or take 25 %.
    /// - Parameter unit: a random number in 0..<1.
    package func pause(afterFailedStarts count: Int, unit: Double) -> Duration {
        guard count > 0 else { return .zero }
        // As Double, since no setting can make that overflow.
        let longest = Double(longestDelay.wholeNanoseconds)
        let base = min(Double(firstDelay.wholeNanoseconds) * Double(UInt64(1) << UInt64(min(count - 1, 40))), longest)
        return .nanoseconds(Int64(min(base * (0.75 + unit / 2), longest)))
    }
}
