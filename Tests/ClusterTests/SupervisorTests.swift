// When workers are started, replaced and given up: events in, actions out, with times that the test makes up.

import Testing

import Cluster

private let second: UInt64 = 1_000_000_000
private let millisecond: UInt64 = 1_000_000

@Suite struct RespawnPolicyTests {
    @Test func delaysDoubleUpToTheLongest() {
        let policy = RespawnPolicy()
        let middle = (1...9).map { policy.delay(afterYoungDeaths: $0, unit: 0.5) }
        #expect(middle == [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000].map { .milliseconds($0) })
        #expect(policy.delay(afterYoungDeaths: 0, unit: 0.5) == .zero)
        #expect(policy.delay(afterYoungDeaths: .max, unit: 0.99) == .seconds(10))
    }

    @Test func jitterIsAQuarterEitherWay() {
        let policy = RespawnPolicy()
        #expect(policy.delay(afterYoungDeaths: 1, unit: 0) == .milliseconds(75))
        #expect(policy.delay(afterYoungDeaths: 1, unit: 1) == .milliseconds(125))
    }

    @Test func absurdSettingsDoNotOverflow() {
        var policy = RespawnPolicy()
        policy.firstDelay = .seconds(Int64.max)
        policy.longestDelay = .seconds(Int64.max)
        #expect(policy.delay(afterYoungDeaths: 100, unit: 1) > .zero)
    }
}

@Suite struct SupervisorTests {
    private func makeSupervisor(slots: Int = 2, givesUp: Bool = true) -> Supervisor {
        Supervisor(slots: slots, policy: RespawnPolicy(), givesUp: givesUp, now: 0, random: { 0.5 })
    }

    @Test func everySlotStartsWithItsFirstGeneration() {
        var supervisor = makeSupervisor()
        #expect(supervisor.begin(now: 0) == [.fork(slot: 0, generation: 1), .fork(slot: 1, generation: 1)])
        #expect(supervisor.nextWake == nil)
    }

