// Reloads, and the way back, without a process: the supervisor and the rollout as the reconciler ties them, with workers that start, die and
// answer as the test says.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let youngAge = second

/// The workers of a cluster, and what is decided about them.
struct Model {
    var supervisor: Supervisor
    var rollout = Rollout<String>(youngAge: youngAge)
    var now: UInt64 = 0
    /// The plan in force.
    var plan = "old"
    var version = 0
    /// Those that start or serve, by slot: the version that each runs by.
    var versions: [Int: [Int: Int]] = [:]
    var hasAnswered = false
    private(set) var said: [String] = []

    init(slots: Int) {
        var policy = RespawnPolicy()
        policy.startsPerSecond = 1000
        supervisor = Supervisor(slots: slots, capacity: 8, policy: policy, givesUp: true, now: 0, random: { 0.5 })
        carryOut(supervisor.handle(.timer, now: now))
        for slot in 0..<slots { ready(slot) }
        pass(2 * second)
    }

    var states: [SlotState] { supervisor.states }
    /// By which plan each slot's worker runs; nil where none lives.
    var current: [Int?] { states.map { $0.current?.version } }
    var starting: [Int] { states.filter { $0.successor != nil || $0.current?.isStarting == true }.map(\.slot) }

    // MARK: What the test does

    /// So much time goes by, in tenths of a second.
    mutating func pass(_ time: UInt64) {
        let end = now + time
        while now < end {
            now = min(now + second / 10, end)
            carryOut(supervisor.handle(.timer, now: now))
            settle()
        }
    }

    mutating func reload(to plan: String, probation: Probation = Probation(hasAnswered: false, deadly: [])) {
        let next = said.count { $0.hasPrefix("reload") } + 1
        said.append("reload")
        rollout.begin(version: next, former: .init(plan: self.plan, version: version, isProven: supervisor.isProven), probation: probation)
        adopt(plan, next, isProven: false)
        settle()
    }

    /// The newest worker of the slot.
    private func newest(_ slot: Int) -> Int? {
        guard let state = states.first(where: { $0.slot == slot }) else { return nil }
        return (state.successor ?? state.current)?.generation
    }

    mutating func ready(_ slot: Int) {
        guard let generation = newest(slot) else { return }
        handle(.ready(slot: slot, generation: generation))
    }

    /// The newest worker of the slot ends before it was ready.
    mutating func failStart(_ slot: Int) {
        guard let generation = newest(slot) else { return }
        handle(.ended(slot: slot, generation: generation, .failedStart, wasGood: false))
    }

    /// The newest is killed from outside.
    mutating func kill(_ slot: Int) {
        guard let generation = newest(slot) else { return }
        handle(.ended(slot: slot, generation: generation, .killed, wasGood: false))
    }

    /// The worker that has the slot dies in a request.
    mutating func die(_ slot: Int, in endpoint: UInt64 = 7) {
        guard let worker = states.first(where: { $0.slot == slot })?.current else { return }
        if let verdict = rollout.died(in: endpoint, version: worker.version, hasAnswered: hasAnswered) { follow(verdict) }
        handle(.ended(slot: slot, generation: worker.generation, .inRequest, wasGood: true))
    }

    mutating func scale(to count: Int) {
        for slot in 0..<8 { if slot < count { _ = supervisor.use(slot) } else { supervisor.disuse(slot) } }
        pass(second / 10)
    }

    /// Starts succeed until nothing more is to be done.
    mutating func finish() {
        for _ in 0..<50 {
            for slot in starting { ready(slot) }
            pass(second / 10)
        }
    }

    // MARK: As the reconciler does it

    mutating func handle(_ event: Supervisor.Event) {
        carryOut(supervisor.handle(event, now: now))
        settle()
    }

    private mutating func settle() {
        for _ in 0..<100 {
            switch rollout.step(states, hasAnswered: hasAnswered, now: now) {
            case .none: return
            case .replace(let slot):
                let actions = supervisor.handle(.replace(slot: slot), now: now)
                #expect(!actions.isEmpty)
                for case .fork(let slot, let generation) in actions { rollout.started(slot: slot, generation: generation) }
                carryOut(actions)
            case .replaced: said.append("replaced")
            case .settled: said.append("settled")
            case .isBack(let hadWork): said.append(hadWork ? "back" : "unchanged")
            }
        }
        Issue.record("no end of steps")
    }

    private mutating func carryOut(_ actions: [Supervisor.Action]) {
        for action in actions {
            switch action {
            case .fork(let slot, let generation): versions[slot, default: [:]][generation] = version
            case .retire: break
            case .replacementFailed(let slot, let generation, true): fail(slot, generation)
            case .replacementFailed(_, _, false): rollout.successorLost(now: now)
            case .startFailed(let slot, let generation, _): fail(slot, generation)
            case .giveUp: said.append("gave up")
            }
        }
    }

    private mutating func fail(_ slot: Int, _ generation: Int) {
        follow(rollout.startFailed(slot: slot, version: versions[slot]?[generation] ?? version))
    }

    private mutating func follow(_ verdict: Rollout<String>.Verdict) {
        switch verdict {
        case .goesOn: break
        case .goesBack(let former):
            said.append("goes back")
            adopt(former.plan, former.version, isProven: former.isProven)
        case .isLost: said.append("lost")
        case .leaves: said.append("leaves")
        }
    }

    private mutating func adopt(_ plan: String, _ version: Int, isProven: Bool) {
        self.plan = plan
        self.version = version
        supervisor.changePlan(to: version, isProven: isProven)
    }
}
