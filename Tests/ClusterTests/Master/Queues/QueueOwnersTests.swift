// Which worker accepts from which queue.

import Cluster
import Testing

@Suite struct QueueOwnersTests {
    private let two = [
        QueueOwners.Candidate(pid: 10, slot: 0, connections: 5), QueueOwners.Candidate(pid: 11, slot: 1, connections: 2),
    ]

    @Test func theEmptiestAdoptsAndIsReleasedWhenTheSlotHasItsOwnAgain() {
        var owners = QueueOwners()
        #expect(owners.update(orphans: [2], candidates: two) == [.adopt(slot: 2, by: 11)])
        #expect(owners.update(orphans: [2], candidates: two) == [])
        #expect(owners.update(orphans: [], candidates: two) == [.release(slot: 2, by: 11)])
        #expect(owners.update(orphans: [], candidates: two) == [])
    }

    @Test func severalOrphansGoToSeveralWorkers() {
        var owners = QueueOwners()
        #expect(owners.update(orphans: [2, 3], candidates: two) == [.adopt(slot: 2, by: 11), .adopt(slot: 3, by: 10)])
    }

    @Test func anAdopterThatIsGoneIsReplaced() {
        var owners = QueueOwners()
        _ = owners.update(orphans: [2], candidates: two)
        #expect(
            owners.update(orphans: [1, 2], candidates: [two[0]]) == [
                .release(slot: 2, by: 11), .adopt(slot: 1, by: 10), .adopt(slot: 2, by: 10),
            ])
    }

    @Test func withoutCandidatesOrphansWaitForTheFirst() {
        var owners = QueueOwners()
        #expect(owners.update(orphans: [0, 1], candidates: []) == [])
        #expect(owners.update(orphans: [1], candidates: [two[0]]) == [.adopt(slot: 1, by: 10)])
    }

    @Test func halfOfAThousandSlotsAreSpreadEvenlyAndAtOnce() {
        var owners = QueueOwners()
        let candidates = (0..<512).map { QueueOwners.Candidate(pid: Int32(1000 + $0), slot: $0, connections: $0 % 7) }
        var actions: [QueueOwners.Action] = []
        let took = ContinuousClock().measure { actions = owners.update(orphans: Set(512..<1024), candidates: candidates) }
        #expect(Set(actions.compactMap { if case .adopt(_, let pid) = $0 { pid } else { nil } }).count == 512)
        // One after the other comes back.
        let more = ContinuousClock().measure {
            for slot in 512..<1024 { #expect(owners.update(orphans: Set(slot + 1..<1024), candidates: candidates).count == 1) }
        }
        #expect(took < .milliseconds(100) && more < .seconds(5), "\(took), \(more)")
    }

    @Test func oneThatHasAdoptedManyGetsNoMoreUntilTheOthersHaveAsMany() {
        var owners = QueueOwners()
        #expect(owners.update(orphans: [5, 6, 7], candidates: [two[0]]).count == 3)
        let actions = owners.update(orphans: [1, 2, 3, 4, 5, 6, 7], candidates: two)
        #expect(actions == [.adopt(slot: 1, by: 11), .adopt(slot: 2, by: 11), .adopt(slot: 3, by: 11), .adopt(slot: 4, by: 11)])
    }
}
