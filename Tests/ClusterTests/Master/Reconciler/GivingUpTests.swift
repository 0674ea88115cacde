// When a cluster whose workers can't be kept alive gives up.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

@Suite struct GivingUpTests {
    @Test func aMinuteOfFailedStartsInAllSlotsGivesUp() {
        var cast = Cast()
        var gaveUpAt: UInt64?
        while gaveUpAt == nil, cast.now < 100 * second {
            for slot in 0..<2 { cast.end(slot, .failedStart) }
            let next = cast.supervisor.nextWake ?? cast.now
            if cast.pass(until: next).contains(where: { $0.1 == .giveUp }) { gaveUpAt = cast.now }
        }
        #expect(gaveUpAt == 60 * second)
        #expect(cast.handle(.timer) == [])
        #expect(cast.supervisor.nextWake == nil)
    }

    @Test func theServiceOfAMinuteAgoDoesNotKeepOneThatCannotStart() {
        var cast = Cast()
        cast.becomeGood()
        let begin = cast.now
        var isOver = false
        var starts = 0
        while !isOver, cast.now < begin + 100 * second {
            for slot in 0..<2 { isOver = cast.end(slot, .failedStart).contains(.giveUp) || isOver }
            let next = cast.supervisor.nextWake ?? cast.now
            let actions = cast.pass(until: max(next, cast.now + 10 * millisecond))
            isOver = actions.contains { $0.1 == .giveUp } || isOver
            starts += actions.count
        }
        #expect(isOver)
        #expect((58 * second...61 * second).contains(cast.now - begin), "\(cast.now - begin)")
        #expect(starts < 1300)
    }

    @Test func deathsInRequestsNeverGiveUp() {
        var cast = Cast()
        // Not one is ever good.
        while cast.now < 300 * second {
            for slot in 0..<2 {
                cast.ready(slot)
                #expect(cast.end(slot, .inRequest) == [])
            }
            #expect(!cast.pass(until: cast.now + 50 * millisecond).contains { $0.1 == .giveUp })
        }
    }

    @Test func oneServingSlotKeepsTheClusterAlive() {
        var cast = Cast()
        cast.ready(1)
        cast.now = 500 * second
        #expect(!cast.end(0, .failedStart).contains(.giveUp))
        // From the end of the one that served, the others get a minute.
        cast.now = 501 * second
        #expect(!cast.end(1, .failedStart).contains(.giveUp))
        cast.pass(until: 501 * second)
        cast.now = 560 * second
        #expect(!cast.end(1, .failedStart).contains(.giveUp))
        cast.now = 561 * second
        #expect(cast.end(0, .failedStart).contains(.giveUp))
    }

    @Test func aSlowFirstStartIsNoFailureAndOneUnderWayMaySucceed() {
        var cast = Cast()
        #expect(cast.supervisor.nextWake == nil)
        cast.now = 300 * second
        #expect(cast.handle(.timer) == [])
        // The other one makes its first attempt.
        #expect(!cast.end(0, .failedStart).contains(.giveUp))
        cast.pass(until: 301 * second)
        #expect(cast.handle(.timer) == [])
        #expect(cast.end(1, .failedStart).contains(.giveUp))
    }

    @Test func auxiliariesNeverGiveUpAndPauseHoweverGoodTheyWere() {
        var cast = Cast(slots: 1, givesUp: false)
        cast.becomeGood()
        cast.now = 900 * second
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 1, pause: .milliseconds(100))])
    }
}
