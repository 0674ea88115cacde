// Which workers a look is for.

import Cluster
import Testing

private let millisecond: UInt64 = 1_000_000

@Suite struct LookPlanTests {
    /// The slots that each of so many looks is for.
    private func looks(_ count: Int, _ plan: inout LookPlan, slots: Int) -> [[Int]] {
        (0..<count).map { _ in
            plan.beginLook()
            return (0..<slots).filter { plan.isDue($0) }
        }
    }

    @Test func eachWorkerIsLookedAtOnceInARoundAndEachLookIsForFew() {
        var plan = LookPlan(slots: 64)
        let looks = looks(Int(LookPlan.round), &plan, slots: 64)
        #expect(looks.flatMap(\.self).sorted() == Array(0..<64))
        #expect(looks.allSatisfy { (6...7).contains($0.count) })
    }

    @Test func oneForWhichConnectionsWaitIsLookedAtEachTimeAndNoLonger() {
        var plan = LookPlan(slots: 64)
        for _ in 0..<20 {
            plan.beginLook()
            plan.noteWaiting(for: 7)
            #expect(plan.isDue(7) && plan.isAwaited(7) && !plan.isAwaited(8))
        }
        #expect(looks(20, &plan, slots: 64).count { $0.contains(7) } == 2)
    }

    @Test func whatWaitsForAnyWaitsForEach() {
        var plan = LookPlan(slots: 64)
        plan.beginLook()
        plan.noteWaiting(for: nil)
        #expect((0..<64).allSatisfy { plan.isDue($0) && plan.isAwaited($0) })
        plan.beginLook()
        #expect(!(0..<64).contains { plan.isAwaited($0) })
    }

    @Test func oneInDoubtIsLookedAtEachTimeUntilTheSlotHasAnother() {
        var plan = LookPlan(slots: 64)
        plan.set(7, isRestless: true)
        #expect(plan.hasRestless)
        #expect(looks(20, &plan, slots: 64).allSatisfy { $0.contains(7) })
        plan.begin(7)
        #expect(!plan.hasRestless)
        #expect(looks(20, &plan, slots: 64).count { $0.contains(7) } == 2)
    }

    @Test func theTimeSinceTheLastLookIsEachWorkersOwn() {
        var plan = LookPlan(slots: 2)
        #expect(plan.looked(at: 0, now: 100 * millisecond) == 0)
        #expect(plan.looked(at: 1, now: 200 * millisecond) == 0)
        #expect(plan.looked(at: 0, now: 300 * millisecond) == 200 * millisecond)
        #expect(plan.looked(at: 1, now: 220 * millisecond) == 20 * millisecond)
        // A clock that seems to go back is none that has gone on.
        #expect(plan.looked(at: 1, now: 210 * millisecond) == 0)
    }
}
