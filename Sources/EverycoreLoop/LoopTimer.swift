// One-shot and repeating timers. On the loop's thread.
//
// A repeating timer is a descriptor of its own (timerfd_create(2)), armed once: a poll that has a time to keep costs a third of
// a microsecond more each time, and would have one all the time, only for what happens once a second.
//
// Process: any · Thread: loop

import CEverycoreLibevent
import CEverycorePosix
import Glibc

/// A timer of an event loop. Keep it: dropping the last reference cancels it.
public final class LoopTimer: LoopEvent {
    private let body: () -> Void
    private let isRepeating: Bool
    private var due: UInt64
    /// -1 for a one-shot timer, and where the process has no descriptor to spare.
    private let descriptor: Int32

    init(loop: EventLoop, delay: Duration, isRepeating: Bool, body: @escaping () -> Void) {
        self.body = body
        self.isRepeating = isRepeating
        due = EventLoop.monotonicNanoseconds() &+ delay.wholeNanoseconds
        descriptor = isRepeating ? cposix_periodic_timer(delay.wholeNanoseconds) : -1
        if descriptor >= 0 { loop.timerDescriptors.insert(descriptor) }
        super.init(
            loop: loop, descriptor: descriptor, flags: (isRepeating ? EV_PERSIST : 0) | (descriptor >= 0 ? Int32(EV_READ) : 0))
        _ = descriptor >= 0 ? add() : add(timeout: delay)
    }

    deinit {
        // In the order that epoll wants: the event goes before its descriptor. After a fork the loop has closed it.
        cancel()
        if descriptor >= 0, unsafe loop.timerDescriptors.remove(descriptor) != nil { close(descriptor) }
    }

    override func fire(_ flags: Int16) {
        if descriptor >= 0 {
            var count: UInt64 = 0
            _ = unsafe read(descriptor, &count, 8)
        }
        // libevent reads a coarse clock that lags by up to a scheduler tick (CLOCK_MONOTONIC_COARSE, clock_gettime(2)),
        // so a one-shot timer may fire early by that much: wait for the rest.
        if !isRepeating {
            let now = EventLoop.monotonicNanoseconds()
            guard now >= due else {
                _ = add(timeout: .nanoseconds(Int64(clamping: due &- now)))
                return
            }
        }
        body()
    }

    /// Starts a one-shot timer anew: it fires `delay` from now, whether or not it has fired already.
    public func restart(after delay: Duration) {
        due = EventLoop.monotonicNanoseconds() &+ delay.wholeNanoseconds
        _ = add(timeout: delay)
    }
}

extension Duration {
    /// Nanoseconds, rounded up and clamped to 0…2⁶² (146 years).
    package var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let sum = whole.addingReportingOverflow(UInt64((attoseconds &+ 999_999_999) / 1_000_000_000))
        guard !overflow, !sum.overflow else { return 1 << 62 }
        return min(sum.partialValue, 1 << 62)
    }
}
