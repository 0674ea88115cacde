// The books of one slot: the generations that live in it, and the sum of those that are gone.
// Usually one generation lives; while a worker drains and its successor serves already, there are two.
// Process: master, admin · Thread: loop

struct SlotLedger: Equatable, Sendable {
    let slot: Int
    private(set) var generation = -1
    private(set) var pid: Int32 = 0
    private(set) var startedAt: UInt64 = 0
    var state = WorkerState.starting
    var restarts: UInt64 = 0
    var tally = ReportTally()
    private var living: [Generation] = []
    private var retired = FigureSnapshot()
    private var retiredUsage: ProcessUsage?
    /// The newest generation's, without what it has used.
    private var process = ProcessFigures()
    /// Of the slot's listeners, whichever worker accepts from them.
    var acceptQueue: ProcessFigures.AcceptQueue?
    private var freshAt: UInt64 = 0
    /// How often figures were counted anew from what can't be true.
    private(set) var baseLines: UInt64 = 0

    init(slot: Int) {
        self.slot = slot
    }

    /// One worker process' figures, while it lives.
    private struct Generation: Equatable, Sendable {
        let number: Int
        var lastSequence: UInt64 = 0
        /// As the last report said; the next one may not be lower.
        var reported = FigureSnapshot()
        /// The highest reading of each figure, from reports and from shared memory.
        var figures = FigureSnapshot()
        /// What to take from every reading: what was in the worker's memory that can't be true, less what counts.
        var baseLine: FigureSnapshot?
        /// How many readings in a row could not be true.
        var refusals = 0
        var gaugesTakenAt: UInt64 = 0
        var usage: ProcessUsage?
        let startedAt: UInt64
        /// When `figures` were last raised.
        var raisedAt: UInt64

        func counted(_ reading: FigureSnapshot) -> FigureSnapshot {
            guard let baseLine else { return reading }
            var counted = reading.counted(from: baseLine)
            counted[.latencyMaxNanoseconds] = max(counted[.latencyMaxNanoseconds], figures[.latencyMaxNanoseconds])
            return counted
        }

        func canBecome(_ next: FigureSnapshot, now: UInt64) -> Bool {
            next.isPlausible(
                after: figures, within: now.subtractingDownToZero(raisedAt), age: now.subtractingDownToZero(startedAt))
        }
    }

    /// - Returns: whether the generation is new. Generations only go up.
    /// - Parameter isPlanned: the generation before serves on until this one is ready: so does the slot.
    mutating func start(generation: Int, pid: Int32, isPlanned: Bool = false, now: UInt64) -> Bool {
        guard generation > self.generation else { return false }
        let serves = isPlanned && state == .ready
        self.generation = generation
        self.pid = pid
        startedAt = now
        freshAt = now
        state = serves ? .ready : .starting
        process = ProcessFigures()
        living.append(Generation(number: generation, startedAt: now, raisedAt: now))
        return true
    }

    /// Enters a report's figures.
    /// - Returns: why it was ignored, or nil when it counts.
    mutating func enter(_ report: Report, now: UInt64) -> IgnoredReason? {
        guard let index = living.firstIndex(where: { $0.number == report.generation }) else {
            return .staleGeneration
        }
        let last = living[index].lastSequence
        guard report.sequence > last else { return .replayed }
        let figures = living[index].counted(report.figures)
        guard !figures.fellBehind(living[index].reported), living[index].canBecome(figures, now: now) else {
            refuse(index, report.figures, now: now)
            return .garbled
        }
        living[index].refusals = 0
        tally.received = tally.received.addingUpToLimit(1)
        tally.lost = tally.lost.addingUpToLimit(report.sequence - last - 1)
        living[index].lastSequence = report.sequence
        living[index].reported = figures
        // One of the future would keep later gauges out.
        raise(index, to: figures, takenAt: min(report.monotonicNanoseconds, now), now: now)
        freshAt = max(freshAt, now)
        return nil
    }

