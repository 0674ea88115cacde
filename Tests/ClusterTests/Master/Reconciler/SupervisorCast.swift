// A supervisor and the time that a test makes up.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

/// A supervisor, and the time.
struct Cast {
    var supervisor: Supervisor
    var now: UInt64 = 0
    var generations: [Int]

    /// - Parameter rate: starts per second.
    init(slots: Int = 2, capacity: Int = 0, rate: Int = 20, givesUp: Bool = true) {
        var policy = RespawnPolicy()
        policy.startsPerSecond = rate
        supervisor = Supervisor(slots: slots, capacity: capacity, policy: policy, givesUp: givesUp, now: 0, random: { 0.5 })
        generations = Array(repeating: 0, count: max(slots, capacity))
        note(supervisor.handle(.timer, now: 0))
    }

    @discardableResult
    mutating func note(_ actions: [Supervisor.Action]) -> [Supervisor.Action] {
        for case .fork(let slot, let generation) in actions { generations[slot] = generation }
        return actions
    }

    @discardableResult
    mutating func handle(_ event: Supervisor.Event) -> [Supervisor.Action] { note(supervisor.handle(event, now: now)) }

    @discardableResult
    mutating func ready(_ slot: Int) -> [Supervisor.Action] { handle(.ready(slot: slot, generation: generations[slot])) }

    @discardableResult
    mutating func end(_ slot: Int, _ death: Death, wasGood: Bool = false) -> [Supervisor.Action] {
        handle(.ended(slot: slot, generation: generations[slot], death, wasGood: wasGood))
    }

    /// Starts all that is due up to a moment, at the moments when it is.
    @discardableResult
    mutating func pass(until end: UInt64) -> [(at: UInt64, Supervisor.Action)] {
        var actions: [(at: UInt64, Supervisor.Action)] = []
        while let next = supervisor.nextWake, max(next, now) <= end {
            now = max(next, now)
            let new = handle(.timer)
            actions += new.map { (now, $0) }
        }
        now = end
        return actions
    }

    /// All slots are ready, and have been for a while.
    mutating func becomeGood() {
        for slot in generations.indices { ready(slot) }
        pass(until: now + 2 * second)
        handle(.timer)
    }
}
