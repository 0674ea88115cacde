// What happened at a moment of the history: a reload, an upgrade, a death. Shown on the time axis of the dashboard.
// Process: master, admin · Thread: loop

package struct HistoryMark: Equatable, Sendable {
    /// The raw value is in shared memory that outlives a program: it never changes its meaning.
    package enum Kind: UInt16, CaseIterable, Sendable, CustomStringConvertible {
        case start = 1
        case reload = 2
        /// Refused, or rolled back.
        case reloadFailed = 3
        case upgrade = 4
        case upgradeFailed = 5
        /// To the number of workers that the mark has.
        case scaling = 6
        /// Of the route in the text.
        case quarantine = 7
        case quarantineEnded = 8
        /// A crash, a signal from elsewhere, an unordered exit: so many within a second, the last one in the text.
        case death = 9
        /// A worker whose loop did not turn was ended.
        case stuck = 10
        case stop = 11

        package var description: String {
            switch self {
            case .start: "start"
            case .reload: "reload"
            case .reloadFailed: "reload_failed"
            case .upgrade: "upgrade"
            case .upgradeFailed: "upgrade_failed"
            case .scaling: "scaling"
            case .quarantine: "quarantine"
            case .quarantineEnded: "quarantine_ended"
            case .death: "death"
            case .stuck: "stuck"
            case .stop: "stop"
            }
        }

        /// Several within a second are one mark with their number: a storm of deaths must not push everything else out.
        var isCounted: Bool { self == .death || self == .stuck }
    }

    package let unixMilliseconds: UInt64
    package let kind: Kind
    package var number: UInt32
    package let text: String

    package static let wordCount = 8
    package static let textByteCount = (wordCount - 2) * 8

    package init(_ kind: Kind, unixMilliseconds: UInt64, number: Int = 0, text: String = "") {
        self.kind = kind
        self.unixMilliseconds = unixMilliseconds
        self.number = UInt32(clamping: number)
        self.text = String(decoding: ExitRecord.plain(text).utf8.prefix(Self.textByteCount), as: UTF8.self)
    }

    /// Nil when the words are no mark.
    package init?(words: [UInt64]) {
        guard words.count == Self.wordCount, let kind = Kind(rawValue: UInt16(truncatingIfNeeded: words[1])), words[0] != 0 else { return nil }
        let bytes = words[2...].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
        let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        self.init(kind, unixMilliseconds: words[0], number: Int(words[1] >> 32), text: text)
    }

    package var words: [UInt64] {
        var words = [UInt64](repeating: 0, count: Self.wordCount)
        words[0] = unixMilliseconds
        words[1] = UInt64(kind.rawValue) | UInt64(number) << 32
        for (index, byte) in text.utf8.prefix(Self.textByteCount).enumerated() { words[2 + index / 8] |= UInt64(byte) << (index % 8 * 8) }
        return words
    }

    /// Whether an event of the same kind shortly after this one counts for this mark.
    package func takesIn(_ next: HistoryMark) -> Bool {
        kind == next.kind && kind.isCounted && next.unixMilliseconds.subtractingDownToZero(unixMilliseconds) < 1000
    }
}
