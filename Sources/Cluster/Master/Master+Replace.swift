// A successor for a worker that is well: it starts, and when it is ready the old one hands over and goes.
// Runs in the master.

internal import EverycoreLoop
internal import Logging

extension Master {
    /// Starts a successor for the slot's worker; when it is ready, the worker hands over to it and goes.
    /// - Returns: false when the slot has no worker that is well, or a successor is on its way already.
    @discardableResult
    func replaceWorker(slot: Int) -> Bool {
        guard stopping == .running else { return false }
        let actions = workerSupervisor.handle(.replace(slot: slot), now: EventLoop.monotonicNanoseconds())
        carryOut(actions, auxiliaries: false)
        scheduleWake()
        return !actions.isEmpty
    }

    /// The successor is ready.
    func retire(_ role: Role, generation: Int) {
        if let child = children.values.first(where: { $0.role == role && $0.generation == generation }) { letGo(child) }
    }

    func replacementFailed(_ role: Role, generation: Int) {
        log(.warning, "a new worker failed: the old one stays", ["worker": "\(role.slot)", "gen": "\(generation)"])
        guard case .worker(let slot) = role else { return }
        let failed = children.values.first { $0.role == role && $0.generation == generation }
        // One that only waited for its successor has waited long enough.
        if let leaving = children.values.first(where: { $0.role == role && $0.waitsForSuccessor }) { goWithoutSuccessor(leaving) }
        if let failed, failed.edition != edition { return renewInRoll(slot) }
        rollFailed(at: slot, "a new worker failed before it was ready")
    }
}
