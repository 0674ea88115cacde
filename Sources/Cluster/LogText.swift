// Text and lines in the log that another process, or a client, can bring about. Pure values.
//
// Process: any · Thread: loop

package enum LogText {
    /// No text of another process's making is longer.
    package static let byteCount = 200

    /// Text as it may stand in a log line: printable ASCII, all else escaped, cut.
    package static func plain(_ text: String, limit: Int = byteCount) -> String {
        var shown = ""
        for scalar in text.unicodeScalars {
            let piece = (0x20..<0x7F).contains(scalar.value) ? String(scalar) : scalar.escaped(asASCII: true)
            guard shown.utf8.count + piece.utf8.count <= limit else { return shown + "..." }
            shown += piece
        }
        return shown
    }
}

/// How many lines of a kind may be written: ten at once, and one every ten seconds, where nothing else is said. What is left out is counted,
/// and the next line says so.
package struct LineBudget<Kind: Hashable> {
    package static var burst: Int { 10 }
    package static var interval: UInt64 { 10_000_000_000 }

    private struct Account {
        var left: Int
        var refilledAt: UInt64
        var omitted = 0
    }

    private var accounts: [Kind: Account] = [:]

    private let burst: Int
    private let interval: UInt64

    package init(burst: Int = Self.burst, interval: UInt64 = Self.interval) {
        self.burst = burst
        self.interval = interval
    }

    /// - Returns: how many lines of this kind were left out before this one; nil when this one is left out, too.
    package mutating func allows(_ kind: Kind, now: UInt64) -> Int? {
        var account = accounts[kind] ?? Account(left: burst, refilledAt: now)
        let earned = (now &- min(account.refilledAt, now)) / interval
        if earned > 0 {
            account.left = min(account.left + Int(clamping: min(earned, UInt64(burst))), burst)
            account.refilledAt = now
        }
        defer { accounts[kind] = account }
        guard account.left > 0 else {
            account.omitted = min(account.omitted + 1, .max - 1)
            return nil
        }
        account.left -= 1
        defer { account.omitted = 0 }
        return account.omitted
    }
}

/// Lines that say the same, one a second for each text. What is left out is counted, and the next line says so.
package struct TextPace {
    private var texts: [String: (at: UInt64, omitted: Int)] = [:]

    private static let interval: UInt64 = 1_000_000_000
    private static let limit = 100

    package init() {}

    /// - Returns: how many lines with this text were left out before this one; nil when this one is left out, too.
    package mutating func allows(_ text: String, now: UInt64) -> Int? {
        if let last = texts[text], now &- min(last.at, now) < Self.interval {
            texts[text]?.omitted = min(last.omitted + 1, .max - 1)
            return nil
        }
        let omitted = texts[text]?.omitted ?? 0
        // Texts may differ each time: then all of them together are bounded.
        if texts.count >= Self.limit { texts = texts.filter { now &- min($0.value.at, now) < Self.interval } }
        guard texts.count < Self.limit else { return nil }
        texts[text] = (now, 0)
        return omitted
    }
}

/// What others can make the master say.
enum PeerLine: Hashable {
    case forkWithThreads, malformedPacket, unexpectedPacket, undelivered, couldNotStart, pairHealing, baseLine, controlRefused
    /// Requests that hold a worker, and what follows.
    case stuck, stopped, recovered, headless, killedStuck, noneServes, heldWhileNoneServed, standIn, staysTooLong
    case metrics
    case quarantineBegan, quarantineEnded, quarantineDied, quarantineIsDeaf, quarantineIsDown
}
