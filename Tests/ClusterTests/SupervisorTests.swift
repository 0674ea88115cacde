// When workers are started, replaced and given up: events in, actions out, with times that the test makes up.

import Testing

import Cluster

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

@Suite struct RespawnPolicyTests {
    @Test func pausesDoubleUpToTheLongest() {
        let policy = RespawnPolicy()
        let middle = (1...9).map { policy.pause(afterFailedStarts: $0, unit: 0.5) }
        #expect(middle == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { .milliseconds($0) })
        #expect(policy.pause(afterFailedStarts: 0, unit: 0.5) == .zero)
        #expect(policy.pause(afterFailedStarts: .max, unit: 0.99) == .seconds(10))
    }

    @Test func jitterIsAQuarterEitherWay() {
        let policy = RespawnPolicy()
        #expect(policy.pause(afterFailedStarts: 1, unit: 0) == .milliseconds(75))
        #expect(policy.pause(afterFailedStarts: 1, unit: 1) == .milliseconds(125))
    }

    @Test func absurdSettingsDoNotOverflow() {
        var policy = RespawnPolicy()
        policy.firstDelay = .seconds(Int64.max)
        policy.longestDelay = .seconds(Int64.max)
        #expect(policy.pause(afterFailedStarts: 100, unit: 1) > .zero)
        policy.startsPerSecond = -1
        #expect(policy.bucket.interval == second)
    }
}

/// A supervisor, and the time.
private struct Cast {
    var supervisor: Supervisor
    var now: UInt64 = 0
    var generations: [Int]

    /// - Parameter rate: starts per second.
    init(slots: Int = 2, capacity: Int = 0, rate: Int = 20, givesUp: Bool = true) {
        var policy = RespawnPolicy()
        policy.startsPerSecond = rate
        supervisor = Supervisor(slots: slots, capacity: capacity, policy: policy, givesUp: givesUp, now: 0, random: { 0.5 })
        generations = Array(repeating: 0, count: max(slots, capacity))
        note(supervisor.handle(.timer, now: 0))
    }

    @discardableResult
    mutating func note(_ actions: [Supervisor.Action]) -> [Supervisor.Action] {
        for case .fork(let slot, let generation) in actions { generations[slot] = generation }
        return actions
    }

    @discardableResult
    mutating func handle(_ event: Supervisor.Event) -> [Supervisor.Action] { note(supervisor.handle(event, now: now)) }

    @discardableResult
    mutating func ready(_ slot: Int) -> [Supervisor.Action] { handle(.ready(slot: slot, generation: generations[slot])) }

    @discardableResult
    mutating func end(_ slot: Int, _ death: Death, wasGood: Bool = false) -> [Supervisor.Action] {
        handle(.ended(slot: slot, generation: generations[slot], death, wasGood: wasGood))
    }

    /// Starts all that is due up to a moment, at the moments when it is.
    @discardableResult
    mutating func pass(until end: UInt64) -> [(at: UInt64, Supervisor.Action)] {
        var actions: [(at: UInt64, Supervisor.Action)] = []
        while let next = supervisor.nextWake, max(next, now) <= end {
            now = max(next, now)
            let new = handle(.timer)
            actions += new.map { (now, $0) }
        }
        now = end
        return actions
    }

    /// All slots are ready, and have been for a while.
    mutating func becomeGood() {
        for slot in generations.indices { ready(slot) }
        pass(until: now + 2 * second)
        handle(.timer)
    }
}

@Suite struct SupervisorTests {
    @Test func everySlotStartsWithItsFirstGeneration() {
        var supervisor = Supervisor(slots: 2, policy: RespawnPolicy(), givesUp: true, now: 0, random: { 0.5 })
        #expect(supervisor.nextWake == 0)
        #expect(supervisor.handle(.timer, now: 0) == [.fork(slot: 0, generation: 1), .fork(slot: 1, generation: 1)])
        #expect(supervisor.nextWake == nil)
    }

    @Test func aThousandStartsLeaveTheMasterTimeInBetween() {
        var supervisor = Supervisor(slots: 1000, policy: RespawnPolicy(), givesUp: true, now: 0, random: { 0.5 })
        var turns = 0
        while supervisor.nextWake != nil {
            #expect(supervisor.handle(.timer, now: 0).count <= StartQueue.startsPerTurn)
            turns += 1
        }
        #expect(turns == 63)
    }

