// A service's clock: the date of responses, and the sweep that finds deadlines which have passed.
// Process: worker · Thread: loop

import CEverycorePosix
import EverycoreLoop
import Glibc

extension HTTPService {
    private static var optionsInterval: UInt64 { 5_000_000_000 }

    /// As `EventLoop.monotonicNanoseconds`, inlined.
    static var now: UInt64 {
        @inline(__always) get { cposix_monotonic_nanoseconds() }
    }

    /// Before anything is answered: once for a batch of requests, each time for an answer that comes later.
    @inline(__always)
    func updateDate(at now: UInt64) {
        if now >= dateDue { makeDate(now) }
    }

    /// The system's clock is asked once a second: when its next second begins.
    @inline(never)
    private func makeDate(_ now: UInt64) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        dateDue = now &+ 1_000_000_000 &- UInt64(truncatingIfNeeded: time.tv_nsec)
        unsafe encoder.updateDate(unixSeconds: Int64(time.tv_sec))
    }

    /// Only a worker with connections looks at deadlines: an idle one sleeps.
    func startSweep(every interval: Duration? = nil) {
        guard sweep == nil else { return }
        sweep = loop.every(interval ?? .nanoseconds(Int64(clamping: timeouts.sweepNanoseconds))) { [weak self] in
            // Held to the end: a deadline may close the last connection of a drain, and with it goes the service.
            guard let self else { return }
            let now = EventLoop.monotonicNanoseconds()
            if now &- optionsSetAt >= Self.optionsInterval {
                optionsSetAt = now
                for acceptor in acceptors { acceptor.setOptions() }
            }
            for slot in deadlines.expired(at: now) { connections[slot]?.deadlinePassed(now) }
            relieve(now)
            if passOn != nil { passOnIdle() } else { findExcess() }
            if openConnections == 0 { sweep = nil }
        }
    }
}
