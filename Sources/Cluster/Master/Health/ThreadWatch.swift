// What is done about a second thread in the master: a fork copies the locks that it holds and not the thread. It is logged when it
// appears; when it stays, the program is executed anew in this one's place, which ends every thread. A pure value.
//
// At most once a minute, and less often where the thread comes back each time: a program that starts it anyway is not helped.
//
// Process: master · Thread: loop

package struct ThreadWatch: Equatable {
    package enum Action: Equatable {
        case report
        /// Execute the program anew, as USR2 does.
        case heal
    }

    /// What goes on to the program that takes this one's place.
    package struct Healing: Codable, Equatable {
        package var lastAt: UInt64
        package var interval: UInt64

        package init(lastAt: UInt64, interval: UInt64) {
            self.lastAt = lastAt
            self.interval = interval
        }
    }

    package static let shortestInterval: UInt64 = 60_000_000_000
    package static let longestInterval: UInt64 = 3_600_000_000_000

    package private(set) var healing: Healing?
    private var isReported = false

    package init(_ healing: Healing? = nil) { self.healing = healing }

    /// Once a second.
    /// - Parameter several: whether there is a second thread; nil where that can't be known, which is no reason to do anything.
    package mutating func looked(several: Bool?, now: UInt64) -> Action? {
        guard several == true else {
            isReported = false
            return nil
        }
        guard isReported else {
            isReported = true
            return .report
        }
        guard isDue(now: now) else { return nil }
        healing = Healing(lastAt: now, interval: nextInterval(now: now))
        return .heal
    }

    private func isDue(now: UInt64) -> Bool {
        guard let healing else { return true }
        return now &- min(healing.lastAt, now) >= healing.interval
    }

    private func nextInterval(now: UInt64) -> UInt64 {
        guard let healing, now &- min(healing.lastAt, now) < 4 * min(healing.interval, Self.longestInterval) else {
            return Self.shortestInterval
        }
        return min(max(healing.interval, Self.shortestInterval) * 2, Self.longestInterval)
    }
}
