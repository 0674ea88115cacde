// Who gets a connection, by the counters that workers share.

import Cluster
import Testing

@Suite struct LoadBoardTests {
    /// Entries of an open board, in slots of the same numbers.
    private func withBoard(
        _ loads: [Int], isHeld: @escaping (Int) -> Bool = { _ in false }, _ body: (LoadBoard) throws -> Void
    ) rethrows {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: LoadBoard.byteCount(entries: 16), alignment: 8)
        defer { unsafe memory.deallocate() }
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: LoadBoard.byteCount(entries: 16))
        let board = unsafe LoadBoard(at: memory, entries: 16, isHeld: isHeld)
        for (entry, load) in loads.enumerated() {
            board.begin(entry, slot: entry)
            board.open(entry)
            for _ in 0..<load { board.add(entry) }
        }
        try body(board)
    }

    @Test func whoHasNoMoreThanTheEmptiestKeepsWhatItAccepts() {
        withBoard([3, 3, 4]) { board in
            #expect(board.place(own: 0, slack: 0) == nil)
            #expect(board.connections(of: 0) == 4)
            #expect(board.connections(of: 1) == 3)
        }
    }

    @Test func whoHasMoreGivesItToTheEmptiest() {
        withBoard([3, 2, 1]) { board in
            #expect(board.place(own: 0, slack: 0) == .init(entry: 2, slot: 2))
            #expect(board.connections(of: 0) == 3)
            #expect(board.connections(of: 2) == 2)
        }
    }

    @Test func anyOrderOfArrivalsEndsEven() {
        var generator = SystemRandomNumberGenerator()
        withBoard(Array(repeating: 0, count: 8)) { board in
            for _ in 0..<64 { _ = board.place(own: Int.random(in: 0..<8, using: &generator), slack: 0) }
            let loads = (0..<8).map(board.connections(of:))
            #expect(loads == Array(repeating: 8, count: 8))
        }
    }

    @Test func slackAllowsForConnectionsThatComeAndGo() {
        withBoard([5, 1]) { board in
            #expect(board.place(own: 0, slack: 4) == nil)
            #expect(board.place(own: 0, slack: 4) == .init(entry: 1, slot: 1))
        }
    }

    @Test func whatIsTooMuchIsHalfTheDifference() {
        withBoard([9, 2, 4]) { board in
            #expect(board.excess(own: 0, slack: 0) == 3)
            #expect(board.excess(own: 0, slack: 7) == 0)
            #expect(board.excess(own: 1, slack: 0) == 0)
            for _ in 0..<3 {
                #expect(board.placeExcess(own: 0) == .init(entry: 1, slot: 1))
                board.subtract(0)
            }
            #expect((0..<3).map(board.connections(of:)) == [6, 5, 4])
            #expect(board.placeExcess(own: 0) == .init(entry: 2, slot: 2))
            board.subtract(0)
            #expect(board.placeExcess(own: 0) == nil)
            board.close(0)
            #expect(board.excess(own: 0, slack: 0) == 0)
        }
    }

    @Test func whoIsClosedIsGivenNothingAndGivesNothing() {
        withBoard([3, 0, 2]) { board in
            board.close(1)
            #expect(board.place(own: 0, slack: 0) == .init(entry: 2, slot: 2))
            #expect(board.place(own: 1, slack: 0) == nil)
            board.close(0)
            board.close(2)
            #expect(board.placeElsewhere(own: 1) == nil)
            board.open(2)
            #expect(board.placeElsewhere(own: 1) == .init(entry: 2, slot: 2))
        }
    }

    @Test func aNewProcessStartsClosedAndEmpty() {
        withBoard([3, 3]) { board in
            board.begin(1, slot: 7)
            #expect(board.connections(of: 1) == 0)
            #expect(board.placeElsewhere(own: 0) == nil)
            board.open(1)
            #expect(board.placeElsewhere(own: 0) == .init(entry: 1, slot: 7))
        }
    }

    @Test func aWorkerWhoseHandlerRunsForLongIsGivenNothing() {
        withBoard([9, 0, 4], isHeld: { $0 == 1 }) { board in
            #expect(board.place(own: 0, slack: 0) == .init(entry: 2, slot: 2))
            #expect(board.placeElsewhere(own: 0) == .init(entry: 2, slot: 2))
            #expect(board.placeExcess(own: 0) == .init(entry: 2, slot: 2))
            #expect(board.excess(own: 0, slack: 0) == 1)
            // It may give.
            #expect(board.placeElsewhere(own: 1) == .init(entry: 2, slot: 2))
        }
    }

    @Test func aWorkerThatSaysItselfThatItTakesNoneIsOpenAgainOnlyWhenBothSaySo() {
        withBoard([3, 0]) { board in
            board.setFull(1, true)
            #expect(board.placeElsewhere(own: 0) == nil)
            board.open(1)
            #expect(board.placeElsewhere(own: 0) == nil)
            board.close(1)
            board.setFull(1, false)
            #expect(board.placeElsewhere(own: 0) == nil)
            board.open(1)
            #expect(board.placeElsewhere(own: 0) == .init(entry: 1, slot: 1))
            #expect(board.connections(of: 1) == 1)
        }
    }

    @Test func whatIsTakenIsCountedAndEndsAPause() {
        withBoard([0]) { board in
            board.notePause(0, .noDescriptors)
            #expect(board.pause(of: 0) == .noDescriptors)
            board.noteArrived(0)
            #expect(board.pause(of: 0) == .noDescriptors)
            board.noteAccepted(0)
            #expect(board.pause(of: 0) == nil)
            #expect((board.accepted(0), board.arrived(0), board.taken(0)) == (1, 1, 2))
            board.begin(0, slot: 0)
            #expect(board.taken(0) == 0)
        }
    }

    @Test func aCountOfAnySizeIsChangedInOneStep() {
        withBoard([0]) { board in
            board.add(0, .max)
            let most = board.connections(of: 0)
            #expect(most == (1 << 30) - 1)
            #expect(board.place(own: 0, slack: 0) == nil)
            #expect(board.connections(of: 0) == most)
            board.add(0, -(most - 7))
            #expect(board.connections(of: 0) == 7)
            board.add(0, .min)
            #expect(board.connections(of: 0) == 0)
        }
    }

    @Test func countsNeverLeaveTheirBounds() {
        withBoard([0, 0]) { board in
            board.subtract(0)
            #expect(board.connections(of: 0) == 0)
            for entry in [-1, 16, .max] {
                board.add(entry)
                board.open(entry)
                board.begin(entry, slot: 0)
                #expect(board.connections(of: entry) == 0)
                #expect(board.place(own: entry, slack: 0) == nil)
            }
        }
    }
}

@Suite struct BookingsTests {
    @Test func whatIsTooMuchAtTwoLooksIsTakenBack() {
        var bookings = Bookings()
        bookings.held = 3
        #expect(bookings.settle(booked: 5) == 0)
        #expect(bookings.settle(booked: 4) == 1)
        #expect(bookings.settle(booked: 3) == 0)
    }

    @Test func whatIsOnItsWayAtALookIsLeftAlone() {
        var bookings = Bookings()
        #expect(bookings.settle(booked: 1) == 0)
        bookings.held = 1
        #expect(bookings.settle(booked: 1) == 0)
        #expect(bookings.settle(booked: 2) == 0)
    }

    @Test func whatIsMissingAtTwoLooksIsAdded() {
        var bookings = Bookings()
        bookings.held = 2
        #expect(bookings.settle(booked: 0) == 0)
        #expect(bookings.settle(booked: 1) == -1)
        #expect(bookings.settle(booked: 2) == 0)
    }
}
