// Which slots wait for a start, and when the next start may be made. A pure value of the supervisor.
// Process: master · Thread: loop
//
// Starts after a death share one token bucket, which bounds what a program that keeps dying costs the machine. It never keeps the
// service down: while no worker serves or starts, a start is due within 50 ms whatever the bucket holds.

internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct StartQueue {
    package enum Kind: Int, CaseIterable {
        /// At begin, and in slots that scaling takes into use: waits for no token.
        case first
        /// After the death of a worker that had started well: takes a token.
        case replacement
        /// After a failed start: takes ten, so that a slot that can't start leaves most of the budget to the others.
        case retry

        var price: UInt64 {
            switch self {
            case .first: 0
            case .replacement: 1
            case .retry: 10
            }
        }
    }

    /// In the order of their kinds.
    private var waiting: [ArraySlice<Int>] = Kind.allCases.map { _ in [] }
    private var bucket: TokenBucket
    private var lastStart: UInt64 = 0

    /// Between two starts while the service is down and the bucket is empty.
    package static let urgentInterval: UInt64 = 50_000_000
    /// Starts in one turn of the loop: a fork takes about a millisecond, and the master has other work.
    package static let startsPerTurn = 16

    package init(bucket: TokenBucket) { self.bucket = bucket }

    package mutating func setBucket(_ new: TokenBucket) {
        if new.capacity != bucket.capacity || new.interval != bucket.interval { bucket = new }
    }

    package mutating func append(_ slot: Int, _ kind: Kind) { waiting[kind.rawValue].append(slot) }

    /// The slots to start now.
    /// - Parameters:
    ///   - isDown: whether no worker serves or starts, although one could.
    ///   - isDue: whether a slot still waits: entries of others are dropped.
    package mutating func take(now: UInt64, isDown: Bool, isDue: (Int) -> Bool) -> [Int] {
        var slots: [Int] = []
        for kind in Kind.allCases {
            while slots.count < Self.startsPerTurn, let slot = waiting[kind.rawValue].first {
                if isDue(slot), !slots.contains(slot) {
                    let isUrgent = isDown && slots.isEmpty && now >= lastStart.addingUpToLimit(Self.urgentInterval)
                    guard bucket.take(kind.price, now: now) || isUrgent else { break }
                    slots.append(slot)
                }
                waiting[kind.rawValue].removeFirst()
            }
        }
        if !slots.isEmpty { lastStart = now }
        return slots
    }

    /// When `take` has something to give, which may be in the past; nil when no slot waits.
    package func nextStart(isDown: Bool) -> UInt64? {
        guard let next = Kind.allCases.first(where: { !waiting[$0.rawValue].isEmpty }) else { return nil }
        let time = bucket.time(of: next.price)
        return isDown ? min(time, lastStart.addingUpToLimit(Self.urgentInterval)) : time
    }
}
