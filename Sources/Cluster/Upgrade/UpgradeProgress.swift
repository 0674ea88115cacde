// How far a program has come that is to take this one's place. A pure value: what is heard of it goes in, what to do comes out.
// Process: master · Thread: loop
//
// Until it says that it is ready nothing has happened: whatever goes wrong ends it, and this master goes on. From then on the service is its.

package struct UpgradeProgress: Equatable, Sendable {
    package enum Event: Equatable, Sendable {
        /// Its workers are ready, so many.
        case ready(workers: UInt32)
        /// Its end of the channel is closed.
        case channelEnded
        /// It takes too long, or another order waits.
        case overdue
        /// TERM, INT or QUIT has come to this master.
        case stopOrdered
    }

    package enum Action: Equatable, Sendable {
        /// This master hands over everything, and goes.
        case handOver(workers: UInt32)
        /// It may still live, and must not come to life later.
        case kill
        /// This master stays.
        case stay
        /// The order is meant for the service.
        case passOnOrder
        /// This master is ending already: nothing else to do for the order.
        case goOnHandingOver
    }

    private enum State: Equatable {
        case starting
        case committed(workers: UInt32, hasPassedOnStop: Bool)
        case over
    }

    private var state = State.starting

    package init() {}

    package var isCommitted: Bool { if case .committed = state { true } else { false } }

    /// How many workers the new master has; 0 where it is not in charge.
    package var workers: UInt32 { if case .committed(let workers, _) = state { workers } else { 0 } }

    package mutating func handle(_ event: Event) -> [Action] {
        switch (state, event) {
        case (.starting, .ready(let workers)):
            state = .committed(workers: workers, hasPassedOnStop: false)
            return [.handOver(workers: workers)]
        case (.starting, .channelEnded), (.starting, .overdue):
            state = .over
            return [.kill, .stay]
        case (.starting, .stopOrdered):
            // A new master that has nothing yet must not go on without this one, whose workers end the listeners that both have.
            state = .over
            return [.kill]
        case (.committed(let workers, let hasPassedOnStop), .stopOrdered):
            state = .committed(workers: workers, hasPassedOnStop: true)
            return hasPassedOnStop ? [.passOnOrder] : [.passOnOrder, .goOnHandingOver]
        case (.committed, _), (.over, _):
            return []
        }
    }
}
