// The events of workers' lives, for the program's handlers in the master. Handlers are called where they can't come between two halves of a
// change: what they ask for takes effect by packets and signals to workers, or in the loop's next turn.
// Process: master · Thread: loop

internal import EverycoreLoop

final class LifecycleEvents {
    private let context: MasterContext
    /// Where the workers listen, also when the listeners are closed.
    private let addresses: [ListenAddress]
    /// What handlers want the cluster to do.
    private var requests: [() -> Void] = []
    private var timer: LoopTimer?

    init(_ context: MasterContext, addresses: [ListenAddress]) {
        self.context = context
        self.addresses = addresses
    }

    func stop() { timer = nil }

    func forked(_ child: Child) { tell(child, context.plan.lifecycle.fork) }

    func online(_ child: Child) { tell(child, context.plan.lifecycle.online) }

    func listening(_ child: Child) {
        guard child.role.isWorker else { return }
        for handler in context.plan.lifecycle.listening { handler(child.handle, addresses) }
    }

    func disconnected(_ child: Child) { tell(child, context.plan.lifecycle.disconnect) }

    func exited(_ handle: WorkerHandle, _ exit: WorkerExit) {
        handle.exit = exit
        guard handle.name == Role.workerName, handle.slot >= 0 else { return }
        for handler in context.plan.lifecycle.exit { handler(handle, exit) }
    }

    private func tell(_ child: Child, _ handlers: [(WorkerHandle) -> Void]) {
        guard child.role.isWorker else { return }
        for handler in handlers { handler(child.handle) }
    }

    /// In the loop's next turn, in the order of the calls.
    func soon(_ body: @escaping () -> Void) {
        requests.append(body)
        guard timer == nil else { return }
        timer = context.loop.after(.zero) { [unowned self] in
            timer = nil
            let due = requests
            requests = []
            for body in due { body() }
        }
    }
}
