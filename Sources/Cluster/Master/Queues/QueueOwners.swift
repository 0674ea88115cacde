// Which worker empties the queues of a slot whose own worker can't.
// A pure value of the master: it is told who is there, and says what to tell whom.

package struct QueueOwners: Equatable {
    /// A worker that can take on a queue more.
    package struct Candidate: Equatable {
        package let pid: Int32
        package let slot: Int
        package let connections: Int

        package init(pid: Int32, slot: Int, connections: Int) {
            self.pid = pid
            self.slot = slot
            self.connections = connections
        }
    }

    package enum Action: Equatable {
        case adopt(slot: Int, by: Int32)
        case release(slot: Int, by: Int32)
    }

    /// The process that stands in for a slot's worker.
    private var adopters: [Int: Int32] = [:]

    package init() {}

    /// - Parameters:
    ///   - orphans: the slots that listen and have no worker that accepts.
    ///   - candidates: the workers that accept.
    package mutating func update(orphans: Set<Int>, candidates: [Candidate]) -> [Action] {
        var actions: [Action] = []
        for (slot, pid) in adopters.sorted(by: { $0.key < $1.key }) {
            let isThere = candidates.contains { $0.pid == pid }
            guard !orphans.contains(slot) || !isThere else { continue }
            adopters[slot] = nil
            // Also to one that is no candidate any more: it may come back from where it is stuck.
            actions.append(.release(slot: slot, by: pid))
        }
        for slot in orphans.sorted() where adopters[slot] == nil {
            // Several orphans go to several workers.
            let emptiest = candidates.min { cost($0) < cost($1) }
            guard let emptiest else { break }
            adopters[slot] = emptiest.pid
            actions.append(.adopt(slot: slot, by: emptiest.pid))
        }
        return actions
    }

    private func cost(_ candidate: Candidate) -> (Int, Int, Int) {
        (adopters.values.count { $0 == candidate.pid }, candidate.connections, candidate.slot)
    }
}
