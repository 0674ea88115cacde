// Where a slot's worker is in its life, as the master's supervisor sees it and as tables and pages name it.
// The raw value travels to the admin worker.
// Process: master, admin · Thread: loop

package enum WorkerState: UInt8, CaseIterable, Sendable, CustomStringConvertible {
    /// Forked, and has not said yet that it serves.
    case starting = 0
    case ready = 1
    /// Accepts nothing any more and finishes what it has.
    case draining = 2
    /// Alive, but its loop does not turn.
    case unresponsive = 3
    /// Ended and not replaced yet, or not to be replaced.
    case dead = 4
    /// Ended young; its replacement waits.
    case backoff = 5

    package var description: String {
        switch self {
        case .starting: "starting"
        case .ready: "ready"
        case .draining: "draining"
        case .unresponsive: "unresponsive"
        case .dead: "dead"
        case .backoff: "backoff"
        }
    }
}
