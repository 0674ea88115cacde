// How soon the figures of all workers are taken again for those that ask: of a thousand workers that takes tens of milliseconds, in which the
// master does nothing else. A pure value.
// Process: master · Thread: loop

internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct FiguresPace: Equatable {
    private var notBefore: UInt64 = 0

    /// So many times as long as they took is left to other work: they cost a fifth of the master's time at most.
    private static let rest: UInt64 = 4
    /// Who asks waits no longer than this.
    private static let longestRest: UInt64 = 250_000_000

    package init() {}

    package mutating func took(from begun: UInt64, to end: UInt64) {
        let cost = min(end.subtractingDownToZero(begun), Self.longestRest)
        notBefore = end.addingUpToLimit(min(cost * Self.rest, Self.longestRest))
    }

    /// How long the next question has to wait.
    package func delay(now: UInt64) -> Duration { .nanoseconds(Int64(clamping: notBefore.subtractingDownToZero(now))) }
}
