// Workers in the place of stuck ones, when no worker serves. A pure value of the master: what the workers do and the time go in, what
// to start and what to kill comes out.
// Process: master · Thread: loop
//
// One stuck worker costs its share of the capacity, until it goes on or the watchdog ends it. Where all are stuck there is no
// capacity at all: each gets a successor at once, and goes when it goes on. There are never more of these stuck workers than the cluster
// has workers; beyond that the one that is stuck for longest is killed.

internal import EverycoreLoop

/// All times are monotonic nanoseconds.
package struct StandIns {
    package struct Worker: Equatable {
        package let pid: Int32
        package let slot: Int
        /// The slot's worker; false for one that has a successor already, and lives on because it is stuck.
        package let isCurrent: Bool
        /// Its successor is starting.
        package let hasSuccessor: Bool
        /// Since when it serves nothing new; nil where it may serve.
        package let outSince: UInt64?
        /// The long request that holds it now, by when that began.
        package let request: UInt64?

        package init(pid: Int32, slot: Int, isCurrent: Bool, hasSuccessor: Bool, outSince: UInt64?, request: UInt64? = nil) {
            self.pid = pid
            self.slot = slot
            self.isCurrent = isCurrent
            self.hasSuccessor = hasSuccessor
            self.outSince = outSince
            self.request = request
        }
    }

    package enum Action: Equatable {
        /// None serves for so long now. Once, until one does.
        case noneServes
        /// Start a successor of the slot's worker.
        case start(slot: Int)
        case kill(pid: Int32)
    }

    /// How long none may serve; nil for ever.
    package var patience: Duration?
    private var bucket: TokenBucket
    private var isOut = false
    /// The requests that have been reported, by process id.
    private var reported: [Int32: UInt64] = [:]

    package init(patience: Duration?, workers: Int) {
        self.patience = patience
        // Their own: other starts don't wait for these, nor these for others.
        bucket = TokenBucket(capacity: max(workers, 1), interval: 1_000_000_000)
    }

    /// - Parameter limit: how many stuck workers with a successor there may be.
    package mutating func decide(_ workers: [Worker], limit: Int, now: UInt64) -> [Action] {
        let current = workers.filter(\.isCurrent).sorted { ($0.outSince ?? 0, $0.slot) < ($1.outSince ?? 0, $1.slot) }
        guard let patience, !current.isEmpty, current.allSatisfy({ isOut($0, patience.wholeNanoseconds, now) }) else {
            isOut = false
            return []
        }
        var actions: [Action] = isOut ? [] : [.noneServes]
        isOut = true
        var replaced = workers.filter { !$0.isCurrent }.sorted { ($0.outSince ?? 0) < ($1.outSince ?? 0) }
        var room = limit - replaced.count - current.count(where: \.hasSuccessor)
        for worker in current where !worker.hasSuccessor {
            guard room > 0 || !replaced.isEmpty, bucket.take(now: now) else { break }
            if room > 0 {
                room -= 1
            } else {
                actions.append(.kill(pid: replaced.removeFirst().pid))
            }
            actions.append(.start(slot: worker.slot))
        }
        return actions
    }

    /// The workers that a long request holds while no worker has served for so long, or only such as stand in for stuck ones. Each
    /// request once: where many follow each other none need be that long itself.
    package mutating func held(_ workers: [Worker], now: UInt64) -> [Int32] {
        reported = reported.filter { pid, _ in workers.contains { $0.pid == pid } }
        let current = workers.filter(\.isCurrent)
        guard let patience else { return [] }
        // Of those that were replaced too: the request that held one when none served may have been too young to tell.
        let out = workers.filter { isOut($0, patience.wholeNanoseconds, now) }
        guard current.count < workers.count || out.count == current.count else { return [] }
        let new = out.filter { $0.request != nil && reported[$0.pid] != $0.request }
        for worker in new { reported[worker.pid] = worker.request }
        return new.map(\.pid)
    }

    /// The workers that requests hold while no worker serves, or only such as stand in for stuck ones.
    package func holding(_ workers: [Worker], now: UInt64) -> [Int32] {
        guard let patience else { return [] }
        let replaced = workers.filter { !$0.isCurrent }
        let out = workers.filter { $0.isCurrent && isOut($0, patience.wholeNanoseconds, now) }
        return replaced.isEmpty && out.count < workers.count ? [] : (replaced + out).map(\.pid)
    }

    private func isOut(_ worker: Worker, _ patience: UInt64, _ now: UInt64) -> Bool {
        guard let since = worker.outSince else { return false }
        return now &- min(since, now) >= patience
    }
}
