// When an order about workers is over, and who is told of the end of which order.

import Cluster
import Testing

struct WorkerGoalTests {
    private func slot(_ number: Int, _ generation: Int?, starting: Bool = false) -> SlotState {
        SlotState(number, generation.map { .init(generation: $0, version: 0, isStarting: starting) })
    }

    @Test func `a number of workers is reached when all are ready and none is left over`() {
        let goal = WorkerGoal.count(2)
        #expect(goal.state([slot(0, 1), slot(1, 1)], leaving: 0) == .reached)
        #expect(goal.state([slot(0, 1), slot(1, 1, starting: true)], leaving: 0) == .pending("1 of 2 workers are ready"))
        #expect(goal.state([slot(0, 1), slot(1, nil)], leaving: 0) == .pending("1 of 2 workers are ready"))
        #expect(goal.state([slot(0, 1), slot(1, 1)], leaving: 1) == .pending("1 worker finishes what is in flight"))
        #expect(goal.state([slot(0, 1), slot(1, 1)], leaving: 2) == .pending("2 workers finish what is in flight"))
        #expect(goal.state([slot(0, 1)], leaving: 0) == .failed("another order has set 1 workers meanwhile"))
    }

    @Test func `a worker is replaced when one of a later generation is ready`() {
        let goal = WorkerGoal.replaced(slot: 1, generation: 4)
        let pending = WorkerGoal.State.pending("the new worker of slot 1 gets ready")
        #expect(goal.state([slot(0, 9), slot(1, 4)], leaving: 0) == pending)
        #expect(goal.state([slot(0, 9), slot(1, nil)], leaving: 0) == pending)
        #expect(goal.state([slot(0, 9), slot(1, 5, starting: true)], leaving: 0) == pending)
        #expect(goal.state([slot(0, 9), slot(1, 6)], leaving: 3) == .reached)
        #expect(goal.state([slot(0, 9)], leaving: 0) == .failed("slot 1 is not in use any more"))
    }

    @Test func `a failed start is the failure of the order that wanted it`() {
        #expect(WorkerGoal.count(4).isFailed(byStartIn: 3, before: 2))
        #expect(!WorkerGoal.count(4).isFailed(byStartIn: 1, before: 2))
        #expect(!WorkerGoal.count(4).isFailed(byStartIn: 4, before: 2))
        #expect(WorkerGoal.replaced(slot: 1, generation: 1).isFailed(byStartIn: 1, before: 2))
        #expect(!WorkerGoal.replaced(slot: 1, generation: 1).isFailed(byStartIn: 0, before: 2))
    }

    @Test func `generations are said in short`() {
        #expect(WorkerGoal.generations([slot(0, 12), slot(1, 12)]) == "generation 12")
        #expect(WorkerGoal.generations([slot(0, 12), slot(1, 3), slot(2, nil)]) == "generations 3 to 12")
        #expect(WorkerGoal.generations([]) == "none serves")
    }
}

struct OrderTicketsTests {
    @Test func `whoever waits for an order is told with who ordered it`() {
        var tickets = OrderTickets<Int>()
        tickets.waits(1, for: .reload)
        tickets.waits(2, for: .upgrade)
        tickets.begins(.reload, for: 3)
        tickets.waits(4, for: .reload)
        #expect(tickets.ends(.upgrade) == [])
        #expect(tickets.ends(.reload) == [1, 3])
        #expect(tickets.ends(.reload) == [])
        tickets.begins(.reload)
        #expect(tickets.ends(.reload) == [4])
        #expect(tickets.leaves(.upgrade) == [2])
        #expect(tickets.leaveAll() == [])
    }

    @Test func `nobody is forgotten when nothing is carried out any more`() {
        var tickets = OrderTickets<Int>()
        tickets.begins(.reload, for: 1)
        tickets.waits(2, for: .upgrade)
        tickets.waits(3, for: .restart)
        #expect(Set(tickets.leaveAll()) == [1, 2, 3])
        #expect(tickets.ends(.reload) == [])
    }
}
