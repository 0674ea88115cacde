// How far a program has come that takes another one's place. A pure value: what happens goes in, what to do comes out.
// Process: master · Thread: loop
//
// Until the old master hands over, a start that fails ends this program, and the old one goes on. When the old one dies before, this one is in
// charge at once: its sockets are here, its workers are gone.

package struct TakeoverState: Equatable, Sendable {
    package enum Event: Equatable, Sendable {
        /// So many of this program's workers and auxiliaries are ready.
        case ready(Int)
        /// The old master hands over.
        case begin
        case startFailed
        /// The old master has gone.
        case predecessorEnded
    }

    package enum Action: Equatable, Sendable {
        /// Tell the old master that all are ready.
        case report
        /// This program's workers accept from here on.
        case begin
        /// The old master stays in charge.
        case leave
        /// Nothing more comes from the old master.
        case end
    }

    private enum State: Equatable {
        case preparing
        /// The old master has been told.
        case ready
        /// In charge, while the old master's workers still hand over.
        case inCharge
        case over
        /// Given up.
        case failed
    }

    private var state = State.preparing
    private let wanted: Int

    /// - Parameter wanted: how many workers and auxiliaries there are to be.
    package init(wanted: Int) { self.wanted = wanted }

    /// The old master is there.
    package var isUnderWay: Bool { state != .over }

    package mutating func handle(_ event: Event) -> [Action] {
        switch (state, event) {
        case (.preparing, .ready(wanted)):
            state = .ready
            return [.report]
        case (.preparing, .begin), (.ready, .begin):
            state = .inCharge
            return [.begin]
        case (.preparing, .startFailed), (.ready, .startFailed):
            state = .failed
            return [.leave]
        case (.preparing, .predecessorEnded), (.ready, .predecessorEnded):
            state = .over
            return [.begin, .end]
        case (.inCharge, .predecessorEnded), (.failed, .predecessorEnded):
            state = .over
            return [.end]
        default:
            return []
        }
    }
}