    @Test func whileNoWorkerServesAndStartsHangOthersAreTriedBesideThem() {
        var cast = Cast()
        cast.becomeGood()
        let begin = cast.now
        for slot in 0..<2 { cast.end(slot, .inRequest) }
        #expect(cast.pass(until: cast.now + second).map(\.1) == [.fork(slot: 0, generation: 2), .fork(slot: 1, generation: 2)])
        // Both hang. So does one more, and after twice the time another doesn't.
        #expect(cast.pass(until: begin + 3 * second).map(\.1) == [.fork(slot: 0, generation: 3)])
        #expect(cast.pass(until: begin + 5 * second).isEmpty)
        #expect(cast.pass(until: begin + 7 * second).map(\.1) == [.fork(slot: 1, generation: 3)])
        // It takes the place of the one that hangs; nothing more is tried.
        #expect(cast.ready(1) == [.retire(slot: 1, generation: 2)])
        #expect(cast.pass(until: begin + 40 * second).isEmpty)
        #expect(cast.supervisor.states.map(\.current?.generation) == [2, 3])
    }

    @Test func aSingleWorkersStartsAreTriedOneAfterTheOtherBesideTheFirst() {
        var cast = Cast(slots: 1)
        cast.becomeGood()
        cast.end(0, .killed)
        let begin = cast.now
        let actions = cast.pass(until: begin + 31 * second)
        #expect(actions.map(\.1) == [
            .fork(slot: 0, generation: 2), .fork(slot: 0, generation: 3), .retire(slot: 0, generation: 3), .fork(slot: 0, generation: 4),
            .retire(slot: 0, generation: 4), .fork(slot: 0, generation: 5), .retire(slot: 0, generation: 5), .fork(slot: 0, generation: 6),
        ])
        #expect(actions.map { ($0.at - begin) / second } == [0, 2, 6, 6, 14, 14, 30, 30])
        // The end of one that made place says nothing; that of the first leaves the slot to the last.
        #expect(cast.handle(.ended(slot: 0, generation: 4, .requested, wasGood: false)) == [])
        #expect(cast.handle(.ended(slot: 0, generation: 2, .failedStart, wasGood: false)) == [])
        #expect(cast.handle(.ready(slot: 0, generation: 6)) == [])
        #expect(cast.supervisor.states.map(\.current?.generation) == [6])
    }

    @Test func startsThatAreSlowByNatureHaveTheirTimeAndSoDoFirstOnes() {
        var cast = Cast(slots: 1)
        #expect(cast.pass(until: 60 * second).isEmpty)
        cast.supervisor.longestStart = 20 * second
        cast.becomeGood()
        cast.end(0, .killed)
        let begin = cast.now
        #expect(cast.pass(until: begin + 59 * second).count == 1)
        #expect(cast.pass(until: begin + 60 * second).map(\.1) == [.fork(slot: 0, generation: 3)])
    }

    @Test(arguments: [Death.inRequest, .killed, .afterService, .requested])
    func anEndThatIsNoFailedStartIsNoReasonToWaitHoweverYoungTheWorkerWas(_ death: Death) {
        var cast = Cast()
        for _ in 0..<10 {
            cast.ready(0)
            #expect(cast.end(0, death) == [])
            #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: cast.generations[0])])
        }
        #expect(cast.generations == [11, 1])
    }

    @Test func aFailedStartPausesOnlyItsOwnSlotAndOnlyWhileNoWorkerWasEverGood() {
        var cast = Cast()
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 1, pause: .milliseconds(100))])
        cast.ready(1)
        cast.pass(until: 99 * millisecond)
        #expect(cast.generations == [1, 1])
        cast.pass(until: 100 * millisecond)
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 2, pause: .milliseconds(200))])
        cast.pass(until: 2 * second)
        // Worker 1 has been ready for a second.
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 3, pause: nil)])
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 4)])
    }

    @Test func aWorkerThatAnsweredProvesItsPlan() {
        var cast = Cast()
        cast.ready(0)
        cast.end(0, .inRequest, wasGood: true)
        #expect(cast.supervisor.isProven)
        #expect(cast.end(1, .failedStart) == [.startFailed(slot: 1, generation: 1, pause: nil)])
    }

    @Test func anotherPlanHasToProveItselfAnew() {
        var cast = Cast()
        cast.becomeGood()
        cast.supervisor.changePlan(to: 1, isProven: false)
        // One of before proves nothing for it.
        cast.end(0, .inRequest, wasGood: true)
        cast.pass(until: cast.now)
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 2, pause: .milliseconds(100))])
        cast.supervisor.changePlan(to: 2, isProven: true)
        #expect(cast.end(1, .failedStart) == [.startFailed(slot: 1, generation: 1, pause: nil)])
    }

    // MARK: The budget

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

    // MARK: Slots and generations

    @Test func eventsOfOtherGenerationsAndSlotsChangeNothing() {
        var cast = Cast()
        cast.ready(0)
        cast.end(0, .killed)
        cast.pass(until: 0)
        for event in [
            Supervisor.Event.ended(slot: 0, generation: 1, .killed, wasGood: true), .ready(slot: 0, generation: 9),
            .ended(slot: 7, generation: 1, .failedStart, wasGood: false), .ended(slot: -1, generation: 1, .failedStart, wasGood: false),
            .forkFailed(slot: 9, generation: 1), .replace(slot: 9),
        ] { #expect(cast.handle(event) == []) }
        #expect(cast.generations == [2, 1])
    }

    @Test func aForkThatFailsIsAFailedStart() {
        var cast = Cast(slots: 1)
        #expect(cast.handle(.forkFailed(slot: 0, generation: 1)) == [.startFailed(slot: 0, generation: 1, pause: .milliseconds(100))])
        #expect(cast.pass(until: 100 * millisecond).map(\.1) == [.fork(slot: 0, generation: 2)])
    }

    @Test func slotsComeIntoUseAndGoAndTheirGenerationsNeverRepeat() {
        var cast = Cast(slots: 1, capacity: 3)
        #expect(cast.supervisor.usedCount == 1)
        #expect([1, 1, 3].map { cast.supervisor.use($0) } == [true, false, false])
        #expect(cast.pass(until: 0).map(\.1) == [.fork(slot: 1, generation: 1)])
        cast.ready(1)
        cast.supervisor.disuse(1)
        #expect(cast.supervisor.usedCount == 1)
        #expect(cast.end(1, .requested) == [])
        #expect(cast.supervisor.nextWake == nil)
        #expect([1].map { cast.supervisor.use($0) } == [true])
        #expect(cast.pass(until: second).map(\.1) == [.fork(slot: 1, generation: 2)])
    }

    @Test func nothingStartsAfterTheStop() {
        var cast = Cast()
        cast.supervisor.stop()
        #expect(cast.end(0, .killed) == [])
        #expect(cast.supervisor.nextWake == nil)
    }

    // MARK: Giving up

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

    // MARK: Successors

    @Test func aSuccessorThatIsReadyRetiresTheOldWorker() {
        var cast = Cast()
        cast.becomeGood()
        #expect(cast.handle(.replace(slot: 0)) == [.fork(slot: 0, generation: 2)])
        #expect(cast.handle(.replace(slot: 0)) == [])
        #expect(cast.ready(0) == [.retire(slot: 0, generation: 1)])
        #expect(cast.handle(.ended(slot: 0, generation: 1, .requested, wasGood: true)) == [])
        cast.end(0, .killed)
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 3)])
    }

    @Test func aWorkerWhoseStartHangsIsReplacedLikeOneThatServes() {
        var cast = Cast(slots: 1)
        #expect(cast.handle(.replace(slot: 0)) == [.fork(slot: 0, generation: 2)])
        #expect(cast.ready(0) == [.retire(slot: 0, generation: 1)])
        #expect(cast.handle(.ended(slot: 0, generation: 1, .failedStart, wasGood: false)) == [])
        #expect(cast.supervisor.nextWake == nil)
    }

    @Test func aSuccessorThatFailsLeavesTheOldWorkerItsSlot() {
        var cast = Cast()
        cast.becomeGood()
        cast.handle(.replace(slot: 0))
        #expect(cast.end(0, .failedStart) == [.replacementFailed(slot: 0, generation: 2, isFault: true)])
        cast.handle(.replace(slot: 0))
        #expect(cast.end(0, .killed) == [.replacementFailed(slot: 0, generation: 3, isFault: false)])
        cast.handle(.replace(slot: 0))
        #expect(cast.handle(.forkFailed(slot: 0, generation: 4)) == [.replacementFailed(slot: 0, generation: 4, isFault: true)])
        #expect(cast.handle(.ended(slot: 0, generation: 1, .killed, wasGood: true)) == [])
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 5)])
    }

    @Test func aSuccessorTakesTheSlotOfAWorkerThatDiesMeanwhile() {
        var cast = Cast()
        cast.becomeGood()
        cast.handle(.replace(slot: 0))
        #expect(cast.handle(.ended(slot: 0, generation: 1, .inRequest, wasGood: true)) == [])
        #expect(cast.supervisor.nextWake == nil)
        #expect(cast.ready(0) == [])
        cast.end(0, .killed)
        #expect(cast.pass(until: cast.now).map(\.1) == [.fork(slot: 0, generation: 3)])
    }

    @Test func aSuccessorWhoseStartFailsAfterALongServiceIsNoReasonToGiveUp() {
        var cast = Cast(slots: 1)
        cast.becomeGood()
        cast.now = 3600 * second
        cast.handle(.replace(slot: 0))
        cast.ready(0)
        #expect(cast.end(0, .failedStart) == [.startFailed(slot: 0, generation: 2, pause: nil)])
        cast.pass(until: cast.now + second)
        // From the last good moment on the time runs as ever.
        cast.now = 3660 * second
        #expect(cast.end(0, .failedStart).last == .giveUp)
    }
}
