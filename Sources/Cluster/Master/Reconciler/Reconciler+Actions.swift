// Carrying out what the supervisors decide.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Logging

extension Reconciler {
    func carryOut(_ actions: [Supervisor.Action], auxiliaries: Bool) {
        for action in actions {
            switch action {
            case .fork(let slot, let generation):
                guard context.isRunning else { break }
                fork(role(slot, auxiliaries), generation: generation)
            case .retire(let slot, let generation):
                retire(role(slot, auxiliaries), generation: generation)
            case .replacementFailed(let slot, let generation, let isFault):
                replacementFailed(role(slot, auxiliaries), generation: generation, isFault: isFault)
            case .startFailed(let slot, let generation, let pause):
                startFailed(role(slot, auxiliaries), generation: generation, pause: pause)
            case .giveUp:
                context.log(.critical, .gaveUp, "no worker could be kept alive: leaving")
                observer?.gaveUp()
            }
        }
    }

    private func role(_ slot: Int, _ isAuxiliary: Bool) -> Role { isAuxiliary ? .auxiliary(index: slot) : .worker(slot: slot) }

    private func fork(_ role: Role, generation: Int) {
        switch pool.fork(role, generation: generation) {
        case .forked:
            break
        case .noPage:
            handle(role) { .ended(slot: $0, generation: generation, .killed, wasGood: false) }
        case .failed:
            if observer?.startFailed() == true { return }
            handle(role) { .forkFailed(slot: $0, generation: generation) }
        }
    }

    /// The successor is ready.
    private func retire(_ role: Role, generation: Int) {
        guard let child = pool.child(role, generation: generation) else { return }
        guard child.phase == .starting else { return pool.drain(child) }
        // It has accepted nothing, and may hang.
        child.stopRequested = true
        child.send(9)
    }

    private func replacementFailed(_ role: Role, generation: Int, isFault: Bool) {
        let version = version(of: role, generation: generation)
        // One that only waited for its successor has waited long enough.
        if let leaving = pool.children.values.first(where: { $0.role == role && $0.waitsForSuccessor }) { drainWithoutSuccessor(leaving) }
        if isFault {
            context.log(.warning, .replacementFailed, "a new worker failed: the old one stays", ["worker": "\(role.slot)", "gen": "\(generation)"])
        }
        guard role.isWorker else { return }
        if isFault {
            failed(role, generation: generation, "a new worker failed before it was ready")
            follow(rollout.startFailed(slot: role.slot, version: version), "a new worker failed before it was ready")
        } else {
            // It was killed from outside, which proves nothing, or there is no page for it yet: a little later there may be.
            rollout.successorLost(now: EventLoop.monotonicNanoseconds())
        }
        stepSoon()
    }

    private func startFailed(_ role: Role, generation: Int, pause: Duration?) {
        guard context.isRunning else { return }
        if case .worker(let slot) = role { figures.pauses(slot, generation: generation) }
        // For the line about its end.
        pool.nextStarts[role] = pause
        guard role.isWorker else { return }
        failed(role, generation: generation, "a new worker failed to start")
        follow(rollout.startFailed(slot: role.slot, version: version(of: role, generation: generation)), "a new worker failed to start")
    }

    private func failed(_ role: Role, generation: Int, _ reason: String) {
        // The first is the reason for what follows.
        if failure == nil { failure = (reason, role.slot, generation) }
        rolloutObserver?.startFailed(slot: role.slot, "\(reason): worker \(role.slot), generation \(generation)")
    }

    /// Of one that could not be made there is no child.
    private func version(of role: Role, generation: Int) -> Int {
        pool.child(role, generation: generation)?.planVersion ?? context.planVersion
    }
}
