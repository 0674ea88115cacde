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
        #expect(owners.update(orphans: [1, 2], candidates: [two[0]]) == [
            .release(slot: 2, by: 11), .adopt(slot: 1, by: 10), .adopt(slot: 2, by: 10),
        ])
    }

    @Test func withoutCandidatesOrphansWaitForTheFirst() {
        var owners = QueueOwners()
        #expect(owners.update(orphans: [0, 1], candidates: []) == [])
        #expect(owners.update(orphans: [1], candidates: [two[0]]) == [.adopt(slot: 1, by: 10)])
    }
}
