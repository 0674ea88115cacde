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
        case .quarantine:
            break
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
            case .replacementFailed(let slot, let generation, let isFault):
                replacementFailed(auxiliaries ? .auxiliary(index: slot) : .worker(slot: slot), generation: generation, isFault: isFault)
            case .startFailed(let slot, let generation, let pause):
                let role = auxiliaries ? Role.auxiliary(index: slot) : .worker(slot: slot)
                noteFailedStart(role, generation: generation, pause: pause)
                if !auxiliaries, isOfPresentPlan(role, generation) { rollFailed(at: slot, "a new worker failed to start") }
            case .giveUp:
                gaveUp = true
                log(.critical, .gaveUp, "no worker could be kept alive: leaving")
                leaveAtOnce()
            }
        }
    }

    /// Of one that could not be made there is no child.
    private func isOfPresentPlan(_ role: Role, _ generation: Int) -> Bool {
        child(role, generation: generation).map { $0.edition == edition } ?? true
    }

    func child(_ role: Role, generation: Int) -> Child? {
        children.values.first { $0.role == role && $0.generation == generation }
    }

    func scheduleWake() {
        let times = [workerSupervisor.nextWake, auxiliarySupervisor.nextWake].compactMap { $0 }
        guard stopping == .running, let next = times.min() else {
            wakeTimer = nil
            return
        }
        let now = EventLoop.monotonicNanoseconds()
        // When many events come at once, one timer serves them all.
        if wakeTimer != nil, wakeAt <= max(next, now) { return }
        wakeAt = max(next, now)
        wakeTimer = loop.after(.from(now, to: wakeAt)) { [unowned self] in wake() }
    }

    /// Starts what is due. In a turn of its own: when many workers die at once, all ends are seen first, then their queues get other
    /// owners, and then come the successors, each of which takes about a millisecond.
    func wake() {
        wakeTimer = nil
        assignQueuesIfChanged()
        let now = EventLoop.monotonicNanoseconds()
        let forWorkers = workerSupervisor.handle(.timer, now: now)
        carryOut(forWorkers, auxiliaries: false)
        let forAuxiliaries = auxiliarySupervisor.handle(.timer, now: now)
        carryOut(forAuxiliaries, auxiliaries: true)
        scheduleWake()
    }
}
