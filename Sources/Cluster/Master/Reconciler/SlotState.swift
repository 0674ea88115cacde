// What a slot in use has: the supervisor knows it, the rollout compares it with what is wanted. A pure value.
// Process: master · Thread: loop

package struct SlotState: Equatable, Sendable {
    /// A worker that starts or serves.
    package struct Worker: Equatable, Sendable {
        package let generation: Int
        /// Of the plan that it runs by.
        package let version: Int
        package let isStarting: Bool

        package init(generation: Int, version: Int, isStarting: Bool) {
            self.generation = generation
            self.version = version
            self.isStarting = isStarting
        }
    }

    package let slot: Int
    /// Nil where none lives: the next one runs by the plan in force.
    package let current: Worker?
    /// One that starts in order to replace it.
    package let successor: Worker?

    package init(_ slot: Int, _ current: Worker?, successor: Worker? = nil) {
        self.slot = slot
        self.current = current
        self.successor = successor
    }

    func has(generation: Int, where isMeant: (Worker) -> Bool) -> Bool {
        [current, successor].contains { $0.map { $0.generation == generation && isMeant($0) } ?? false }
    }

    /// Whether any of them runs by another plan.
    func isOutdated(by version: Int) -> Bool { [current, successor].contains { $0.map { $0.version != version } ?? false } }
}
