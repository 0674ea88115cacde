// One-shot and repeating timers. On the loop's thread.

import CLibevent

/// A timer of an event loop. Keep it: dropping the last reference cancels it.
public final class LoopTimer: LoopEvent {
    private let body: () -> Void
    private let isRepeating: Bool
    private var due: UInt64

    init(loop: EventLoop, delay: Duration, isRepeating: Bool, body: @escaping () -> Void) {
        self.body = body
        self.isRepeating = isRepeating
        due = EventLoop.monotonicNanoseconds() &+ delay.wholeNanoseconds
        super.init(loop: loop, descriptor: -1, flags: isRepeating ? EV_PERSIST : 0)
        _ = add(timeout: delay)
    }

    override func fire(_ flags: Int16) {
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
