// How many starts deaths may cause, and that the service gets one promptly all the same.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

@Suite struct SupervisorBudgetTests {
    @Test func startsAfterDeathsShareABudget() {
        var cast = Cast(slots: 4)
        cast.becomeGood()
        let begin = cast.now
        var starts = 0
        // As many deaths as there can be: each successor dies at once, and one worker serves on.
        while cast.now < begin + 10 * second {
            for slot in 1..<4 { cast.end(slot, .inRequest) }
            starts += cast.pass(until: cast.now + millisecond).count
            for slot in 1..<4 { cast.ready(slot) }
        }
        #expect((219...221).contains(starts), "twenty at once, and twenty a second")
    }

    @Test func whileNoWorkerServesOrStartsTheNextStartIsDueWithin50Milliseconds() {
        var cast = Cast(slots: 2, rate: 1)
        cast.becomeGood()
        var longest: UInt64 = 0
        for _ in 0..<100 {
            for slot in 0..<2 { cast.end(slot, .inRequest) }
            let since = cast.now
            let next = cast.supervisor.nextWake ?? .max
            longest = max(longest, next > since ? next - since : 0)
            cast.pass(until: max(next, since))
            for slot in 0..<2 { cast.ready(slot) }
        }
        #expect(longest == 50 * millisecond)
    }

    @Test func aSlotThatCannotStartLeavesTheBudgetToTheOthers() {
        var cast = Cast(slots: 3)
        cast.becomeGood()
        var failures = 0
        let begin = cast.now
        while cast.now < begin + 10 * second {
            if case .startFailed = cast.end(0, .failedStart).first { failures += 1 }
            cast.end(1, .killed)
            let since = cast.now
            let started = cast.pass(until: since + 100 * millisecond)
            // Ten a second: prompt all the same.
            #expect(started.contains { $0.1 == .fork(slot: 1, generation: cast.generations[1]) && $0.at <= since + 50 * millisecond })
            cast.ready(1)
        }
        #expect((10...15).contains(failures), "\(failures)")
    }
}
