// What goes into the judgement of requests that kill workers, and what comes out of it. Values.
// Process: master · Thread: loop

internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
extension Suspicion {
    /// What is quarantined: one path of an endpoint, or all of it.
    package struct Subject: Hashable, Sendable {
        package let endpoint: UInt64
        /// Nil stands for every path.
        package let path: UInt64?

        package init(endpoint: UInt64, path: UInt64? = nil) {
            self.endpoint = endpoint
            self.path = path
        }
    }

    package struct Request: Hashable, Sendable {
        package let endpoint: UInt64
        package let path: UInt64

        package init(endpoint: UInt64, path: UInt64) {
            self.endpoint = endpoint
            self.path = path
        }
    }

    /// What one death tells.
    package struct Evidence: Sendable {
        /// The request that held the loop's thread.
        package var ran: Request?
        /// For how long that request had held the thread.
        package var held: UInt64 = 0
        /// The endpoints of those whose handlers waited.
        package var waiting: Set<UInt64> = []
        /// It answered more than half of all requests of the last minute: as a whole it is never suspect.
        package var dominant: UInt64?
        /// Endpoints that are often in flight while nothing happens.
        package var usual: Set<UInt64> = []
        /// A further death would leave the service without workers for long: this one is enough.
        package var isLastChance = false

        package init(ran: Request? = nil, waiting: Set<UInt64> = []) {
            self.ran = ran
            self.waiting = waiting
        }
    }

    package struct Entry: Equatable, Sendable {
        package var began: UInt64
        package var lastDeath: UInt64
        package var duration: UInt64
        package var deaths: UInt64
        /// Its requests waited where none ran: it may have been there by chance.
        package var isPresumed = false
        /// Deaths in a row by what was accused with it, at which it was absent.
        package var absences = 0

        package var end: UInt64 { lastDeath.addingUpToLimit(duration) }
    }

    package enum Change: Equatable, Sendable {
        case began(Subject)
        case ended(Subject)
        /// A presumption that later deaths have refuted.
        case released(Subject)
    }
}
