// A successor for a worker: it starts, and when it is ready the old one hands over and goes.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging

extension Master {
    /// Starts a successor for the slot's worker; when it is ready, the worker hands over to it and goes.
    /// - Returns: false when the slot has no worker that lives, or a successor is on its way already.
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
        guard let child = child(role, generation: generation) else { return }
        guard child.phase == .starting else { return letGo(child) }
        // It has accepted nothing, and may hang.
        child.wasAsked = true
        send(9, to: child)
    }

    func replacementFailed(_ role: Role, generation: Int, isFault: Bool) {
        let failed = child(role, generation: generation)
        // One that only waited for its successor has waited long enough.
        if let leaving = children.values.first(where: { $0.role == role && $0.waitsForSuccessor }) { goWithoutSuccessor(leaving) }
        guard isFault else { return retryInRoll(role) }
        log(.warning, .replacementFailed, "a new worker failed: the old one stays", ["worker": "\(role.slot)", "gen": "\(generation)"])
        guard case .worker(let slot) = role else { return }
        if let failed, failed.edition != edition { return renewInRoll(slot) }
        rollFailed(at: slot, "a new worker failed before it was ready")
    }

    /// The new worker was killed from outside, which proves nothing, or there is no page for it yet: a little later there may be.
    private func retryInRoll(_ role: Role) {
        guard case .worker(let slot) = role, roll?.isRolling(slot) == true else { return }
        rollTimer = loop.after(.milliseconds(10)) { [unowned self] in renewInRoll(slot) }
    }
}
