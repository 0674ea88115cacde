// Who accepts from which queue, and in which order a reload goes through the slots.

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

@Suite struct RollTests {
    @Test func slotsAreReplacedOneAfterTheOther() {
        var roll = Roll(slots: [0, 1])
        #expect(roll.begin() == [.replace(slot: 0)])
        #expect(roll.replaced(1) == [])
        #expect(roll.replaced(0) == [.replace(slot: 1)])
        #expect(roll.isRolling)
        #expect(roll.replaced(1) == [.replaced])
        #expect(!roll.isRolling)
    }

    @Test func aNewWorkerThatFailsEndsItAndNamesThoseToBringBack() {
        var roll = Roll(slots: [0, 1, 2])
        _ = roll.begin()
        _ = roll.replaced(0)
        #expect(roll.failed(1) == [.failed(back: [0])])
        #expect(roll.failed(1) == [])
        #expect(roll.replaced(1) == [])
    }

    @Test func aYoungDeathAfterTheLastReplacementStillCounts() {
        var roll = Roll(slots: [0, 1])
        _ = roll.begin()
        _ = roll.replaced(0)
        _ = roll.replaced(1)
        #expect(roll.failed(0) == [.failed(back: [0, 1])])
    }

    @Test func aDeathInASlotThatHasItsOldWorkerIsNoFailure() {
        var roll = Roll(slots: [0, 1])
        _ = roll.begin()
        #expect(roll.failed(1) == [])
        #expect(roll.isRolling)
    }

    @Test func aSlotWithoutAnOldWorkerIsPassedAndItsDeathsProveNothing() {
        var roll = Roll(slots: [0, 1, 2])
        _ = roll.begin()
        #expect(roll.passed(1) == [])
        #expect(roll.passed(0) == [.replace(slot: 1)])
        #expect(roll.failed(0) == [])
        _ = roll.replaced(1)
        #expect(roll.failed(2) == [.failed(back: [1, 0])])
    }

    @Test func aYoungDeathElsewhereAlsoBringsBackTheSlotWhoseNewWorkerIsOnItsWay() {
        var roll = Roll(slots: [0, 1, 2])
        _ = roll.begin()
        _ = roll.replaced(0)
        #expect(roll.failed(0) == [.failed(back: [0, 1])])
    }

    @Test func withoutSlotsItIsOverAtOnce() {
        var roll = Roll(slots: [])
        #expect(roll.begin() == [.replaced])
    }
}
