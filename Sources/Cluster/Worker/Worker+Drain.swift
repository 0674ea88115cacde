// How a worker leaves: it takes nothing new, finishes what it has, reports for the last time, and exits.
// Runs in the worker process, on its loop.

internal import EverycoreLoop
internal import Glibc
internal import Logging

struct DrainState {
    var isDraining = false
    var isHandingOver = false
    /// How many workers another master has to take the connections; 0 where siblings do.
    var successorCount = 0
    var lastSuccessor = 0
    var handlers: [(_ done: @escaping () -> Void) -> Void] = []
    var unfinished = 0
    var deadline: LoopTimer?
    /// Runs while connections that no other worker would have served are in flight.
    var lastLook: LoopTimer?
    var hasClosedListeners = false
}

extension Worker {
    /// Calls `body` when the worker should go: because the cluster stops, or because another takes its place (then
    /// ``isHandingOver``). It stops taking new work and calls `done` when what was in flight is finished. The process ends when all have, or at
    /// ``ClusterOptions/drainDeadline``. Registered while the worker drains already, it is called at once.
    public func onDrain(_ body: @escaping (_ done: @escaping () -> Void) -> Void) {
        if isDraining {
            startDraining(body)
        } else {
            drain.handlers.append(body)
        }
    }

    /// Lets this worker go in order, as TERM does: its successor starts, and it hands over and exits. From another thread
    /// than the loop's: `worker.loop.execute { … }`.
    public func disconnect() { requestDrain() }

    /// Ends this slot's ``listeners``, and those of siblings that it accepts for, once it has accepted what waited in them: for a worker of
    /// a cluster that stops. New connections are refused then, rather than left in a queue that is emptied no more. While the cluster runs
    /// on, the queues have other owners, and nothing is closed; nor is anything before ``onDrain(_:)``'s handlers are called.
    public func closeListeners() {
        guard isDraining else {
            return logger.log(.warning, .closeListenersIgnored, "closeListeners() has no effect: this worker is not draining")
        }
        guard !drain.hasClosedListeners, !isHandingOver, !isHeld else { return }
        drain.hasClosedListeners = true
        for listener in acceptedListeners where listener.address != controlAddress {
            // The siblings have copies, so closing this one would leave the queue without an owner.
            if isOfOneSlotAlone(listener) { shutdown(listener.descriptor, Int32(SHUT_RD)) }
            _ = close(listener.descriptor)
        }
    }

    /// This process got TERM. The master decides: another worker empties its queues from then on, a successor starts, and the master
    /// orders the hand-over; or the whole cluster stops.
    func requestDrain() {
        try? channel.send(control: Packet(.draining))
    }

    /// - Parameter isHandingOver: others stay and take the connections.
    func beginDrain(within deadline: Duration, handingOver isHandingOver: Bool) {
        guard !isDraining else {
            // The others go now as well: no worker stays that could take connections.
            if !isHandingOver, drain.isHandingOver {
                drain.isHandingOver = false
                takeWhatWaits()
            }
            return
        }
        drain.isDraining = true
        drain.isHandingOver = isHandingOver
        stopBalancing()
        drain.deadline = loop.after(deadline) { [unowned self] in
            logger.log(.warning, .drainTimedOut, "exited at the drain deadline with work in flight", metadata: ["unfinished": "\(drain.unfinished)"])
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
        if drain.unfinished == 0, drain.lastLook == nil { leaveUnlessConnectionsWait() }
    }

    /// Reports for the last time, sends what waits, and ends the process.
    func leave(status: Int32, flushWithin limit: Duration = .seconds(1)) -> Never {
        report()
        // An exit that was not announced is a death: the program called exit(3).
        if status == 0 { try? channel.send(control: Packet(.leaving)) }
        channel.flush(until: EventLoop.monotonicNanoseconds() &+ limit.wholeNanoseconds)
        _ = fflush(nil)
        _exit(status)
    }
}
