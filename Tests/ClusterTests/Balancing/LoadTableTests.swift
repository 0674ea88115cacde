// Who gets a connection, by the counters that workers share.

import Cluster
import TestSupport
import Testing

@Suite struct LoadTableTests {
    /// Entries of an open table, in slots of the same numbers.
    private func withTable(
        _ loads: [Int], isHeld: @escaping (Int) -> Bool = { _ in false }, _ body: (LoadTable) throws -> Void
    ) rethrows {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: LoadTable.byteCount(entries: 16), alignment: 8)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: LoadTable.byteCount(entries: 16))
        let table = unsafe LoadTable(at: memory, entries: 16, isHeld: isHeld)
        for (entry, load) in loads.enumerated() {
            table.begin(entry, slot: entry)
            table.open(entry)
            for _ in 0..<load { table.add(entry) }
        }
        try body(table)
    }

    @Test func whoHasNoMoreThanTheEmptiestKeepsWhatItAccepts() {
        withTable([3, 3, 4]) { table in
            #expect(table.place(own: 0, slack: 0) == nil)
            #expect(table.connections(of: 0) == 4)
            #expect(table.connections(of: 1) == 3)
        }
    }

    @Test func whoHasMoreGivesItToTheEmptiest() {
        withTable([3, 2, 1]) { table in
            #expect(table.place(own: 0, slack: 0) == .init(entry: 2, slot: 2))
            #expect(table.connections(of: 0) == 3)
            #expect(table.connections(of: 2) == 2)
        }
    }

    @Test func anyOrderOfArrivalsEndsEven() {
        var generator = SeededGenerator.printingSeed(8)
        withTable(Array(repeating: 0, count: 8)) { table in
            for _ in 0..<64 { _ = table.place(own: Int.random(in: 0..<8, using: &generator), slack: 0) }
            let loads = (0..<8).map(table.connections(of:))
            #expect(loads == Array(repeating: 8, count: 8))
        }
    }

    @Test func slackAllowsForConnectionsThatComeAndGo() {
        withTable([5, 1]) { table in
            #expect(table.place(own: 0, slack: 4) == nil)
            #expect(table.place(own: 0, slack: 4) == .init(entry: 1, slot: 1))
        }
    }

    @Test func whatIsTooMuchIsHalfTheDifference() {
        withTable([9, 2, 4]) { table in
            #expect(table.excess(own: 0, slack: 0) == 3)
            #expect(table.excess(own: 0, slack: 7) == 0)
            #expect(table.excess(own: 1, slack: 0) == 0)
            for _ in 0..<3 {
                #expect(table.placeExcess(own: 0) == .init(entry: 1, slot: 1))
                table.subtract(0)
            }
            #expect((0..<3).map(table.connections(of:)) == [6, 5, 4])
            #expect(table.placeExcess(own: 0) == .init(entry: 2, slot: 2))
            table.subtract(0)
            #expect(table.placeExcess(own: 0) == nil)
            table.close(0)
            #expect(table.excess(own: 0, slack: 0) == 0)
        }
    }

    @Test func whoIsClosedIsGivenNothingAndGivesNothing() {
        withTable([3, 0, 2]) { table in
            table.close(1)
            #expect(table.place(own: 0, slack: 0) == .init(entry: 2, slot: 2))
            #expect(table.place(own: 1, slack: 0) == nil)
            table.close(0)
            table.close(2)
            #expect(table.placeElsewhere(own: 1) == nil)
            table.open(2)
            #expect(table.placeElsewhere(own: 1) == .init(entry: 2, slot: 2))
        }
    }

    @Test func aNewProcessStartsClosedAndEmpty() {
        withTable([3, 3]) { table in
            table.begin(1, slot: 7)
            #expect(table.connections(of: 1) == 0)
            #expect(table.placeElsewhere(own: 0) == nil)
            table.open(1)
            #expect(table.placeElsewhere(own: 0) == .init(entry: 1, slot: 7))
        }
    }

    @Test func aWorkerWhoseHandlerRunsForLongIsGivenNothing() {
        withTable([9, 0, 4], isHeld: { $0 == 1 }) { table in
            #expect(table.place(own: 0, slack: 0) == .init(entry: 2, slot: 2))
            #expect(table.placeElsewhere(own: 0) == .init(entry: 2, slot: 2))
            #expect(table.placeExcess(own: 0) == .init(entry: 2, slot: 2))
            #expect(table.excess(own: 0, slack: 0) == 1)
            // It may give.
            #expect(table.placeElsewhere(own: 1) == .init(entry: 2, slot: 2))
        }
    }

    @Test func aWorkerThatSaysItselfThatItTakesNoneIsOpenAgainOnlyWhenBothSaySo() {
        withTable([3, 0]) { table in
            table.setFull(1, true)
            #expect(table.placeElsewhere(own: 0) == nil)
            table.open(1)
            #expect(table.placeElsewhere(own: 0) == nil)
            table.close(1)
            table.setFull(1, false)
            #expect(table.placeElsewhere(own: 0) == nil)
            table.open(1)
            #expect(table.placeElsewhere(own: 0) == .init(entry: 1, slot: 1))
            #expect(table.connections(of: 1) == 1)
        }
    }

    @Test func whatIsTakenIsCountedAndEndsAPause() {
        withTable([0]) { table in
            table.notePause(0, .noDescriptors)
            #expect(table.pause(of: 0) == .noDescriptors)
            table.noteArrived(0)
            #expect(table.pause(of: 0) == .noDescriptors)
            table.noteAccepted(0)
            #expect(table.pause(of: 0) == nil)
            #expect((table.accepted(0), table.arrived(0), table.taken(0)) == (1, 1, 2))
            table.begin(0, slot: 0)
            #expect(table.taken(0) == 0)
        }
    }

    @Test func aCountOfAnySizeIsChangedInOneStep() {
        withTable([0]) { table in
            table.add(0, .max)
            let most = table.connections(of: 0)
            #expect(most == (1 << 30) - 1)
            #expect(table.place(own: 0, slack: 0) == nil)
            #expect(table.connections(of: 0) == most)
            table.add(0, -(most - 7))
            #expect(table.connections(of: 0) == 7)
            table.add(0, .min)
            #expect(table.connections(of: 0) == 0)
        }
    }

    @Test func countsNeverLeaveTheirBounds() {
        withTable([0, 0]) { table in
            table.subtract(0)
            #expect(table.connections(of: 0) == 0)
            for entry in [-1, 16, .max] {
                table.add(entry)
                table.open(entry)
                table.begin(entry, slot: 0)
                #expect(table.connections(of: entry) == 0)
                #expect(table.place(own: entry, slack: 0) == nil)
            }
        }
    }
}

@Suite struct BookingsTests {
    @Test func whatIsTooMuchAtTwoLooksIsTakenBack() {
        var reservations = Reservations()
        reservations.held = 3
        #expect(reservations.settle(reserved: 5) == 0)
        #expect(reservations.settle(reserved: 4) == 1)
        #expect(reservations.settle(reserved: 3) == 0)
    }

    @Test func whatIsOnItsWayAtALookIsLeftAlone() {
        var reservations = Reservations()
        #expect(reservations.settle(reserved: 1) == 0)
        reservations.held = 1
        #expect(reservations.settle(reserved: 1) == 0)
        #expect(reservations.settle(reserved: 2) == 0)
    }

    @Test func whatIsMissingAtTwoLooksIsAdded() {
        var reservations = Reservations()
        reservations.held = 2
        #expect(reservations.settle(reserved: 0) == 0)
        #expect(reservations.settle(reserved: 1) == -1)
        #expect(reservations.settle(reserved: 2) == 0)
    }
}
