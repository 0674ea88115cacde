// Cluster-wide totals: cumulative figures of all workers, living and dead. A pure value: events and the monotonic clock's reading go
// in, `ClusterFigures` come out. No event can trap it, and none can make a total go down.
// The datagram events come from workers and may hold anything; the others come from the supervisor.
// The admin worker has no slot here: what it serves is no traffic of the service.
// Process: master, admin · Thread: loop

package struct ClusterLedger: Equatable, Sendable {
    /// How many workers there should be. Shown beside how many are ready.
    package var wantedWorkers: Int

    package private(set) var startedAt: UInt64
    /// What another master's workers did, which this one has followed.
    private var carried: ClusterFigures?
    private var slots: [SlotLedger?] = []
    /// What slots did that exist no more.
    private var departed = FigureSnapshot()
    private var departedRestarts: UInt64 = 0
    private var departedUsage: ProcessUsage?
    /// Reports of departed slots, and datagrams that no slot can be blamed for.
    private var unassigned = ReportTally()
    /// The last ends of workers, newest last.
    private var exits: [ExitRecord] = []
    private var exitCounts = ExitCounts()
    /// What workers without a slot do that live.
    package var apart = FigureSnapshot()
    /// What is quarantined.
    package var quarantine: [QuarantineRecord] = []
    /// Requests that were refused because they could not be moved to the quarantine worker.
    package var quarantineRefused: UInt64 = 0
    /// Of listeners that all slots share.
    package var sharedAcceptQueue: ProcessFigures.AcceptQueue?
    /// What runs now, and how many requests wait in handlers.
    package var requests: [RunningRequest] = []
    package var waitingRequests: UInt64 = 0

    /// - Parameter startedAt: the monotonic clock, in nanoseconds, as every `now` here.
    package init(startedAt: UInt64, wantedWorkers: Int) {
        self.startedAt = startedAt
        self.wantedWorkers = wantedWorkers
    }

    package enum Outcome: Equatable, Sendable {
        case accepted(slot: Int, generation: Int)
        case ignored(IgnoredReason)
    }

    /// A worker was forked into a slot.
    /// - Parameter planned: a reload or an upgrade, not the replacement of a worker that died: does not count as a restart.
    /// - Returns: false, and nothing changes, for a slot outside 0..<1024 or a generation that is not newer than the slot's last.
    @discardableResult
    package mutating func started(
        slot: Int, generation: Int, pid: Int32, planned: Bool = false, now: UInt64
    ) -> Bool {
        guard (0..<Report.slotLimit).contains(slot) else { return false }
        while slots.count <= slot { slots.append(nil) }
        let isFirst = slots[slot] == nil
        var entry = slots[slot] ?? SlotLedger(slot: slot)
        guard entry.start(generation: generation, pid: pid, isPlanned: planned, now: now) else { return false }
        if !isFirst, !planned { entry.restarts = entry.restarts.addingUpToLimit(1) }
        slots[slot] = entry
        return true
    }

    /// The state of a slot's newest generation changed. Of an older generation or an unknown slot: ignored.
    @discardableResult
    package mutating func changed(slot: Int, generation: Int, to state: WorkerState) -> Bool {
        guard has(slot), slots[slot]?.generation == generation else { return false }
        slots[slot]?.state = state
        return true
    }

    /// A report arrived.
    /// - Parameter sender: whose channel it came on: it counts for no other worker.
    package mutating func ingest(
        _ datagram: RawSpan, from sender: (slot: Int, generation: Int)? = nil, now: UInt64
    ) -> Outcome {
        let report: Report
        do {
            report = try Report(decoding: datagram)
        } catch {
            return ignore(IgnoredReason(error), slot: sender?.slot)
        }
        if let sender {
            guard report.slot == sender.slot else { return ignore(.unknownSlot, slot: sender.slot) }
            guard report.generation == sender.generation else { return ignore(.staleGeneration, slot: sender.slot) }
        }
        guard has(report.slot) else { return ignore(.unknownSlot, slot: nil) }
        let before = slots[report.slot]?.baseLines ?? 0
        let reason = slots[report.slot]?.enter(report, now: now)
        noteBaseLines(of: report.slot, before)
        if let reason { return ignore(reason, slot: report.slot) }
        return .accepted(slot: report.slot, generation: report.generation)
    }

    package mutating func ingest(
        _ datagram: [UInt8], from sender: (slot: Int, generation: Int)? = nil, now: UInt64
    ) -> Outcome {
        datagram.withRawSpan { ingest($0, from: sender, now: now) }
    }

    /// How often a worker's figures were counted anew from what can't be true.
    package private(set) var baseLines: UInt64 = 0

    private mutating func noteBaseLines(of slot: Int, _ before: UInt64) {
        baseLines = baseLines.addingUpToLimit((slots[slot]?.baseLines ?? 0).subtractingDownToZero(before))
    }

    /// A living worker's figures were read from shared memory, because it is silent or because fresh figures were asked for.
    @discardableResult
    package mutating func refresh(slot: Int, generation: Int, figures: FigureSnapshot, now: UInt64) -> Bool {
        guard has(slot) else { return false }
        let before = slots[slot]?.baseLines ?? 0
        defer { noteBaseLines(of: slot, before) }
        return slots[slot]?.refresh(generation: generation, to: figures, now: now) ?? false
    }

    /// What is known of a living worker's process.
    package mutating func observe(slot: Int, generation: Int, process: ProcessFigures, now: UInt64) {
        guard has(slot) else { return }
        slots[slot]?.observe(generation: generation, process, now: now)
    }

    /// The queue of a slot's listeners, which outlive its workers; nil where it isn't known.
    package mutating func observe(slot: Int, acceptQueue: ProcessFigures.AcceptQueue?) {
        if has(slot) { slots[slot]?.acceptQueue = acceptQueue }
    }

    /// A worker ended. Its slot's state becomes `dead` (`changed` may say more, after this); a report of it that
    /// arrives later is ignored.
    /// - Parameter final: its figures as shared memory has them; without them its last report counts.
    @discardableResult
    package mutating func retire(
        slot: Int, generation: Int, final: FigureSnapshot?, usage: ProcessUsage? = nil, now: UInt64
    ) -> Bool {
        guard has(slot) else { return false }
        return slots[slot]?.retire(generation: generation, final: final, usage: usage, now: now) ?? false
    }

    /// A worker was reaped, or could not be made.
    package mutating func exited(_ exit: ExitRecord) {
        exitCounts[exit.kind] = exitCounts[exit.kind].addingUpToLimit(1)
        exits.append(exit)
        if exits.count > ExitRecord.keptCount { exits.removeFirst() }
    }

    /// A slot was given up, as by scaling down: its row goes, and what it did stays in the totals.
    package mutating func remove(slot: Int) {
        guard has(slot), let entry = slots[slot] else { return }
        departed.merge(entry.figures.withoutGauges)
        departedRestarts = departedRestarts.addingUpToLimit(entry.restarts)
        departedUsage.merge(entry.usage)
        unassigned.merge(entry.tally)
        slots[slot] = nil
    }

    /// A worker without a slot ended.
    package mutating func retireApart(_ final: FigureSnapshot) { departed.merge(final.withoutGauges) }

    /// Another master, whose place this one takes, tells what its workers have done until now; each time all of it.
    package mutating func carry(_ figures: ClusterFigures) {
        carried = figures
        startedAt = min(startedAt, figures.startedAtNanoseconds)
    }

    /// Everything, as it stands.
    package func figures(now: UInt64) -> ClusterFigures {
        var (departed, departedRestarts, unassigned) = (departed, departedRestarts, unassigned)
        var (exits, exitCounts, departedUsage) = (exits, exitCounts, departedUsage)
        departed.merge(apart)
        if let carried {
            departed.merge(carried.total.withoutGauges)
            departedRestarts = departedRestarts.addingUpToLimit(carried.restarts)
            unassigned.merge(carried.reports)
            exits = Array((carried.exits + exits).suffix(ExitRecord.keptCount))
            exitCounts.merge(carried.exitCounts)
            departedUsage.merge(carried.usage)
        }
        return ClusterFigures(
            takenAtNanoseconds: now, startedAtNanoseconds: startedAt, wantedWorkers: wantedWorkers,
            departed: departed, departedRestarts: departedRestarts, unassignedReports: unassigned,
            slots: slots.compactMap { $0?.slotFigures(now: now) }, exits: exits, exitCounts: exitCounts,
            quarantine: quarantine, quarantineRefused: quarantineRefused.addingUpToLimit(carried?.quarantineRefused ?? 0), departedUsage: departedUsage,
            sharedAcceptQueue: sharedAcceptQueue, requests: requests, waitingRequests: waitingRequests)
    }

    private func has(_ slot: Int) -> Bool {
        slots.indices.contains(slot) && slots[slot] != nil
    }

    private mutating func ignore(_ reason: IgnoredReason, slot: Int?) -> Outcome {
        if let slot, has(slot) {
            let count = slots[slot]?.tally[reason] ?? 0
            slots[slot]?.tally[reason] = count.addingUpToLimit(1)
        } else {
            unassigned[reason] = unassigned[reason].addingUpToLimit(1)
        }
        return .ignored(reason)
    }
}
