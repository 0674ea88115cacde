// Whether the workers of a new plan can do what the old ones did. A pure value of a reload, and of a master that takes over.
// Process: master · Thread: loop
//
// A request that kills any worker proves nothing against a new plan, and must not hinder the reload that brings its cure. What does: no new worker has
// answered anything, and they die in endpoints that the old ones answered and did not die in.

internal import EverycoreStatistics

package struct Probation: Equatable, Sendable {
    /// One death may be the first of a request that would have killed the old workers as well.
    package static let limit = 2
    /// New workers that answer nothing for so long had nothing to answer.
    package static let longest = Duration.seconds(60)

    private let answeredEndpoints: Set<UInt64>?
    private let deadlyEndpoints: Set<UInt64>
    private let oldOnesAnswered: Bool
    /// A new worker has answered a request: the plan stands.
    package private(set) var hasAnswered = false
    private var deaths = 0

    /// - Parameters:
    ///   - answered: the endpoints that the old workers answered; nil where that isn't known.
    ///   - hasAnswered: they answered anything.
    ///   - deadly: the endpoints in which they died.
    package init(answered: Set<UInt64>? = nil, hasAnswered: Bool, deadly: Set<UInt64>) {
        answeredEndpoints = answered
        deadlyEndpoints = deadly
        oldOnesAnswered = hasAnswered
    }

    package mutating func answered() { hasAnswered = true }

    /// A new worker has died in a request.
    /// - Parameter endpoint: 0 where it isn't known.
    /// - Returns: whether the new plan has failed.
    package mutating func died(in endpoint: UInt64) -> Bool {
        guard !hasAnswered, isTrusted(endpoint) else { return false }
        deaths += 1
        return deaths >= Self.limit
    }

    /// The old workers answered such requests and did not die in them; where it isn't known which these were, they died in none.
    private func isTrusted(_ endpoint: UInt64) -> Bool {
        guard let answeredEndpoints, endpoint != 0 else { return oldOnesAnswered && deadlyEndpoints.isEmpty }
        return answeredEndpoints.contains(endpoint) && !deadlyEndpoints.contains(endpoint)
    }
}

/// The endpoints in which workers died in the last minute. Bounded, whatever kills them.
package struct DeadlyEndpoints: Equatable, Sendable {
    private static let capacity = 256
    private static let memory: UInt64 = 60_000_000_000

    private var deaths: [UInt64: UInt64] = [:]

    package init() {}

    package mutating func died(in endpoint: UInt64, now: UInt64) {
        forget(now: now)
        if deaths[endpoint] != nil || deaths.count < Self.capacity { deaths[endpoint] = now }
    }

    package mutating func all(now: UInt64) -> Set<UInt64> {
        forget(now: now)
        return Set(deaths.keys)
    }

    private mutating func forget(now: UInt64) {
        deaths = deaths.filter { now.subtractingDownToZero($0.value) < Self.memory }
    }
}
