// Timers, watches, signals, jobs and tasks of one loop on the calling thread.

import EverycoreLoop
import Glibc
import Synchronization
import Testing

/// Runs a loop on the calling thread until `body`'s closure calls `done`, for at most five seconds.
private func withLoop(_ body: (EventLoop, @escaping @Sendable () -> Void) throws -> Void) throws {
    let loop = try EventLoop()
    let isDone = Atomic(false)
    let deadline = loop.after(.seconds(5)) { loop.stop() }
    try body(loop) {
        isDone.store(true, ordering: .relaxed)
        loop.stop()
    }
    loop.run()
    deadline.cancel()
    let wasDone = isDone.load(ordering: .relaxed)
    #expect(wasDone)
}

@Suite struct EventLoopTests {
    @Test func aLoopGoesWithItsLastReferenceAndStaysForItsTimers() throws {
        weak var loop: EventLoop?
        var timer: LoopTimer?
        do {
            let owned = try EventLoop()
            owned.execute {}
            timer = owned.after(.seconds(5)) {}
            loop = owned
        }
        #expect(loop != nil)
        timer?.cancel()
        timer = nil
        #expect(loop == nil)
    }

    @Test func oneShotTimersFireInOrderAndNeverEarly() throws {
        var fired: [Int] = []
        var timers: [LoopTimer] = []
        try withLoop { loop, done in
            // Within one call of the loop they are set at one time, however long the setting takes.
            timers.append(
                loop.after(.zero) {
                    let start = EventLoop.monotonicNanoseconds()
                    for delay in [30, 10, 20] {
                        timers.append(
                            loop.after(.milliseconds(delay)) {
                                #expect(EventLoop.monotonicNanoseconds() - start >= UInt64(delay) * 1_000_000)
                                fired.append(delay)
                                if fired.count == 3 { done() }
                            })
                    }
                })
        }
        #expect(fired == [10, 20, 30])
    }

    @Test func aRepeatingTimerFiresUntilItIsCancelledFromItsOwnHandler() throws {
        var count = 0
        var timer: LoopTimer?
        var end: LoopTimer?
        try withLoop { loop, done in
            timer = loop.every(.milliseconds(2)) {
                count += 1
                if count == 3 {
                    timer?.cancel()
                    end = loop.after(.milliseconds(20), done)
                }
            }
        }
        #expect(count == 3)
        #expect(end != nil)
    }

    @Test func droppingATimerCancelsIt() throws {
        var end: LoopTimer?
        try withLoop { loop, done in
            var dropped: LoopTimer? = loop.after(.milliseconds(1)) { Issue.record("fired") }
            #expect(dropped != nil)
            dropped = nil
            end = loop.after(.milliseconds(20), done)
        }
        #expect(end != nil)
    }

    @Test func aWatchReportsReadableBytesAndThenTheEndOfTheStream() throws {
        var descriptors: [Int32] = [0, 0]
        #expect(unsafe pipe(&descriptors) == 0)
        defer { close(descriptors[0]) }
        var watch: DescriptorWatch?
        var received: [Int] = []
        try withLoop { loop, done in
            watch = try loop.watch(descriptors[0], for: .read) { interest in
                #expect(interest.contains(.read))
                var bytes = [UInt8](repeating: 0, count: 16)
                let count = unsafe read(descriptors[0], &bytes, 16)
                received.append(count)
                if count == 0 { done() } else { close(descriptors[1]) }
            }
            #expect(unsafe write(descriptors[1], "abc", 3) == 3)
        }
        watch?.cancel()
        #expect(received == [3, 0])
    }