    @Test func aWorkerThatLivedIsReplacedAtOnce() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        #expect(supervisor.handle(.ready(slot: 0, generation: 1), now: millisecond).isEmpty)
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: second) == [.fork(slot: 0, generation: 2)])
    }

    @Test func aYoungDeathDelaysOnlyItsOwnSlot() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        _ = supervisor.handle(.ready(slot: 1, generation: 1), now: 0)
        #expect(
            supervisor.handle(.ended(slot: 0, generation: 1), now: 0) == [.delayed(slot: 0, by: .milliseconds(100))])
        #expect(supervisor.nextWake == 100 * millisecond)
        #expect(supervisor.handle(.timer, now: 99 * millisecond).isEmpty)
        #expect(supervisor.handle(.ended(slot: 1, generation: 1), now: second) == [
            .fork(slot: 0, generation: 2), .fork(slot: 1, generation: 2),
        ])
    }

    @Test func aWorkerThatNeverGotReadyDiedYoungAtAnyAge() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: 30 * second) == [
            .delayed(slot: 0, by: .milliseconds(100))
        ])
    }

    @Test func delaysGrowWithYoungDeathsInARowAndALifeResetsThem() {
        var supervisor = makeSupervisor(slots: 1)
        _ = supervisor.begin(now: 0)
        _ = supervisor.handle(.ended(slot: 0, generation: 1), now: 0)
        _ = supervisor.handle(.timer, now: second)
        #expect(supervisor.handle(.ended(slot: 0, generation: 2), now: second) == [
            .delayed(slot: 0, by: .milliseconds(200))
        ])
        #expect(supervisor.handle(.timer, now: 2 * second) == [.fork(slot: 0, generation: 3)])
        _ = supervisor.handle(.ready(slot: 0, generation: 3), now: 2 * second)
        #expect(supervisor.handle(.ended(slot: 0, generation: 3), now: 5 * second) == [.fork(slot: 0, generation: 4)])
        #expect(supervisor.handle(.ended(slot: 0, generation: 4), now: 5 * second) == [
            .delayed(slot: 0, by: .milliseconds(100))
        ])
    }

    @Test func eventsOfOtherGenerationsAndSlotsChangeNothing() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        _ = supervisor.handle(.ready(slot: 0, generation: 1), now: 0)
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: second) == [.fork(slot: 0, generation: 2)])
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: second).isEmpty)
        #expect(supervisor.handle(.ready(slot: 0, generation: 9), now: second).isEmpty)
        #expect(supervisor.handle(.ended(slot: 7, generation: 1), now: second).isEmpty)
        #expect(supervisor.handle(.ended(slot: -1, generation: 1), now: second).isEmpty)
    }

    @Test func aForkThatFailsIsAYoungDeath() {
        var supervisor = makeSupervisor(slots: 1)
        _ = supervisor.begin(now: 0)
        #expect(supervisor.handle(.forkFailed(slot: 0, generation: 1), now: 0) == [
            .delayed(slot: 0, by: .milliseconds(100))
        ])
        #expect(supervisor.handle(.timer, now: 100 * millisecond) == [.fork(slot: 0, generation: 2)])
    }

    @Test func aMinuteOfYoungDeathsInAllSlotsGivesUp() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        var now: UInt64 = 0
        var generations = [1, 1]
        var gaveUpAt: UInt64?
        for _ in 0..<1000 where gaveUpAt == nil {
            var actions: [Supervisor.Action] = []
            for slot in 0..<2 { actions += supervisor.handle(.ended(slot: slot, generation: generations[slot]), now: now) }
            now = supervisor.nextWake ?? now
            actions += supervisor.handle(.timer, now: now)
            for case .fork(let slot, let generation) in actions { generations[slot] = generation }
            if actions.contains(.giveUp) { gaveUpAt = now }
        }
        #expect(gaveUpAt == 60 * second)
        #expect(supervisor.handle(.timer, now: 2 * now).isEmpty)
        #expect(supervisor.nextWake == nil)
    }

    @Test func oneServingSlotKeepsTheClusterAlive() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        _ = supervisor.handle(.ready(slot: 1, generation: 1), now: 0)
        #expect(!supervisor.handle(.ended(slot: 0, generation: 1), now: 500 * second).contains(.giveUp))
        // From the end of the one that served, the others get a minute.
        #expect(supervisor.handle(.ended(slot: 1, generation: 1), now: 501 * second).contains(.fork(slot: 1, generation: 2)))
        #expect(!supervisor.handle(.ended(slot: 1, generation: 2), now: 560 * second).contains(.giveUp))
        _ = supervisor.handle(.ended(slot: 0, generation: 2), now: 560 * second)
        #expect(supervisor.handle(.timer, now: 561 * second).contains(.giveUp))
    }

    @Test func aSlowFirstStartIsNoFailure() {
        var supervisor = makeSupervisor(slots: 1)
        _ = supervisor.begin(now: 0)
        #expect(supervisor.nextWake == nil)
        #expect(supervisor.handle(.timer, now: 300 * second).isEmpty)
    }

    @Test func auxiliariesNeverGiveUp() {
        var supervisor = makeSupervisor(slots: 1, givesUp: false)
        _ = supervisor.begin(now: 0)
        #expect(!supervisor.handle(.ended(slot: 0, generation: 1), now: 900 * second).contains(.giveUp))
    }

    @Test func nothingStartsAfterTheStop() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        supervisor.stop()
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: 5 * second).isEmpty)
        #expect(supervisor.nextWake == nil)
    }

    // MARK: Planned changes

    private func makeReady() -> Supervisor {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        for slot in 0..<2 { _ = supervisor.handle(.ready(slot: slot, generation: 1), now: 0) }
        return supervisor
    }

    @Test func aSuccessorThatIsReadyRetiresTheOldWorker() {
        var supervisor = makeReady()
        #expect(supervisor.handle(.replace(slot: 0), now: second) == [.fork(slot: 0, generation: 2)])
        #expect(supervisor.handle(.replace(slot: 0), now: second) == [])
        #expect(supervisor.handle(.ready(slot: 0, generation: 2), now: second) == [.retire(slot: 0, generation: 1)])
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: second) == [])
        #expect(supervisor.handle(.ended(slot: 0, generation: 2), now: 3 * second) == [.fork(slot: 0, generation: 3)])
    }

    @Test func aSuccessorThatDiesYoungAfterALongServiceIsNoReasonToGiveUp() {
        var supervisor = makeSupervisor(slots: 1)
        _ = supervisor.begin(now: 0)
        _ = supervisor.handle(.ready(slot: 0, generation: 1), now: 0)
        let later = 3600 * second
        _ = supervisor.handle(.replace(slot: 0), now: later)
        _ = supervisor.handle(.ready(slot: 0, generation: 2), now: later)
        #expect(supervisor.handle(.ended(slot: 0, generation: 2), now: later + millisecond) == [.delayed(slot: 0, by: .milliseconds(100))])
        #expect(supervisor.handle(.timer, now: later + second) == [.fork(slot: 0, generation: 3)])
        // From the last good moment on the time runs as ever.
        #expect(supervisor.handle(.ended(slot: 0, generation: 3), now: later + 60 * second).last == .giveUp)
    }

    @Test func aSuccessorThatFailsLeavesTheOldWorkerItsSlot() {
        var supervisor = makeReady()
        _ = supervisor.handle(.replace(slot: 0), now: second)
        #expect(supervisor.handle(.ended(slot: 0, generation: 2), now: second) == [.replacementFailed(slot: 0, generation: 2)])
        #expect(supervisor.handle(.replace(slot: 0), now: second) == [.fork(slot: 0, generation: 3)])
        #expect(supervisor.handle(.forkFailed(slot: 0, generation: 3), now: second) == [.replacementFailed(slot: 0, generation: 3)])
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: 2 * second) == [.fork(slot: 0, generation: 4)])
    }

    @Test func aSuccessorTakesTheSlotOfAWorkerThatDiesMeanwhile() {
        var supervisor = makeReady()
        _ = supervisor.handle(.replace(slot: 0), now: second)
        #expect(supervisor.handle(.ended(slot: 0, generation: 1), now: second) == [])
        #expect(supervisor.handle(.ready(slot: 0, generation: 2), now: second) == [])
        #expect(supervisor.handle(.ended(slot: 0, generation: 2), now: 3 * second) == [.fork(slot: 0, generation: 3)])
    }

    @Test func onlyAWorkerThatIsReadyIsReplaced() {
        var supervisor = makeSupervisor()
        _ = supervisor.begin(now: 0)
        #expect(supervisor.handle(.replace(slot: 0), now: 0) == [])
        #expect(supervisor.handle(.replace(slot: 9), now: 0) == [])
    }

    @Test func slotsComeIntoUseAndGoAndTheirGenerationsNeverRepeat() {
        var supervisor = Supervisor(slots: 1, capacity: 3, policy: RespawnPolicy(), givesUp: true, now: 0, random: { 0.5 })
        #expect(supervisor.begin(now: 0) == [.fork(slot: 0, generation: 1)])
        #expect(supervisor.usedCount == 1)
        #expect(supervisor.use(1, now: 0) == true)
        #expect(supervisor.use(1, now: 0) == false)
        #expect(supervisor.use(3, now: 0) == false)
        #expect(supervisor.handle(.timer, now: 0) == [.fork(slot: 1, generation: 1)])
        _ = supervisor.handle(.ready(slot: 1, generation: 1), now: 0)
        supervisor.disuse(1)
        #expect(supervisor.usedCount == 1)
        #expect(supervisor.handle(.ended(slot: 1, generation: 1), now: second) == [])
        #expect(supervisor.nextWake == nil)
        #expect(supervisor.use(1, now: second) == true)
        #expect(supervisor.handle(.timer, now: second) == [.fork(slot: 1, generation: 2)])
    }
}
