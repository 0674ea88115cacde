// How the master leaves: workers first, auxiliaries last, everything reaped. Runs in the master.

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

enum StopPhase {
    case running
    /// Another master's workers take the connections of ours.
    case handingOver
    /// The workers drain; the auxiliaries still answer.
    case drainingWorkers
    /// The workers are gone.
    case drainingAuxiliaries
    /// Everything was killed.
    case killing
    case over
}

extension Master {
    func beginStop() {
        log(.info, .stopping, "stopping", ["deadline": "\(options.drainDeadline.inSeconds)"])
        tellStopping(within: options.drainDeadline)
        // Queues whose worker was told to go, or has died, in this turn of the loop.
        assignQueuesIfChanged()
        stopping = .drainingWorkers
        stopDeadline = EventLoop.monotonicNanoseconds().addingUpToLimit(options.drainDeadline.wholeNanoseconds)
        workerSupervisor.stop()
        wakeTimer = nil
        queueWatch.stop()
        // New connections are refused as soon as the workers close their copies.
        listeners.closeThoseOfSlots()
        drain(options.drainDeadline) { $0.role.isWorker }
        limitStop(options.drainDeadline)
        childrenChanged()
    }

    /// A process that hangs in the kernel outlives KILL, and must not keep the master.
    func limitStop(_ deadline: Duration) {
        stopTimer = loop.after(deadline + .seconds(3)) { [unowned self] in
            // One that was told later than the others, such as the quarantine worker at the end of a hand-over, has had time enough too.
            let late = children.values.filter { !$0.sentSignals.contains(SIGKILL) }
            guard late.isEmpty else {
                for child in late {
                    log(.warning, .workerKilledDraining, "killing a worker that stays too long", about: child, request(of: child))
                    send(SIGKILL, to: child)
                }
                return limitStop(.zero)
            }
            log(.error, .workerUnkillable, "a worker can't be killed: leaving without it", ["left": "\(children.keys.sorted())"])
            leaveAtOnce()
        }
    }

    private func drain(_ deadline: Duration, _ isMeant: (Child) -> Bool) {
        let packet = Packet(.drain, number: deadline.wholeMilliseconds)
        for child in children.values where isMeant(child) {
            let reached: Void? = child.phase == .dying ? nil : try? child.channel.send(control: packet)
            if reached == nil {
                kill(child.pid, SIGKILL)
            } else {
                killAfter(deadline + .milliseconds(500), child)
            }
        }
    }

    /// The workers have gone: what they sent to quarantine is answered in the time that is left.
    /// - Returns: false when its worker has gone, too.
    private func drainsQuarantine() -> Bool {
        let child = children.values.first { $0.role == .quarantine && $0.phase != .dying }
        guard let child, child.channel.isOpen else { return false }
        if child.phase != .draining {
            child.phase = .draining
            child.wasAsked = true
            drain(max(.from(EventLoop.monotonicNanoseconds(), to: stopDeadline), .seconds(1))) { $0 === child }
        }
        return true
    }

    /// The second TERM or INT, QUIT, and the end of a cluster that can't keep workers.
    func leaveAtOnce() {
        guard stopping != .killing, stopping != .over else { return }
        tellStopping(within: .seconds(5))
        lameDuckTimer = nil
        stopping = .killing
        workerSupervisor.stop()
        auxiliarySupervisor.stop()
        wakeTimer = nil
        for child in children.values { kill(child.pid, SIGKILL) }
        // A process in an uninterruptible sleep ends when the kernel lets it; there is nothing to wait for.
        stopTimer = loop.after(.seconds(5)) { [unowned self] in
            stopping = .over
            loop.stop()
        }
        childrenChanged()
    }

    /// Goes on with leaving when the children that it waits for are gone.
    func childrenChanged() {
        if stopping == .drainingWorkers, !children.values.contains(where: { $0.role.isWorker }), !drainsQuarantine() {
            stopping = .drainingAuxiliaries
            auxiliarySupervisor.stop()
            drain(.seconds(1)) { _ in true }
            limitStop(.seconds(1))
        }
        if stopping == .handingOver { handOverQuarantine() }
        guard children.isEmpty, [.handingOver, .drainingAuxiliaries, .killing].contains(stopping) else { return }
        stopping = .over
        loop.stop()
    }
}
