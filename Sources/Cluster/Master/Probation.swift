// Whether the workers of a new plan can do what the old ones did. A pure value of a reload, and of a master that takes over.
// Process: master · Thread: loop
//
// A request that kills any worker proves nothing against a new plan, and must not hinder the reload that brings its cure. What does: no new worker has
// answered anything, and they die in endpoints that the old ones answered and did not die in.

package struct Probation: Equatable, Sendable {
    /// One death may be the first of a request that would have killed the old workers as well.
    package static let limit = 2

    /// A new worker has answered a request: the plan stands.
    package private(set) var hasAnswered = false
    private var deaths = 0

    package init() {}

    package mutating func answered() { hasAnswered = true }

    /// A new worker has died in a request.
    /// - Parameter oldOnesAnswered: the old workers answered requests of the same endpoint, and did not die in it.
    /// - Returns: whether the new plan has failed.
    package mutating func died(inEndpointThat oldOnesAnswered: Bool) -> Bool {
        guard !hasAnswered, oldOnesAnswered else { return false }
        deaths += 1
        return deaths >= Self.limit
    }
}
