// Which worker has served long enough to be replaced, and when: by requests, age or memory, one at a time.
// A pure value of the master: what the slots are and the time go in, a slot comes out. Random numbers come from outside.

internal import EverycoreLoop

/// When workers are replaced although nothing is wrong with them. Nothing is, by default.
public struct RecyclePolicy: Sendable, Equatable {
    /// After so many requests.
    public var requests: UInt64?
    /// At this age.
    public var age: Duration?
    /// With so many bytes in RAM, what it shares with others included.
    public var residentBytes: UInt64?
    /// With so many times the memory of its siblings' median; from three workers on.
    public var medianFactor: Double?
    /// How much later than by `requests` and `age` a worker may be replaced, as a share of them: each gets a random part of it, so that
    /// workers that started together don't end together.
    public var jitter = 0.1

    public init() {}

    var isOn: Bool { requests != nil || age != nil || residentBytes != nil || medianFactor != nil }
}

/// All times are monotonic nanoseconds.
package struct Recycling {
    package struct Slot: Equatable {
        package let slot: Int
        package let generation: Int
        /// Serves, and neither starts nor drains.
        package let isReady: Bool
        package let startedAt: UInt64
        package let requests: UInt64
        /// Nil where it is unknown.
        package let residentBytes: UInt64?

        package init(slot: Int, generation: Int, isReady: Bool, startedAt: UInt64, requests: UInt64, residentBytes: UInt64?) {
            self.slot = slot
            self.generation = generation
            self.isReady = isReady
            self.startedAt = startedAt
            self.requests = requests
            self.residentBytes = residentBytes
        }
    }

    package enum Reason: String, Equatable {
        case requests, age, memory
    }

    package struct Choice: Equatable {
        package let slot: Int
        package let generation: Int
        package let reason: Reason
    }

    private let policy: RecyclePolicy
    private let random: () -> Double
    private struct Worker {
        let generation: Int
        /// How much later it may go.
        let part: Double
        /// When it was chosen, and its successor failed: it is still there.
        var chosenAt: UInt64?
    }

    /// By slot.
    private var workers: [Int: Worker] = [:]
    /// A successor that can't start is not tried again at once.
    private static let pause: UInt64 = 60_000_000_000

    /// - Parameter random: gives numbers in 0..<1.
    package init(policy: RecyclePolicy, random: @escaping () -> Double) {
        self.policy = policy
        self.random = random
    }

    /// The worker to replace now: the one that is furthest beyond a limit. Nil while any slot is without a worker that
    /// serves: then one is being replaced, or there is trouble enough.
    package mutating func next(_ slots: [Slot], now: UInt64) -> Choice? {
        guard policy.isOn, slots.allSatisfy(\.isReady) else { return nil }
        workers = workers.filter { entry in slots.contains { $0.slot == entry.key } }
        var chosen: (choice: Choice, excess: Double)?
        for slot in slots {
            guard let (reason, excess) = excess(of: slot, among: slots, now: now), excess >= 1, excess > chosen?.excess ?? 0 else {
                continue
            }
            if let chosenAt = workers[slot.slot]?.chosenAt, now &- min(chosenAt, now) < Self.pause { continue }
            chosen = (Choice(slot: slot.slot, generation: slot.generation, reason: reason), excess)
        }
        if let chosen { workers[chosen.choice.slot]?.chosenAt = now }
        return chosen?.choice
    }

    /// Its greatest share of a limit.
    private mutating func excess(of slot: Slot, among slots: [Slot], now: UInt64) -> (reason: Reason, excess: Double)? {
        if workers[slot.slot]?.generation != slot.generation {
            workers[slot.slot] = Worker(generation: slot.generation, part: random())
        }
        let later = 1 + max(policy.jitter, 0) * (workers[slot.slot]?.part ?? 0)
        var shares: [(reason: Reason, excess: Double)] = []
        if let limit = policy.requests { shares.append((.requests, Double(slot.requests) / (Double(max(limit, 1)) * later))) }
        if let limit = policy.age {
            let age = Double(now &- min(slot.startedAt, now))
            shares.append((.age, age / (Double(max(limit.wholeNanoseconds, 1)) * later)))
        }
        if let resident = slot.residentBytes {
            if let limit = policy.residentBytes { shares.append((.memory, Double(resident) / Double(max(limit, 1)))) }
            let siblings = slots.filter { $0.slot != slot.slot }.compactMap(\.residentBytes).sorted()
            if let factor = policy.medianFactor, factor > 1, siblings.count >= 2 {
                let median = Double(max(siblings[siblings.count / 2], 1))
                shares.append((.memory, Double(resident) / (median * factor)))
            }
        }
        return shares.max { $0.excess < $1.excess }
    }
}
