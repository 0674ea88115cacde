// When the writer looks next. A pure value. Workers wake it when a ring fills; else it comes by itself, so that few lines cost no wake-ups.
// Process: writer · Thread: loop

package struct LineWriterPace {
    package enum Result: Sendable {
        /// Nothing waited.
        case idle
        /// All that waited was written.
        case wrote
        /// More waits: others had their turn.
        case yielded
        /// Some of it was written, until the reader had no room: it may make some soon.
        case filled
        /// The reader is slow.
        case full
        case failed
    }

    private var last = Result.idle
    private var milliseconds = 0

    package init() {}

    /// Whether it is of no use to come earlier.
    package var isHeld: Bool { last == .filled || last == .full || last == .failed }

    package mutating func delay(after result: Result) -> Duration {
        defer { last = result }
        let (first, longest) =
            switch result {
            case .idle: (50, 250)
            case .wrote: (50, 50)
            case .yielded: (0, 0)
            case .filled: (1, 1)
            case .full: (5, 100)
            case .failed: (100, 1000)
            }
        milliseconds = result == last ? min(max(milliseconds * 2, first), longest) : first
        return .milliseconds(milliseconds)
    }
}
