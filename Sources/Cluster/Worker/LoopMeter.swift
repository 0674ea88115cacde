// How late a worker's timers fire, and how much of its time the loop is busy. A pure value: the ticks of a timer go in, with what the kernel
// says of the thread's run time; figures come out twice a second. Nothing is measured on the way of a request.
// Process: worker · Thread: loop
//
// Busy is what is no waiting for events: running, waiting for a core, and sleeping in a handler. The kernel accounts for the first two. The third
// shows in the ticks: each expiry of the timer is a sample of the loop, and one that fires late found the loop in a long turn. So busy is the
// greater of two shares: time running or waiting for a core, and expiries that fired late by more than the wait for a core explains.

internal import EverycoreStatistics

/// All times are nanoseconds.
package struct LoopMeter {
    package struct Reading {
        package var now: UInt64
        /// Of the loop's thread, since it began.
        package var running: UInt64
        /// Waiting for a core; 0 where that isn't known.
        package var waiting: UInt64

        package init(now: UInt64, running: UInt64, waiting: UInt64 = 0) { (self.now, self.running, self.waiting) = (now, running, waiting) }
    }

    package struct Interval: Equatable {
        package var busyPerSecond: UInt64
        /// The same as time.
        package var busy: UInt64
        /// Running or waiting for a core.
        package var demand: UInt64
        package var lagP99: UInt64
        package var lagMax: UInt64
    }

    /// Between two ticks of a loop with work, and of one without. Prime numbers of milliseconds: loads rarely have such a rhythm.
    package static let (busyPeriod, idlePeriod): (UInt64, UInt64) = (47_000_000, 251_000_000)
    /// A loop that is busy for a larger part of a second has work.
    private static let idleShare: UInt64 = 30_000_000
    /// A tick that is later found the loop in a turn that takes as long.
    private static let late: UInt64 = 500_000
    /// Lags of half such a time to the whole of it are shown.
    private static let window: UInt64 = 10_000_000_000
    /// So many expiries count at most when one tick answers for many.
    private static let mostExpiries: UInt64 = 1000

    /// Between two ticks.
    package private(set) var period = busyPeriod
    private var due: UInt64
    private var last: Reading
    private var began: Reading
    private var expiries: UInt64 = 0
    private var lateExpiries: UInt64 = 0
    private var (lags, earlierLags) = (LatencyHistogram(), LatencyHistogram())
    private var windowBegan: UInt64

    /// - Parameter start: when the timer was set.
    package init(_ start: Reading) {
        due = start.now &+ Self.busyPeriod
        (last, began) = (start, start)
        windowBegan = start.now
    }

    /// The timer fired, once for all expiries until now.
    package mutating func ticked(_ reading: Reading) {
        let lag = reading.now.subtractingDownToZero(due)
        let count = lag / period + 1
        // A wait for a core is accounted for elsewhere.
        let explained = Self.late.addingUpToLimit(reading.waiting.subtractingDownToZero(last.waiting))
        let late = lag > explained ? min((lag - explained) / period + 1, count) : 0
        expiries = expiries.addingUpToLimit(count)
        lateExpiries = lateExpiries.addingUpToLimit(late)
        for index in 0..<min(count, Self.mostExpiries) { lags.record(nanoseconds: lag - index * period) }
        due = due.addingUpToLimit(count.multipliedReportingOverflow(by: period).partialValue)
        last = reading
    }

    /// The interval is over: what it was like. Another one begins, for which the timer is set anew where `period` changes.
    package mutating func interval() -> Interval {
        let elapsed = last.now.subtractingDownToZero(began.now)
        let used = last.running.subtractingDownToZero(began.running).addingUpToLimit(last.waiting.subtractingDownToZero(began.waiting))
        let share = Self.perSecond(used, of: elapsed)
        let sampled = Self.perSecond(lateExpiries, of: expiries)
        let busy = min(max(share, sampled), 1_000_000_000)
        var all = lags
        all.merge(earlierLags)
        let interval = Interval(
            busyPerSecond: busy, busy: Self.part(busy, of: elapsed), demand: min(used, elapsed),
            lagP99: all.percentile(99), lagMax: all.maxNanoseconds)
        if last.now.subtractingDownToZero(windowBegan) >= Self.window / 2 {
            (lags, earlierLags) = (LatencyHistogram(), lags)
            windowBegan = last.now
        }
        (began, expiries, lateExpiries) = (last, 0, 0)
        period = busy > Self.idleShare ? Self.busyPeriod : Self.idlePeriod
        return interval
    }

    /// The timer was set, to fire each `period` from now on.
    package mutating func timerSet(at now: UInt64) { due = now.addingUpToLimit(period) }

    private static func part(_ perSecond: UInt64, of whole: UInt64) -> UInt64 {
        perSecond >= 1_000_000_000 ? whole : UInt64(Double(whole) * (Double(perSecond) / 1e9))
    }

    private static func perSecond(_ part: UInt64, of whole: UInt64) -> UInt64 {
        guard whole > 0 else { return 0 }
        return UInt64(min(Double(part) / Double(whole), 1) * 1e9)
    }
}
