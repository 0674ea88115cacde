// How many workers there should be for the load that there is, between two bounds. A pure value of the master: what the workers' loops and queues
// are like goes in twice a second, a decision with the numbers that made it comes out.
// Process: master · Thread: loop
//
//   up    the median worker's loop was busy for more than 80 % of one and a half seconds, or for more than half of it while connections waited in
//         the queues of half the workers at three looks in a row (loops that do nothing leave connections in a queue on purpose, and another
//         one would not take them); and cores are free: non-blocking handlers gain nothing by more workers than cores. Half as many more, at least
//         one, and no more than there are free cores where the loops run on them
//   down  the mean of all loops was below 30 % for a minute, and never above 60 % for one and a half seconds of it: one worker, and the next after
//         another minute. While the one that would go has a request of more than a second that waits, for five minutes at most: clients
//         that always have one would keep all workers for ever
//
// A worker that starts is waited for before the next step up, so that a step shows its effect first. Time that is not like the rest (a reload, an
// upgrade, another number of cores or of workers) begins the minute anew.

internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct Autoscale: Equatable {
    /// One worker at one look.
    package struct Worker: Equatable {
        package var slot: Int
        package var pid: Int32
        /// Time in which its loop was busy, and in which it ran or waited for a core, both since it began, and when that was measured.
        package var busy: UInt64
        package var demand: UInt64
        package var measuredAt: UInt64
        /// Connections wait for it.
        package var isQueueFilled = false

        package init(slot: Int, pid: Int32, busy: UInt64, demand: UInt64, measuredAt: UInt64, isQueueFilled: Bool = false) {
            (self.slot, self.pid, self.busy, self.demand, self.measuredAt) = (slot, pid, busy, demand, measuredAt)
            self.isQueueFilled = isQueueFilled
        }
    }

    package struct Look: Equatable {
        package var now: UInt64
        /// As many as are wanted.
        package var count: Int
        /// Those that serve.
        package var workers: [Worker]
        package var cores: Int
        /// The worker that would go has a request in flight that takes long.
        package var isLastOccupied = false

        package init(now: UInt64, count: Int, workers: [Worker], cores: Int, isLastOccupied: Bool = false) {
            (self.now, self.count, self.workers, self.cores) = (now, count, workers, cores)
            self.isLastOccupied = isLastOccupied
        }
    }

    package enum Reason: String, Equatable {
        case busy, queues, idle
        /// There are fewer or more than may be.
        case bounds
    }

    package struct Decision: Equatable {
        package var count: Int
        package var reason: Reason
        /// Shares of the time that the decision looked at, 0…1: of the median worker, and the mean of all.
        package var median: Double
        package var mean: Double
        /// Cores that the workers run on or wait for.
        package var coresUsed: Double
        package var cores: Int
        /// Workers for which connections wait.
        package var filledQueues: Int
    }

    package let bounds: ClosedRange<Int>
    private var looks: [Look] = []
    /// Since when nothing has changed but the load, with what it was like: the sums of means and their number, and the greatest of short times.
    private var quiet: (since: UInt64, sum: Double, count: Double, peak: Double) = (0, 0, 0, 0)
    private var filled: [Int: Int] = [:]

    package static let (interval, window, patience): (Duration, UInt64, UInt64) = (.milliseconds(500), 1_500_000_000, 60_000_000_000)
    private static let (busyShare, idleShare, peakShare) = (0.8, 0.3, 0.6)
    private static let filledLooks = 3
    private static let filledShare = 0.5
    private static let longestWait: UInt64 = 300_000_000_000
    /// So much of a core must be free.
    private static let freeShare = 0.5

    package init(_ bounds: ClosedRange<Int>) { self.bounds = bounds }

    package static func == (one: Self, other: Self) -> Bool {
        one.bounds == other.bounds && one.looks == other.looks && one.quiet == other.quiet && one.filled == other.filled
    }

    /// What was seen so far says nothing about what comes.
    package mutating func reset() {
        looks = []
        filled = [:]
        quiet.since = 0
    }

    package mutating func look(_ look: Look) -> Decision? {
        if let last = looks.last, last.count != look.count || last.cores != look.cores { reset() }
        guard bounds.contains(look.count) else {
            reset()
            return decision(min(max(look.count, bounds.lowerBound), bounds.upperBound), .bounds, Load(), look)
        }
        // One that starts, or is between two processes, will change the picture.
        guard look.workers.count >= look.count else {
            looks = []
            filled = [:]
            return nil
        }
        for worker in look.workers { filled[worker.slot] = worker.isQueueFilled ? min((filled[worker.slot] ?? 0) + 1, Self.filledLooks) : nil }
        looks.append(look)
        while looks.count > 2, look.now.subtractingDownToZero(looks[1].now) >= Self.window { looks.removeFirst() }
        guard let first = looks.first, look.now.subtractingDownToZero(first.now) >= Self.window, let load = Load(from: first, to: look) else { return nil }
        return up(load, look) ?? down(load, look)
    }

    // MARK: Up

    private mutating func up(_ load: Load, _ look: Look) -> Decision? {
        let filledQueues = filled.values.count { $0 >= Self.filledLooks }
        let areFilled = filledQueues * 2 >= look.count && load.median > Self.filledShare
        guard look.count < bounds.upperBound, load.median > Self.busyShare || areFilled else { return nil }
        let free = Double(look.cores) - load.demand
        guard free >= Self.freeShare else { return nil }
        // Loops that run on cores fill more of them; loops that sleep in handlers take none.
        let runs = load.demand >= Double(look.count) * Self.busyShare / 2
        let step = max(1, min(look.count / 2, runs ? Int(free) : .max))
        let decision = decision(min(look.count + step, bounds.upperBound), load.median > Self.busyShare ? .busy : .queues, load, look)
        reset()
        return decision
    }

    // MARK: Down

    private mutating func down(_ load: Load, _ look: Look) -> Decision? {
        guard look.count > bounds.lowerBound else {
            quiet.since = 0
            return nil
        }
        if quiet.since == 0 { quiet = (look.now, 0, 0, 0) }
        quiet = (quiet.since, quiet.sum + load.mean, quiet.count + 1, max(quiet.peak, load.mean))
        if quiet.peak > Self.peakShare { quiet.since = 0 }
        guard quiet.since != 0, look.now.subtractingDownToZero(quiet.since) >= Self.patience else { return nil }
        guard quiet.sum / quiet.count < Self.idleShare, load.mean < Self.idleShare else {
            // A minute that was not quiet: the next one may be.
            quiet.since = 0
            return nil
        }
        let isOverdue = look.now.subtractingDownToZero(quiet.since) >= Self.patience + Self.longestWait
        guard !look.isLastOccupied || isOverdue, !filled.values.contains(where: { $0 >= Self.filledLooks }) else { return nil }
        var decision = decision(look.count - 1, .idle, load, look)
        decision.mean = quiet.sum / quiet.count
        reset()
        return decision
    }

    private func decision(_ count: Int, _ reason: Reason, _ load: Load, _ look: Look) -> Decision {
        Decision(
            count: count, reason: reason, median: load.median, mean: load.mean, coresUsed: load.demand, cores: look.cores,
            filledQueues: filled.values.count { $0 >= Self.filledLooks })
    }
}

extension Autoscale {
    /// What the time between two looks was like.
    private struct Load {
        var median = 0.0
        var mean = 0.0
        /// In cores.
        var demand = 0.0

        init() {}

        /// Nil where no worker was measured at both looks. One that is new counts as the others do.
        init?(from first: Look, to last: Look) {
            var shares: [Double] = []
            for worker in last.workers {
                guard let before = first.workers.first(where: { $0.pid == worker.pid }), worker.measuredAt > before.measuredAt else { continue }
                let time = Double(worker.measuredAt - before.measuredAt)
                shares.append(min(Double(worker.busy.subtractingDownToZero(before.busy)) / time, 1))
                demand += min(Double(worker.demand.subtractingDownToZero(before.demand)) / time, 1)
            }
            guard !shares.isEmpty else { return nil }
            shares.sort()
            demand *= Double(last.workers.count) / Double(shares.count)
            // Of an even number the lower one: half of the workers are busier.
            median = shares[(shares.count - 1) / 2]
            mean = shares.reduce(0, +) / Double(shares.count)
        }
    }
}
