// The books of one slot: the generations that live in it, and the sum of those that are gone.
// Usually one generation lives; while a worker drains and its successor serves already, there are two.
// Runs in the master, inside `ClusterLedger`.

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
    private var freshAt: UInt64 = 0

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
        var gaugesTakenAt: UInt64 = 0
        let startedAt: UInt64
        /// When `figures` were last raised.
        var raisedAt: UInt64

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
        guard !report.figures.fellBehind(living[index].reported), living[index].canBecome(report.figures, now: now) else {
            return .garbled
        }
        tally.received = tally.received.addingUpToLimit(1)
        tally.lost = tally.lost.addingUpToLimit(report.sequence - last - 1)
        living[index].lastSequence = report.sequence
        living[index].reported = report.figures
        // One of the future would keep later gauges out.
        raise(index, to: report.figures, takenAt: min(report.monotonicNanoseconds, now), now: now)
        freshAt = max(freshAt, now)
        return nil
    }

    /// Enters figures that were read from shared memory.
    mutating func refresh(generation: Int, to figures: FigureSnapshot, now: UInt64) -> Bool {
        guard let index = living.firstIndex(where: { $0.number == generation }) else { return false }
        guard living[index].canBecome(figures, now: now) else {
            tally[.garbled] = tally[.garbled].addingUpToLimit(1)
            return false
        }
        raise(index, to: figures, takenAt: now, now: now)
        freshAt = max(freshAt, now)
        return true
    }

    /// Ends a generation: its figures move to the retired sum, its gauges vanish.
    mutating func retire(generation: Int, final: FigureSnapshot?, now: UInt64) -> Bool {
        guard let index = living.firstIndex(where: { $0.number == generation }) else { return false }
        if let final {
            // Memory that a worker has filled with anything counts for nothing: its last figures that could be true do.
            if living[index].canBecome(final, now: now) {
                raise(index, to: final, takenAt: now, now: now)
            } else {
                tally[.garbled] = tally[.garbled].addingUpToLimit(1)
            }
        }
        retired.merge(living[index].figures.withoutGauges)
        living.remove(at: index)
        freshAt = max(freshAt, now)
        if generation == self.generation { state = .dead }
        return true
    }

    /// What all generations of this slot have done, and the gauges of those that live.
    var figures: FigureSnapshot {
        living.reduce(retired) { $0.merged(with: $1.figures) }
    }

    var isAlive: Bool {
        living.contains { $0.number == generation }
    }

    func slotFigures(now: UInt64) -> SlotFigures {
        SlotFigures(
            slot: slot, generation: generation, pid: pid, state: state,
            uptimeNanoseconds: isAlive ? now.subtractingDownToZero(startedAt) : 0,
            staleNanoseconds: now.subtractingDownToZero(freshAt),
            restarts: restarts, reports: tally, figures: figures)
    }

    /// A report that was under way while shared memory was read is older than what was read: its gauges are not taken.
    private mutating func raise(_ index: Int, to figures: FigureSnapshot, takenAt: UInt64, now: UInt64) {
        living[index].raisedAt = max(living[index].raisedAt, now)
        let newer = takenAt >= living[index].gaugesTakenAt
        living[index].figures.raise(to: figures, gauges: newer)
        if newer { living[index].gaugesTakenAt = takenAt }
    }
}
