// Replaces workers that have served long enough, as the Recycling value says. Runs in the master.

internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

extension Master {
    private static let interval: UInt64 = 1_000_000_000

    func recycleIfDue(now: UInt64) {
        guard options.recycle.isOn, now &- min(lastRecycling, now) >= Self.interval else { return }
        guard stopping == .running, lameDuckTimer == nil, roll?.isRolling != true else { return }
        lastRecycling = now
        let workers = children.values.filter { $0.role.isWorker && $0.phase != .dying }
        // One at a time: nobody may be on the way, and every slot has its worker.
        guard workers.count == workerCount, let choice = recycling.next(workers.map(reading), now: now) else { return }
        guard let child = workers.first(where: { $0.role.slot == choice.slot && $0.generation == choice.generation }) else { return }
        log(.info, .workerRecycled, "recycling a worker", about: child, ["because_of": "\(choice.reason)"])
        replaceWorker(slot: choice.slot)
    }

    private func reading(_ child: Child) -> Recycling.Slot {
        let measuresMemory = options.recycle.residentBytes != nil || options.recycle.medianFactor != nil
        return Recycling.Slot(
            slot: child.role.slot, generation: child.generation, isReady: child.phase == .ready, startedAt: child.forkedAt,
            requests: child.page.figures[.requests],
            residentBytes: measuresMemory ? ResidentMemory.byteCount(of: "\(child.pid)") : nil)
    }
}
