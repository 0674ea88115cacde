// Between the supervisors, pure values that decide who starts when, and the world: events go in, actions are carried out.
// Runs in the master.

internal import EverycoreLoop
internal import Logging

extension Master {
    func supervise(_ role: Role, _ event: (_ slot: Int) -> Supervisor.Event) {
        let now = EventLoop.monotonicNanoseconds()
        switch role {
        case .worker(let slot):
            let actions = workerSupervisor.handle(event(slot), now: now)
            carryOut(actions, auxiliaries: false)
        case .auxiliary(let index):
            let actions = auxiliarySupervisor.handle(event(index), now: now)
            carryOut(actions, auxiliaries: true)
        }
        scheduleWake()
    }

    func carryOut(_ actions: [Supervisor.Action], auxiliaries: Bool) {
        for action in actions {
            switch action {
            case .fork(let slot, let generation):
                guard stopping == .running else { break }
                let role = auxiliaries ? Role.auxiliary(index: slot) : .worker(slot: slot)
                forkChild(role, generation: generation)
            case .retire(let slot, let generation):
                retire(auxiliaries ? .auxiliary(index: slot) : .worker(slot: slot), generation: generation)
            case .replacementFailed(let slot, let generation):
                replacementFailed(auxiliaries ? .auxiliary(index: slot) : .worker(slot: slot), generation: generation)
            case .delayed(let slot, let delay):
                noteDelay(auxiliaries ? .auxiliary(index: slot) : .worker(slot: slot), delay)
                if !auxiliaries { rollFailed(at: slot, "a new worker died young") }
            case .giveUp:
                gaveUp = true
                log(.critical, "no worker could be kept alive: leaving")
                leaveAtOnce()
            }
        }
    }

    func scheduleWake() {
        let times = [workerSupervisor.nextWake, auxiliarySupervisor.nextWake].compactMap { $0 }
        guard stopping == .running, let next = times.min() else {
            wakeTimer = nil
            return
        }
        wakeTimer = loop.after(.from(EventLoop.monotonicNanoseconds(), to: next)) { [unowned self] in
            let now = EventLoop.monotonicNanoseconds()
            let forWorkers = workerSupervisor.handle(.timer, now: now)
            carryOut(forWorkers, auxiliaries: false)
            let forAuxiliaries = auxiliarySupervisor.handle(.timer, now: now)
            carryOut(forAuxiliaries, auxiliaries: true)
            scheduleWake()
        }
    }
}
