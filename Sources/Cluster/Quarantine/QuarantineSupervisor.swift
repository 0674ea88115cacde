// When the quarantine worker is started, and when it may go. A pure value of the master: events and times in, actions out.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct QuarantineSupervisor {
    package enum Action: Equatable {
        case fork(generation: Int)
        /// It finishes what it has, and goes.
        case drain(generation: Int)
    }

    private enum State: Equatable {
        case absent
        case starting(generation: Int)
        case ready(generation: Int)
    }

    private var state = State.absent
    private var lastGeneration = 0
    /// Bounds what its deaths cost the machine: 20 in a row, then 20 a second.
    private var bucket = TokenBucket(capacity: 20, interval: 50_000_000)
    private var failedStarts = 0
    private var notBefore: UInt64 = 0
    /// It is needed and can't be had: what waits for it has to be refused.
    package private(set) var isDown = false
    /// Since when it is needed and not ready.
    private var missingSince: UInt64?
    /// Since when nothing is to be done.
    private var idleSince: UInt64?
    /// A reload may bring another one: it holds for the pauses after it.
    package var policy: RespawnPolicy

    /// How long it stays without need: what workers sent before they learned of the end is still served.
    private static let retention: UInt64 = 5_000_000_000

    /// So many failed starts in a row, or so long without one that succeeds, and it is down.
    private static let startLimit = 3
    private static let missingLimit: UInt64 = 10_000_000_000

    package init(policy: RespawnPolicy) { self.policy = policy }

    /// - Parameter isNeeded: something is quarantined, or waits in the queue.
    package mutating func update(isNeeded: Bool, now: UInt64) -> [Action] {
        missingSince = isNeeded && !isReady ? missingSince ?? now : nil
        if !isReady, failedStarts >= Self.startLimit { isDown = true }
        if let missingSince, now.subtractingDownToZero(missingSince) >= Self.missingLimit { isDown = true }
        switch state {
        case .absent:
            guard isNeeded, now >= notBefore, bucket.take(now: now) else { return [] }
            lastGeneration = min(lastGeneration, .max - 1) + 1
            state = .starting(generation: lastGeneration)
            idleSince = nil
            return [.fork(generation: lastGeneration)]
        case .starting(let generation), .ready(let generation):
            if isNeeded {
                idleSince = nil
                return []
            }
            let since = idleSince ?? now
            idleSince = since
            guard now.subtractingDownToZero(since) >= Self.retention else { return [] }
            state = .absent
            return [.drain(generation: generation)]
        }
    }

    /// When `update` is due next.
    package func nextUpdate(isNeeded: Bool) -> UInt64? {
        let missing = isDown ? nil : missingSince?.addingUpToLimit(Self.missingLimit)
        return switch state {
        case .absent: isNeeded ? min(max(notBefore, bucket.time(of: 1)), missing ?? .max) : nil
        case .starting, .ready: isNeeded ? missing : (idleSince ?? 0).addingUpToLimit(Self.retention)
        }
    }

    package mutating func becameReady(generation: Int) {
        guard state == .starting(generation: generation) else { return }
        state = .ready(generation: generation)
        isDown = false
        missingSince = nil
    }

    /// - Parameter random: a number in 0..<1.
    package mutating func ended(generation: Int, hasServed: Bool, random: Double, now: UInt64) {
        guard state == .starting(generation: generation) || state == .ready(generation: generation) else { return }
        failedStarts = hasServed ? 0 : min(failedStarts + 1, 1000)
        notBefore = now.addingUpToLimit(policy.pause(afterFailedStarts: failedStarts, unit: random).wholeNanoseconds)
        state = .absent
    }

    /// A new description: the worker of the old one goes, and the next one starts without delay.
    package mutating func reset() -> [Action] {
        defer { (state, failedStarts, notBefore, idleSince, missingSince, isDown) = (.absent, 0, 0, nil, nil, false) }
        switch state {
        case .absent: return []
        case .starting(let generation), .ready(let generation): return [.drain(generation: generation)]
        }
    }

    package var isPresent: Bool { state != .absent }

    private var isReady: Bool { if case .ready = state { true } else { false } }
}
