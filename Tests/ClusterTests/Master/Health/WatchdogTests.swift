// What the watchdog counts and what it doesn't. The limit is 4 s, so workers beat each second.

import Cluster
import Glibc
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct WatchdogTests {
    /// A worker that last beat at second 1, seen each second from then on.
    private struct Observed {
        var watchdog = Watchdog(limit: .seconds(4))
        var now = second
        var beat = second
        var cpu: UInt64 = 0
        var actions: [Watchdog.Action] = []

        init() { _ = watchdog.looked(lastBeat: beat, now: now) }

        mutating func look(_ state: Watchdog.State, used: UInt64 = 0, after: UInt64 = second, progress: UInt64 = 7) {
            now += after
            cpu += used
            let asked = watchdog.looked(lastBeat: beat, now: now)
            actions += asked.filter { $0 != .sample }
            guard asked.contains(.sample) else { return }
            actions += watchdog.sampled(.init(state: state, cpuNanoseconds: cpu, progress: progress), now: now)
        }
    }

    @Test func aLoopThatTurnsIsNotLookedAtCloser() {
        var watchdog = Watchdog(limit: .seconds(4))
        for time in 1...100 as ClosedRange<UInt64> {
            #expect(watchdog.looked(lastBeat: time * second, now: time * second + 900_000_000) == [])
        }
        #expect(watchdog.looked(lastBeat: 100 * second, now: 102 * second + 1) == [.sample])
    }

    @Test func aBusyHandlerIsKilledWhenItHasUsedTheLimit() {
        var worker = Observed()
        for _ in 0..<6 { worker.look(.runnable, used: second) }
        #expect(worker.actions == [.unresponsive])
        worker.look(.runnable, used: second)
        #expect(worker.actions == [.unresponsive, .kill])
        // Once is enough.
        for _ in 0..<10 { worker.look(.runnable, used: second) }
        #expect(worker.actions == [.unresponsive, .kill])
    }

    @Test func aBlockedHandlerIsKilledAfterTheLimit() {
        var worker = Observed()
        var looks = 0
        while !worker.actions.contains(.kill), looks < 100 {
            worker.look(.blocked)
            looks += 1
        }
        #expect(worker.now <= 8 * second && worker.now >= 6 * second)
    }

    @Test func aWorkerWithoutCPUGainsNothing() {
        var worker = Observed()
        for _ in 0..<1000 { worker.look(.runnable) }
        #expect(worker.actions == [])
        // What little it got is evidence, and no more than that.
        for _ in 0..<300 { worker.look(.runnable, used: second / 100) }
        #expect(worker.actions == [.unresponsive])
        #expect(worker.watchdog.counted == 3 * second)
    }

    @Test func aWorkerThatIsSeenAsleepNowAndThenGainsNothingBetween() {
        var worker = Observed()
        for _ in 0..<100 {
            worker.look(.blocked)
            worker.look(.runnable)
        }
        #expect(worker.watchdog.counted == 0)
    }

    @Test func aStoppedWorkerIsLeftAloneAndSaidOnce() {
        var worker = Observed()
        for _ in 0..<1000 { worker.look(.stopped) }
        #expect(worker.actions == [.stopped])
        worker.beat = worker.now + second
        worker.look(.blocked)
        #expect(worker.actions == [.stopped, .recovered])
        #expect(worker.watchdog.counted == 0)
    }

    @Test func aLongPauseOfTheMasterOrTheMachineIsNoEvidence() {
        var worker = Observed()
        worker.look(.blocked, after: 3600 * second)
        #expect(worker.actions == [])
        // The next sample after another: what the master didn't see counts as two intervals.
        worker.look(.blocked, after: 3600 * second)
        #expect(worker.watchdog.counted == 2 * second)
        worker.beat = worker.now
        worker.look(.blocked)
        #expect(worker.actions == [.unresponsive, .recovered])
    }

    @Test func aBeatOrAnAnswerStartsTheCountAnew() {
        var worker = Observed()
        for round in 0..<50 as Range<UInt64> {
            for _ in 0..<4 { worker.look(.runnable, used: second) }
            worker.beat = worker.now
            worker.look(.runnable, progress: round)
        }
        #expect(!worker.actions.contains(.kill))
        // Never comes to its timers, but answers.
        for progress in 100..<200 as Range<UInt64> { worker.look(.runnable, used: second, progress: progress) }
        #expect(!worker.actions.contains(.kill))
    }

    @Test func timeWithoutACPUCountsOnlyWhereTheWorkerIsUnderSuspicion() {
        var worker = Observed()
        var suspect = Observed()
        suspect.watchdog = Watchdog(limit: .seconds(4), countsWaiting: true)
        for _ in 0..<8 {
            worker.look(.runnable, used: second / 10)
            suspect.look(.runnable, used: second / 10)
        }
        #expect(!worker.actions.contains(.kill))
        #expect(suspect.actions.contains(.kill))
        var stopped = Observed()
        stopped.watchdog = Watchdog(limit: .seconds(4), countsWaiting: true)
        for _ in 0..<100 { stopped.look(.stopped) }
        #expect(!stopped.actions.contains(.kill))
    }

    @Test func aProcessWithoutItsMainThreadIsNoticedOnce() {
        var worker = Observed()
        worker.look(.gone)
        // It may be about to be reaped.
        #expect(worker.actions == [])
        for _ in 0..<100 { worker.look(.gone) }
        #expect(worker.actions == [.headless])
    }

    @Test func aChildThatHasEndedIsNotTakenForOneWithoutItsMainThread() throws {
        var pid = pid_t()
        let arguments: [UnsafeMutablePointer<CChar>?] = unsafe [strdup("true"), nil]
        defer { unsafe free(arguments[0]) }
        try #require(unsafe posix_spawnp(&pid, "true", nil, nil, arguments, nil) == 0)
        defer { waitpid(pid, nil, 0) }
        var ended = unsafe siginfo_t()
        #expect(unsafe waitid(P_PID, id_t(pid), &ended, WEXITED | WNOWAIT) == 0)
        #expect(ThreadStatus.read(pid: pid, ticksPerSecond: 100) == nil)
        #expect(ThreadStatus.read(pid: getpid(), ticksPerSecond: 100)?.state != .gone)
    }

    @Test func clocksThatGoBackwardsAreNoEvidence() {
        var watchdog = Watchdog(limit: .seconds(4))
        #expect(watchdog.looked(lastBeat: .max, now: 5) == [])
        _ = watchdog.looked(lastBeat: 1, now: 100 * second)
        _ = watchdog.sampled(.init(state: .blocked, cpuNanoseconds: .max, progress: 0), now: 100 * second)
        #expect(watchdog.sampled(.init(state: .blocked, cpuNanoseconds: 0, progress: 0), now: 0) == [])
    }

    @Test func workersBeatFourTimesInTheLimitAndAtLeastEachSecond() {
        #expect(Watchdog.interval(for: .seconds(60)) == .seconds(1))
        #expect(Watchdog.interval(for: .milliseconds(400)) == .milliseconds(100))
        #expect(Watchdog.interval(for: .zero) == .milliseconds(10))
    }

    @Test func theKernelsLineIsReadWhateverTheProcessIsCalled() {
        let line = "4711 (a) R (b) S 1 4711 4711 0 -1 4194368 159 0 0 0 250 50 0 0 20 0 1 0 8000 1 2"
        #expect(ThreadStatus(stat: line, ticksPerSecond: 100)?.state == .blocked)
        #expect(ThreadStatus(stat: line, ticksPerSecond: 100)?.cpuNanoseconds == 3 * second)
        for wrong in ["", "4711 (x", "4711 (x) R", "4711 (x) R 1 1 1 1 1 1 1 1 1 1 x y"] {
            #expect(ThreadStatus(stat: wrong, ticksPerSecond: 100) == nil)
        }
        #expect(ThreadStatus(stat: line, ticksPerSecond: 100)?.isExiting == false)
        let exiting = line.replacing(" 4194368 ", with: " 4194372 ")
        #expect(ThreadStatus(stat: exiting, ticksPerSecond: 100)?.isExiting == true)
        #expect(ThreadStatus(stat: exiting.replacing(") S", with: ") Z"), ticksPerSecond: 100)?.isExiting == false)
        let huge = "1 (x) t 1 1 1 1 1 1 1 1 1 1 18446744073709551615 18446744073709551615"
        #expect(ThreadStatus(stat: huge, ticksPerSecond: 100)?.cpuNanoseconds == .max)
        #expect(ThreadStatus(stat: huge, ticksPerSecond: 0) == nil)
        #expect(ThreadStatus(stat: huge, ticksPerSecond: 100)?.state == .stopped)
    }
}