    @Test func aPausedWatchIsSilentUntilItIsResumed() throws {
        var descriptors: [Int32] = [0, 0]
        #expect(unsafe pipe(&descriptors) == 0)
        defer { descriptors.forEach { close($0) } }
        var calls = 0
        var watch: DescriptorWatch?
        var timer: LoopTimer?
        try withLoop { loop, done in
            watch = try loop.watch(descriptors[0], for: .read) { _ in
                calls += 1
                done()
            }
            watch?.pause()
            #expect(unsafe write(descriptors[1], "x", 1) == 1)
            timer = loop.after(.milliseconds(20)) {
                #expect(calls == 0)
                watch?.resume()
            }
        }
        #expect(calls == 1)
        #expect(timer != nil)
        watch?.cancel()
    }

    @Test func workFromAnotherThreadWakesTheLoop() throws {
        let onLoop = Shared<[Bool]>([])
        try withLoop { loop, done in
            runOnNewThread {
                for index in 0..<1000 {
                    loop.execute {
                        onLoop.withLock { $0.append(loop.isOnLoop) }
                        if index == 999 { done() }
                    }
                }
            }
        }
        #expect(onLoop.withLock { $0.count } == 1000)
        #expect(onLoop.withLock { $0.allSatisfy(\.self) })
    }

    @Test func aTaskRunsOnTheLoopsThreadAndResumesThereAfterASleep() throws {
        let places = Shared<[Bool]>([])
        try withLoop { loop, done in
            Task.immediate(executorPreference: loop) {
                places.withLock { $0.append(loop.isOnLoop) }
                await Task.yield()
                places.withLock { $0.append(loop.isOnLoop) }
                let start = ContinuousClock.now
                try? await loop.sleep(for: .milliseconds(5))
                #expect(ContinuousClock.now - start >= .milliseconds(5))
                places.withLock { $0.append(loop.isOnLoop) }
                done()
            }
        }
        #expect(places.withLock { $0 } == [true, true, true])
    }

    @Test func cancellingATaskEndsItsSleep() throws {
        let wasCancelled = Shared(false)
        var timer: LoopTimer?
        try withLoop { loop, done in
            let task = Task.immediate(executorPreference: loop) {
                do {
                    try await loop.sleep(for: .seconds(60))
                } catch {
                    wasCancelled.withLock { $0 = error is CancellationError }
                }
                done()
            }
            timer = loop.after(.milliseconds(5)) { task.cancel() }
        }
        #expect(wasCancelled.withLock { $0 })
        #expect(timer != nil)
    }

    @Test func aTaskThatYieldsForeverDoesNotStarveTimers() throws {
        var timer: LoopTimer?
        let isOver = Shared(false)
        try withLoop { loop, done in
            Task.immediate(executorPreference: loop) {
                while !isOver.withLock({ $0 }) { await Task.yield() }
            }
            timer = loop.after(.milliseconds(10)) {
                isOver.withLock { $0 = true }
                done()
            }
        }
        #expect(timer != nil)
    }

    @Test func aSystemErrorNamesTheOperationAndTheReason() {
        #expect(throws: SystemError(errno: EBADF, operation: "close it")) {
            try systemCall("close it") { close(-1) }
        }
        #expect(SystemError(errno: EACCES, operation: "bind 1").description == "bind 1: Permission denied")
    }

    @Test func durationsConvertWithoutOverflow() {
        #expect(Duration.seconds(-1).wholeNanoseconds == 0)
        #expect(Duration.milliseconds(1).wholeNanoseconds == 1_000_000)
        #expect(Duration.seconds(Int64.max).wholeNanoseconds == 1 << 62)
    }
}

/// A value that tasks and threads of a test share.
private final class Shared<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) {
        self.value = Mutex(value)
    }

    @discardableResult
    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { value in
            var copy = value
            defer { value = copy }
            return body(&copy)
        }
    }
}

/// A plain thread: what is tested is work that comes from outside Swift's executors.
private func runOnNewThread(_ body: @escaping @Sendable () -> Void) {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let context = unsafe Unmanaged.passRetained(Box(body)).toOpaque()
    let status = unsafe pthread_create(
        &thread, nil,
        { context in
            guard let context = unsafe context else { return nil }
            unsafe Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body()
            return nil
        }, context)
    #expect(status == 0)
    pthread_detach(thread)
}
