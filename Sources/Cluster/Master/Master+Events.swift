// The events of workers' lives and what handlers may ask for. Runs in the master.
// Handlers are called where they can't come between two halves of a change: what they ask for takes effect by packets and
// signals to workers, or in the loop's next turn.

internal import EverycoreLoop
internal import Glibc

extension Master {
    func emitFork(_ child: Child) {
        guard child.role.isWorker else { return }
        for handler in plan.lifecycle.fork { handler(child.handle) }
    }

    /// The worker's first packet.
    func becameOnline(_ child: Child) {
        guard !child.isOnline else { return }
        child.isOnline = true
        guard child.role.isWorker else { return }
        for handler in plan.lifecycle.online { handler(child.handle) }
    }

    func emitListening(_ child: Child) {
        guard child.role.isWorker else { return }
        for handler in plan.lifecycle.listening { handler(child.handle, addresses) }
    }

    func emitDisconnect(_ child: Child) {
        guard child.role.isWorker else { return }
        for handler in plan.lifecycle.disconnect { handler(child.handle) }
    }

    func emitExit(_ handle: WorkerHandle, _ exit: WorkerExit) {
        handle.exit = exit
        guard handle.name == Role.workerName, handle.slot >= 0 else { return }
        for handler in plan.lifecycle.exit { handler(handle, exit) }
    }

    /// The code runs in the master itself and not in a copy of it.
    var runsHere: Bool { pid == getpid() }

    var workerHandles: [WorkerHandle] {
        children.values.filter(\.role.isWorker).map(\.handle).sorted { $0.id < $1.id }
    }

    /// In the loop's next turn, in the order of the calls.
    func soon(_ body: @escaping (Master) -> Void) {
        requests.append(body)
        guard requestTimer == nil else { return }
        requestTimer = loop.after(.zero) { [unowned self] in
            requestTimer = nil
            let due = requests
            requests = []
            for body in due { body(self) }
        }
    }

    func stopByRequest() {
        if stopping == .running, lameDuckTimer == nil { askedToStop(SIGTERM) }
    }

    // MARK: Asked of one worker

    func disconnect(_ handle: WorkerHandle) {
        guard let child = child(of: handle), stopping == .running, !child.wasAsked, child.phase != .dying else { return }
        child.wasAsked = true
        child.successorTimer = loop.after(.zero) { [unowned self] in
            child.successorTimer = nil
            go(child)
        }
    }

    func signal(_ handle: WorkerHandle, _ signal: Int32) -> Bool {
        guard let child = child(of: handle) else { return false }
        if signal != 0, child.phase != .dying { child.wasAsked = true }
        return send(signal, to: child)
    }

    /// Sends a signal of the master's own, which is no surprise if it ends the process.
    @discardableResult
    func send(_ signal: Int32, to child: Child) -> Bool {
        if signal != 0 { child.sentSignals.insert(signal) }
        return kill(child.pid, signal) == 0
    }

    /// A child that is not reaped yet: its process id is still its own.
    private func child(of handle: WorkerHandle) -> Child? {
        guard runsHere, let child = children[handle.pid], child.handle === handle else { return nil }
        return child
    }
}
