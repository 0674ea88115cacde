// libevent's event base in Swift: one loop, one thread, no locks on its own thread, and no thread started by anything here.
// The master has one, each worker has one of its own made after the fork; its creator owns it.
//
//   run · stop · execute             the loop, and waking it from another thread
//   after · every                    timers (LoopTimer)
//   onSignal · watch                 signals (SignalWatch), descriptors (DescriptorWatch)
//   enqueue · sleep · adoptConcurrency   async code on the loop (EventLoop+Executor, EventLoop+Concurrency)
//
// Process: any · Thread: loop

import CEverycoreLibevent
import CEverycorePosix
import Glibc
import Synchronization

/// An event loop on libevent's core.
///
/// Everything but ``execute(_:)``, ``stop()``, ``isOnLoop`` and the executor's `enqueue` is called on the loop's thread: the
/// thread that made the loop, and from ``run()`` on the one that runs it. Where these are two, the first leaves the loop alone
/// until it sees ``isOnLoop`` become false.
@safe public final class EventLoop: @unchecked Sendable {
    let base: OpaquePointer
    private(set) var isAbandoned = false
    /// It has the concurrency of the process.
    var isAdopted = false
    private let thread: Atomic<UInt>
    let jobs: JobQueue
    let eventMemory = EventMemory()
    private var stopRequested = false
    /// Of the repeating timers.
    var timerDescriptors: Set<Int32> = []

    /// Makes a loop; it opens an epoll descriptor and an eventfd.
    public init() throws(SystemError) {
        guard let config = unsafe event_config_new() else {
            throw SystemError(errno: ENOMEM, operation: "create an event loop")
        }
        defer { unsafe event_config_free(config) }
        // One thread touches the base: libevent needs no locks for it.
        unsafe event_config_set_flag(config, Int32(EVENT_BASE_FLAG_NOLOCK.rawValue))
        // The clock is read where a time is wanted, not once for each wake-up.
        unsafe event_config_set_flag(config, Int32(EVENT_BASE_FLAG_NO_CACHE_TIME.rawValue))
        guard let base = unsafe event_base_new_with_config(config) else {
            throw SystemError(errno: errno, operation: "create an event loop")
        }
        unsafe self.base = unsafe base
        thread = Atomic(UInt(pthread_self()))
        do {
            jobs = try JobQueue()
        } catch {
            unsafe event_base_free(base)
            throw error
        }
        jobs.attach(to: self)
    }

    deinit {
        jobs.detach()
        if !isAbandoned { unsafe event_base_free(base) }
    }

    /// Runs until ``stop()``, on the calling thread, also while nothing is registered.
    public func run() {
        thread.store(UInt(pthread_self()), ordering: .releasing)
        while !stopRequested {
            guard unsafe event_base_loop(base, EVLOOP_NO_EXIT_ON_EMPTY) >= 0 else { break }
        }
        stopRequested = false
    }

    /// Calls the handlers of what is ready now, and returns.
    package func runOnce() { unsafe event_base_loop(base, EVLOOP_NONBLOCK) }

    /// Makes ``run()`` return after the handler that is running. From any thread.
    public func stop() {
        guard isOnLoop else {
            execute { [weak self] in self?.stop() }
            return
        }
        stopRequested = true
        unsafe event_base_loopbreak(base)
    }

    /// Whether the caller is on the loop's thread.
    public var isOnLoop: Bool {
        thread.load(ordering: .acquiring) == UInt(pthread_self())
    }

    /// Nanoseconds of the system's monotonic clock (CLOCK_MONOTONIC, clock_gettime(2)).
    public static func monotonicNanoseconds() -> UInt64 { cposix_monotonic_nanoseconds() }

    /// The same clock, cheaper, and late by up to a scheduler tick of some milliseconds (CLOCK_MONOTONIC_COARSE, clock_gettime(2)).
    package static func coarseNanoseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC_COARSE, &time)
        return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000 &+ UInt64(truncatingIfNeeded: time.tv_nsec)
    }

    /// Calls `body` once, `delay` from now, never earlier. Keep the timer; dropping it cancels.
    public func after(_ delay: Duration, _ body: @escaping () -> Void) -> LoopTimer {
        LoopTimer(loop: self, delay: delay, isRepeating: false, body: body)
    }

    /// Calls `body` every `interval`, first one interval from now. Keep the timer; dropping it cancels.
    public func every(_ interval: Duration, _ body: @escaping () -> Void) -> LoopTimer {
        LoopTimer(loop: self, delay: interval, isRepeating: true, body: body)
    }

    /// Calls `body` on the loop whenever the process gets signal `number` (signal(7)). Only one loop of a process can take signals.
    public func onSignal(_ number: Int32, _ body: @escaping () -> Void) throws(SystemError) -> SignalWatch {
        let watch = SignalWatch(loop: self, number: number, body: body)
        guard watch.add() else { throw SystemError(errno: errno, operation: "handle signal \(number)") }
        return watch
    }

    /// Calls `body` whenever `descriptor` is ready for `interest`. Keep the watch; dropping it cancels.
    public func watch(
        _ descriptor: Int32, for interest: Interest, _ body: @escaping (Interest) -> Void
    ) throws(SystemError) -> DescriptorWatch {
        let watch = DescriptorWatch(loop: self, descriptor: descriptor, interest: interest, body: body)
        guard watch.add() else { throw SystemError(errno: errno, operation: "watch descriptor \(descriptor)") }
        return watch
    }

    /// The same for a watch that is its owner's part.
    package func watch(_ descriptor: Int32, for interest: Interest, owner: any ReadinessOwner) throws(SystemError) -> OwnedWatch {
        let watch = OwnedWatch(loop: self, descriptor: descriptor, interest: interest, owner: owner)
        guard watch.add() else { throw SystemError(errno: errno, operation: "watch descriptor \(descriptor)") }
        return watch
    }

    /// Runs `body` on the loop's thread soon: after the current handler, or by waking the loop when called from another thread.
    public func execute(_ body: @escaping @Sendable () -> Void) {
        jobs.append(.closure(body), fromLoop: isOnLoop)
    }

    /// Gives up a loop that was inherited through a fork, without harm to the parent, whose epoll set is the same kernel object.
    /// Runs in the child, first thing. Watches of this loop may still be cancelled or dropped afterwards.
    package func abandonAfterFork() {
        guard !isAbandoned else { return }
        // event_reinit makes an epoll set of the child's own; only then may the base be taken apart (its documentation says why).
        unsafe event_reinit(base)
        unsafe event_base_free(base)
        isAbandoned = true
        for descriptor in timerDescriptors { close(descriptor) }
        timerDescriptors = []
        jobs.detach()
    }
}
