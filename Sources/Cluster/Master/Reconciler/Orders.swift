// Orders to the master that can't be carried out at once: none is lost, and none locks another out. A pure value of the master.
// Process: master · Thread: loop

/// Reloads and upgrades that wait. Several of one kind are one.
package struct Orders: Equatable, Sendable {
    package enum Order: Equatable, Sendable, CaseIterable {
        /// HUP.
        case reload
        /// USR2.
        case upgrade
        /// All workers anew, by the description in force. Of the control socket alone.
        case restart
    }

    /// What the master is doing.
    package enum Activity: Equatable, Sendable {
        case serving
        /// The workers are being replaced.
        case reloading
        /// A new master gets ready.
        case upgrading
        /// This master is new, and the old one is still in charge.
        case takingOver
        /// This master is in charge, and the workers of the old one still hand over.
        case receiving
        /// A new master is in charge.
        case handingOver
        case stopping
    }

    package enum Answer: Equatable, Sendable {
        case carryOut
        /// Later: when what is under way is over.
        case wait
        /// The new master's to carry out.
        case passOn
        case refuse
    }

    package private(set) var waiting: Set<Order> = []

    package init() {}

    package mutating func receive(_ order: Order, during activity: Activity) -> Answer {
        switch (activity, order) {
        case (.serving, _), (.receiving, .reload), (.receiving, .restart): return .carryOut
        // No signal stands for it.
        case (.handingOver, .restart): return .refuse
        case (.handingOver, _): return .passOn
        case (.stopping, _): return .refuse
        case (.reloading, _), (.upgrading, _), (.takingOver, _), (.receiving, .upgrade):
            waiting.insert(order)
            return .wait
        }
    }

    /// The order to carry out now. An upgrade comes first: should it succeed, its program has read everything anew.
    package mutating func next(during activity: Activity) -> Order? {
        switch activity {
        case .serving: waiting.remove(.upgrade) ?? waiting.remove(.reload) ?? waiting.remove(.restart)
        case .receiving: waiting.remove(.reload) ?? waiting.remove(.restart)
        case .reloading, .upgrading, .takingOver, .handingOver, .stopping: nil
        }
    }

    /// Whether this order waited; it doesn't any more.
    package mutating func take(_ order: Order) -> Bool { waiting.remove(order) != nil }

    /// What the new master is to do, now that it is in charge.
    package mutating func takeAll() -> [Order] {
        defer { waiting = [] }
        return Order.allCases.filter(waiting.contains)
    }
}
