// Which worker empties the queues of a slot whose own worker can't.
// A pure value of the master: the workers that serve go in, changes of owners come out.

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
        let present = Set(candidates.map(\.pid))
        for (slot, pid) in adopters.sorted(by: { $0.key < $1.key }) where !orphans.contains(slot) || !present.contains(pid) {
            adopters[slot] = nil
            // Also to one that is no candidate any more: it may come back from where it is stuck.
            actions.append(.release(slot: slot, by: pid))
        }
        let new = orphans.subtracting(adopters.keys).sorted()
        guard !new.isEmpty, !candidates.isEmpty else { return actions }
        // Several orphans go to several workers. Sorted once, and again where all have one more: half of a thousand workers may die at once.
        let counts = adopters.values.reduce(into: [Int32: Int]()) { $0[$1, default: 0] += 1 }
        var waiting = candidates.map { (adopted: counts[$0.pid] ?? 0, candidate: $0) }.sorted { Self.isBefore($0, $1) }
        var next = 0
        for slot in new {
            if next > 0, next == waiting.count || waiting[next].adopted >= waiting[0].adopted {
                waiting.sort { Self.isBefore($0, $1) }
                next = 0
            }
            adopters[slot] = waiting[next].candidate.pid
            actions.append(.adopt(slot: slot, by: waiting[next].candidate.pid))
            waiting[next].adopted += 1
            next += 1
        }
        return actions
    }

    private static func isBefore(_ one: (adopted: Int, candidate: Candidate), _ other: (adopted: Int, candidate: Candidate)) -> Bool {
        (one.adopted, one.candidate.connections, one.candidate.slot) < (other.adopted, other.candidate.connections, other.candidate.slot)
    }
}
