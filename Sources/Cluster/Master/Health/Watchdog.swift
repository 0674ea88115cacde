// Tells a worker that is stuck from one that got no CPU. A pure value of the master, one for each worker: what was seen and when
// goes in, what to do comes out. It reads nothing and knows no clock.
//
// A worker's loop beats while it turns. Wall time without a beat proves nothing: the machine may have been loaded, suspended,
// or the worker's cgroup throttled. So only evidence counts toward the limit: CPU time that its loop's thread used without a beat, and
// time in which that thread was asleep in the kernel, seen asleep at both ends of it, although its loop had something to do.
// A thread that waits for a CPU is runnable, and gains nothing. Neither does one that a signal has stopped, or that a debugger holds.
// The quarantine worker is under suspicion already: where others use up the CPU, time in which it waits for one counts too.

internal import EverycoreLoop
internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct Watchdog {
    /// What a thread does, of the letters in proc_pid_stat(5).
    package enum State: Equatable, Sendable {
        /// R: on a CPU, or waiting for one.
        case runnable
        /// S, D, I: asleep in a system call or a fault.
        case blocked
        /// T, t: by a signal or a tracer.
        case stopped
        /// Z, X, and what there is no letter for here.
        case gone
    }

    package struct Sample: Equatable, Sendable {
        package let state: State
        /// What the loop's thread has used since it began.
        package let cpuNanoseconds: UInt64
        /// Changes when the worker gets on with its work: a loop with much to do may come to its timers late.
        package let progress: UInt64

        package init(state: State, cpuNanoseconds: UInt64, progress: UInt64) {
            self.state = state
            self.cpuNanoseconds = cpuNanoseconds
            self.progress = progress
        }
    }

    package enum Action: Equatable {
        /// The beat is late: sample the process and tell.
        case sample
        /// There is evidence that the loop doesn't turn. Once, until it turns again.
        case unresponsive
        /// It is stopped, and left alone. Once, until it turns again.
        case stopped
        /// The loop turns again.
        case recovered
        /// Beyond the limit. Nothing comes after this.
        case kill
        /// The main thread has ended and others keep the process: it serves nothing, and the kernel doesn't report its end. Nothing comes after this.
        case headless
    }

    private let limit: UInt64
    private let interval: UInt64
    private let countsWaiting: Bool
    private var lastBeat: UInt64 = 0
    private var previous: (sample: Sample, at: UInt64)?
    /// What counts toward the limit.
    package private(set) var counted: UInt64 = 0
    private var isUnresponsive = false
    private var isStopped = false
    private var goneSince: UInt64?
    private var isOver = false

    /// How often a worker beats and the master looks: a quarter of the limit, at most a second.
    package static func interval(for limit: Duration) -> Duration {
        .nanoseconds(Int64(clamping: min(max(limit.wholeNanoseconds / 4, 10_000_000), 1_000_000_000)))
    }

    /// A worker that may be stuck for ever is still watched: its process may be no more than a zombie.
    package static let noLimit = Duration.nanoseconds(Int64(1) << 62)

    /// - Parameter countsWaiting: whether time in which its thread waits for a CPU counts toward the limit.
    package init(limit: Duration, countsWaiting: Bool = false) {
        self.limit = limit.wholeNanoseconds
        self.countsWaiting = countsWaiting
        interval = Self.interval(for: limit).wholeNanoseconds
    }

    /// The master looked at the worker's last beat.
    package mutating func looked(lastBeat beat: UInt64, now: UInt64) -> [Action] {
        guard !isOver else { return [] }
        var actions: [Action] = []
        if beat != lastBeat {
            lastBeat = beat
            previous = nil
            goneSince = nil
            counted = 0
            if isUnresponsive || isStopped { actions.append(.recovered) }
            isUnresponsive = false
            isStopped = false
        }
        return now &- min(beat, now) > 2 * interval ? actions + [.sample] : actions
    }

    /// The process as it is, after `looked` has asked for it.
    package mutating func sampled(_ sample: Sample, now: UInt64) -> [Action] {
        guard !isOver else { return [] }
        guard sample.state != .gone else { return gone(now: now) }
        defer { previous = (sample, now) }
        var actions: [Action] = []
        if sample.state == .stopped, !isStopped {
            isStopped = true
            actions.append(.stopped)
        }
        guard let (before, then) = previous else { return actions }
        guard sample.progress == before.progress else {
            counted = 0
            return actions
        }
        let used = sample.cpuNanoseconds.subtractingDownToZero(before.cpuNanoseconds)
        counted = counted.addingUpToLimit(used)
        if before.state == .blocked && sample.state == .blocked || countsWaiting && before.state != .stopped && sample.state != .stopped {
            // A master that was held up itself has seen the ends of that time only.
            let elapsed = min(now.subtractingDownToZero(then), 2 * interval)
            counted = counted.addingUpToLimit(elapsed.subtractingDownToZero(used))
        }
        if counted >= limit {
            isOver = true
            return actions + [.kill]
        }
        if counted > 0, !isUnresponsive {
            isUnresponsive = true
            actions.append(.unresponsive)
        }
        return actions
    }
}

extension Watchdog {
    /// A process that ends is a zombie for a moment, until it is reaped. One that stays is missing only its main thread.
    private mutating func gone(now: UInt64) -> [Action] {
        guard let since = goneSince else {
            goneSince = now
            return []
        }
        guard now.subtractingDownToZero(since) >= 500_000_000 else { return [] }
        isOver = true
        return [.headless]
    }
}

extension Watchdog.State {
    /// - Parameter letter: the third field of /proc/PID/stat.
    package init(letter: Substring) {
        switch letter {
        case "R": self = .runnable
        case "S", "D", "I", "K", "W", "P": self = .blocked
        case "T", "t": self = .stopped
        default: self = .gone
        }
    }
}

/// The main thread of a process, which is the one that its loop runs on.
package struct ThreadStatus: Equatable {
    package let state: Watchdog.State
    package let cpuNanoseconds: UInt64
    /// It has begun to end, which takes the kernel a while where many do so at once. No signal makes that faster.
    package let isExiting: Bool

    /// PF_EXITING, among the kernel's flags of a task.
    private static let exitingFlag: UInt64 = 4

    package init(state: Watchdog.State, cpuNanoseconds: UInt64, isExiting: Bool = false) {
        self.state = state
        self.cpuNanoseconds = cpuNanoseconds
        self.isExiting = isExiting
    }

    /// - Parameters:
    ///   - text: of /proc/PID/task/PID/stat, proc_pid_stat(5). The name in it may hold anything, also parentheses.
    ///   - ticksPerSecond: sysconf(_SC_CLK_TCK).
    package init?(stat text: String, ticksPerSecond: UInt64) {
        guard let end = text.lastIndex(of: ")"), ticksPerSecond > 0 else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // state is the third of all fields, flags the ninth, utime and stime are the fourteenth and fifteenth.
        guard fields.count > 12, let flags = UInt64(fields[6]), let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        state = .init(letter: fields[0])
        // A main thread that has ended says nothing of others.
        isExiting = state != .gone && flags & Self.exitingFlag != 0
        let (product, overflow) = user.addingUpToLimit(system).multipliedReportingOverflow(by: 1_000_000_000)
        cpuNanoseconds = overflow ? .max : product / ticksPerSecond
    }
}
