// What a worker's end proves, from what it left behind.

import Cluster
import Glibc
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct DeathTests {
    private func remains(_ change: (inout Remains) -> Void = { _ in }) -> Remains {
        var remains = Remains()
        remains.master = 1
        remains.endedAt = 10 * second
        change(&remains)
        return remains
    }

    private func death(_ change: (inout Remains) -> Void) -> Death? { remains(change).death(youngAge: second) }

    @Test func aWorkerThatWasNeverReadyFailedToStartAtAnyAge() {
        #expect(death { $0.status = .exited(1) } == .failedStart)
        #expect(death { $0.mark = CrashMark(signal: SIGTRAP) } == .failedStart)
        #expect(death { $0.hasFailedToStart = true } == .failedStart)
    }

    @Test func aYoungWorkerWithNothingToDoFailedToStart() {
        #expect(death { ($0.readyAt, $0.status) = (10 * second - 1, .exited(0)) } == .failedStart)
        #expect(death { ($0.readyAt, $0.status) = (9 * second, .exited(0)) } == .afterService)
        // The parser may be what failed: before there is a request, there is a connection.
        #expect(death { ($0.readyAt, $0.status, $0.accepted) = (10 * second, .exited(0), 1) } == .afterService)
        #expect(death { ($0.readyAt, $0.status, $0.answered) = (10 * second, .exited(0), 1) } == .afterService)
    }

    @Test func aDeathInARequestIsKnownFromTheBlackBoxAlone() {
        #expect(death { ($0.readyAt, $0.wasInRequest, $0.mark) = (10 * second, true, CrashMark(signal: SIGSEGV)) } == .inRequest)
        #expect(death { ($0.readyAt, $0.wasInRequest, $0.status) = (10 * second, true, .exited(0)) } == .inRequest)
        // Also of one that was told to go.
        #expect(
            death {
                ($0.readyAt, $0.wasInRequest, $0.wasRequested) = (0, true, true)
                $0.mark = CrashMark(signal: SIGABRT)
            } == .inRequest)
    }

    @Test func aKillFromOutsideProvesNothing() {
        for signal in [SIGKILL, SIGTERM, SIGINT] {
            #expect(death { $0.status = .killed(signal: signal) } == .killed)
            #expect(death { ($0.readyAt, $0.wasInRequest, $0.status) = (0, true, .killed(signal: signal)) } == .killed)
        }
        #expect(death { ($0.readyAt, $0.wasInRequest, $0.mark) = (0, true, CrashMark(signal: SIGSEGV, sender: 77)) } == .killed)
        // A stuck worker gets its signal from the master, because of its request.
        #expect(death { ($0.readyAt, $0.wasInRequest, $0.mark) = (0, true, CrashMark(signal: SIGABRT, sender: 1)) } == .inRequest)
        #expect(death { ($0.readyAt, $0.wasInRequest, $0.status, $0.signalsOfMaster) = (0, true, .killed(signal: SIGKILL), [SIGKILL]) } == .inRequest)
    }

    @Test func theOutOfMemoryKillerProvesNothingButOfAStart() {
        #expect(death { ($0.readyAt, $0.wasInRequest, $0.status, $0.wasOutOfMemory) = (0, true, .killed(signal: SIGKILL), true) } == .killed)
        #expect(death { ($0.status, $0.wasOutOfMemory) = (.killed(signal: SIGKILL), true) } == .failedStart)
    }

    @Test func anEndThatWasAskedForIsNoDeath() {
        #expect(death { $0.wasRequested = true } == .requested)
        #expect(death { ($0.wasRequested, $0.wasInRequest, $0.status) = (true, true, .exited(0)) } == .requested)
        #expect(death { ($0.wasRequested, $0.wasInRequest, $0.status) = (true, true, .killed(signal: SIGKILL)) } == .requested)
    }

    @Test func onlyTheWaitStatusTellsAKillFromAnExit() {
        #expect(death { ($0.readyAt, $0.wasInRequest) = (0, true) } == nil)
        #expect(death { _ in } == nil)
        #expect(remains { ($0.readyAt, $0.wasInRequest) = (0, true) }.likelyDeath(youngAge: second) == .inRequest)
        #expect(remains().likelyDeath(youngAge: second) == .failedStart)
    }
}

@Suite struct TokenBucketTests {
    @Test func aFullBucketAllowsABurstAndThenARate() {
        var bucket = TokenBucket(capacity: 3, interval: 100)
        let now: UInt64 = 1000
        #expect((0..<4).map { _ in bucket.take(now: now) } == [true, true, true, false])
        #expect(bucket.time(of: 1) == 1100)
        #expect(bucket.time(of: 2) == 1200)
        #expect(bucket.take(now: 1099) == false)
        #expect(bucket.take(now: 1100) == true)
        #expect(bucket.take(now: 1100) == false)
        #expect((0..<4).map { _ in bucket.take(now: 5000) } == [true, true, true, false])
    }

    @Test func whatTakesMoreThanThereIsEverTakesAll() {
        var bucket = TokenBucket(capacity: 3, interval: 100)
        #expect(bucket.take(9, now: 1000) == true)
        #expect(bucket.time(of: 1) == 1100)
        #expect(bucket.time(of: 9) == 1300)
    }

    @Test func itIsFullFromTheFirstMomentAndNeverOverflows() {
        var bucket = TokenBucket(capacity: .max, interval: .max)
        #expect([0, .max, .max].map { bucket.take(now: $0) } == [true, true, true])
        var unbounded = TokenBucket(capacity: 1, interval: 0)
        #expect((0..<1000).allSatisfy { _ in unbounded.take(now: 0) })
    }
}
