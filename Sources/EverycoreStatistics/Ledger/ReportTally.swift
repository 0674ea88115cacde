// What became of the reports: those that counted, those that never arrived, and those that were ignored, by reason.
// The ledger keeps one for each slot, and one for what it cannot lay at a slot's door.
// Process: master, admin · Thread: loop

/// Why a datagram did not count.
package enum IgnoredReason: Int, CaseIterable, Sendable, CustomStringConvertible {
    /// Damaged, no report at all, or with a figure lower than before or higher than it can have become.
    case garbled
    case short
    case foreignVersion
    /// Its sequence number is not newer than the last one's.
    case replayed
    /// Of a generation that is over, or was never started.
    case staleGeneration
    case unknownSlot

    package var description: String {
        switch self {
        case .garbled: "garbled"
        case .short: "short"
        case .foreignVersion: "foreign_version"
        case .replayed: "replayed"
        case .staleGeneration: "stale_generation"
        case .unknownSlot: "unknown_slot"
        }
    }

    package init(_ error: ReportError) {
        switch error {
        case .short: self = .short
        case .foreignVersion: self = .foreignVersion
        case .badSlot: self = .unknownSlot
        case .badMagic, .unknownKind, .badLength, .badChecksum, .badHistogram: self = .garbled
        }
    }
}

package struct ReportTally: Equatable, Sendable {
    /// Reports that arrived and counted.
    package var received: UInt64 = 0
    /// Sequence numbers that were skipped: sent, and never arrived intact.
    package var lost: UInt64 = 0
    private var ignoredByReason = [UInt64](repeating: 0, count: IgnoredReason.allCases.count)

    package init() {}

    /// All that arrived and did not count.
    package var ignored: UInt64 {
        ignoredByReason.reduce(0) { $0.addingUpToLimit($1) }
    }

    package subscript(reason: IgnoredReason) -> UInt64 {
        get { ignoredByReason[reason.rawValue] }
        set { ignoredByReason[reason.rawValue] = newValue }
    }

    package mutating func merge(_ other: ReportTally) {
        received = received.addingUpToLimit(other.received)
        lost = lost.addingUpToLimit(other.lost)
        for reason in IgnoredReason.allCases {
            self[reason] = self[reason].addingUpToLimit(other[reason])
        }
    }
}