    /// Enters figures that were read from shared memory.
    mutating func refresh(generation: Int, to figures: FigureSnapshot, now: UInt64) -> Bool {
        guard let index = living.firstIndex(where: { $0.number == generation }) else { return false }
        let counted = living[index].counted(figures)
        guard living[index].canBecome(counted, now: now) else {
            tally[.garbled] = tally[.garbled].addingUpToLimit(1)
            refuse(index, figures, now: now)
            return false
        }
        living[index].refusals = 0
        raise(index, to: counted, takenAt: now, now: now)
        freshAt = max(freshAt, now)
        return true
    }

    /// Ends a generation: its figures move to the retired sum, its gauges vanish.
    mutating func retire(generation: Int, final: FigureSnapshot?, usage: ProcessUsage?, now: UInt64) -> Bool {
        guard let index = living.firstIndex(where: { $0.number == generation }) else { return false }
        if let usage { raise(index, to: usage, now: now) }
        retiredUsage.merge(living[index].usage)
        if let final {
            // Memory that a worker has filled with anything counts for nothing: its last figures that could be true do.
            let counted = living[index].counted(final)
            if living[index].canBecome(counted, now: now) {
                raise(index, to: counted, takenAt: now, now: now)
            } else {
                tally[.garbled] = tally[.garbled].addingUpToLimit(1)
            }
        }
        retired.merge(living[index].figures.withoutGauges)
        living.remove(at: index)
        freshAt = max(freshAt, now)
        if generation == self.generation {
            state = .dead
            process = ProcessFigures()
        }
        return true
    }

    /// What is known of a generation's process. What it has used counts for each, the rest for the newest.
    mutating func observe(generation: Int, _ process: ProcessFigures, now: UInt64) {
        guard let index = living.firstIndex(where: { $0.number == generation }) else { return }
        if let usage = process.usage { raise(index, to: usage, now: now) }
        guard generation == self.generation else { return }
        self.process = process
    }

    private mutating func raise(_ index: Int, to usage: ProcessUsage, now: UInt64) {
        guard usage.isPlausible(age: now.subtractingDownToZero(living[index].startedAt)) else { return }
        var raised = living[index].usage ?? ProcessUsage()
        raised.raise(to: usage)
        living[index].usage = raised
    }

    /// What all generations of this slot have used.
    var usage: ProcessUsage? { living.reduce(into: retiredUsage) { $0.merge($1.usage) } }

    /// What all generations of this slot have done, and the gauges of those that live.
    var figures: FigureSnapshot {
        living.reduce(retired) { $0.merged(with: $1.figures) }
    }

    var isAlive: Bool {
        living.contains { $0.number == generation }
    }

    func slotFigures(now: UInt64) -> SlotFigures {
        var process = process
        process.usage = usage
        process.acceptQueue = acceptQueue
        return SlotFigures(
            slot: slot, generation: generation, pid: pid, state: state,
            uptimeNanoseconds: isAlive ? now.subtractingDownToZero(startedAt) : 0,
            staleNanoseconds: now.subtractingDownToZero(freshAt),
            restarts: restarts, reports: tally, figures: figures, process: process)
    }

    /// Readings in a row that can't be true are what another process has left in the worker's memory: from there on the worker goes on
    /// counting. What counts doesn't jump by it, nor does it stand still.
    private mutating func refuse(_ index: Int, _ reading: FigureSnapshot, now: UInt64) {
        living[index].refusals += 1
        guard living[index].refusals >= Self.refusalLimit else { return }
        let counts = living[index].figures
        living[index].baseLine = reading.baseLine(for: counts)
        living[index].reported = counts
        living[index].refusals = 0
        living[index].raisedAt = max(living[index].raisedAt, now)
        baseLines = baseLines.addingUpToLimit(1)
    }

    private static let refusalLimit = 3

    /// A report that was under way while shared memory was read is older than what was read: its gauges are not taken.
    private mutating func raise(_ index: Int, to figures: FigureSnapshot, takenAt: UInt64, now: UInt64) {
        living[index].raisedAt = max(living[index].raisedAt, now)
        let newer = takenAt >= living[index].gaugesTakenAt
        living[index].figures.raise(to: figures, gauges: newer)
        if newer { living[index].gaugesTakenAt = takenAt }
    }
}
