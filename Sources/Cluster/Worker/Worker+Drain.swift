// How a worker leaves: it takes nothing new, finishes what it has, reports for the last time, and exits.
// Runs in the worker process, on its loop.

internal import CPosix
internal import EventLoop
internal import Glibc
internal import Logging

struct DrainState {
    var isDraining = false
    var handlers: [(_ done: @escaping () -> Void) -> Void] = []
    var unfinished = 0
    var deadline: LoopTimer?
    var hasClosedListeners = false
}

extension Worker {
    /// Calls `body` when the worker should go: because the cluster stops, or because this process got TERM. It stops
    /// taking new work and calls `done` when what was in flight is finished. The process ends when all have, or at
    /// ``ClusterOptions/drainDeadline``. Registered while the worker drains already, it is called at once.
    public func onDrain(_ body: @escaping (_ done: @escaping () -> Void) -> Void) {
        if isDraining {
            startDraining(body)
        } else {
            drain.handlers.append(body)
        }
    }

    /// Lets this worker go in order, as TERM does: it drains and exits, and its successor starts meanwhile. From another thread
    /// than the loop's: `worker.loop.execute { … }`.
    public func disconnect() { beginDrain(within: options.drainDeadline) }

    /// Closes this process's ``listeners``, for a worker that drains and has accepted what waited in them: then nobody
    /// connects to a queue that is emptied no more. When the cluster stops, new connections are refused from here on; while it
    /// runs, the master's own copies keep the queues for the successor.
    public func closeListeners() {
        guard !drain.hasClosedListeners else { return }
        drain.hasClosedListeners = true
        for listener in listeners { _ = close(listener.descriptor) }
    }

    func beginDrain(within deadline: Duration) {
        guard !isDraining else { return }
        drain.isDraining = true
        // The master starts the successor when it hears this; when it is gone, so are we at the end of file.
        try? channel.send(control: Packet(.draining))
        drain.deadline = loop.after(deadline) { [unowned self] in
            logger.warning("left at the deadline with work in flight", metadata: ["unfinished": "\(drain.unfinished)"])
            leave(status: 0)
        }
        // One more than there are handlers, so that none can end the process before all have been called.
        drain.unfinished = 1
        let handlers = drain.handlers
        drain.handlers = []
        for handler in handlers { startDraining(handler) }
        finishedDraining()
    }

    private func startDraining(_ handler: (_ done: @escaping () -> Void) -> Void) {
        drain.unfinished += 1
        var isDone = false
        handler { [unowned self] in
            guard !isDone else { return }
            isDone = true
            finishedDraining()
        }
    }

    private func finishedDraining() {
        drain.unfinished -= 1
        if drain.unfinished == 0 { leave(status: 0) }
    }

    /// Reports for the last time, sends what waits, and ends the process.
    func leave(status: Int32, flushWithin limit: Duration = .seconds(1)) -> Never {
        report()
        // An exit that nobody announced is a death: somebody called exit(3).
        if status == 0 { try? channel.send(control: Packet(.leaving)) }
        channel.flush(until: EventLoop.monotonicNanoseconds() &+ limit.wholeNanoseconds)
        _ = fflush(nil)
        _exit(status)
    }
}
