// How a service's connections leave it: to workers that have fewer, to those that stay when it drains, or by their end.
// Process: worker · Thread: loop

import EverycoreLoop

extension HTTPService {
    /// Stops accepting, and gives every connection that is between two requests to `passOn`, now or after the answer that is in
    /// flight. What no worker takes is served on.
    /// - Parameters:
    ///   - passOn: says false when no worker takes the connection now, and nil when none will: then they are closed as in `drain`.
    ///   - done: called when none is left.
    package func drain(to passOn: @escaping (_ connection: Int32) -> Bool?, _ done: @escaping () -> Void) {
        guard !isDraining, drained == nil else { return }
        giveAway(to: passOn)
        acceptors.removeAll()
        sweep = nil
        startSweep(every: .milliseconds(50))
        drained = done
        passOnIdle()
        finishDrainIfEmpty()
    }

    /// Gives every connection that is between two requests to `passOn` from now on, and goes on to serve.
    /// - Parameter passOn: as in `drain(to:_:)`.
    package func giveAway(to passOn: @escaping (_ connection: Int32) -> Bool?) {
        self.passOn = passOn
        isPassingOn = true
    }

    func passOnIdle() {
        // By their slots, not by how long they have been idle: the busy ones shall be among those that go.
        for slot in (idle.slots + awaiting.slots).sorted() {
            guard isPassingOn else { return }
            if let connection = connections[slot], connection.canBePassedOn { _ = pass(connection) }
        }
    }

    /// False when it stays.
    func pass(_ connection: any ServedConnection) -> Bool {
        guard let passOn else { return passExcess(connection) }
        switch passOn(connection.descriptor) {
        case true:
            connection.wasPassedOn()
            return true
        case false:
            return false
        case nil:
            isPassingOn = false
            self.passOn = nil
            isDraining = true
            // Soon, not now: this may be in the middle of a connection's work.
            closing = loop.after(.zero) { [unowned self] in closeIdle() }
            return false
        }
    }

    /// Looks whether others have become free, or are new. Connections that are busy go after their next answer.
    func findExcess() {
        guard passOn == nil, !isDraining, let excess else { return }
        remainingExcess = excess.count()
        isPassingOn = remainingExcess > 0
        if isPassingOn { passOnIdle() }
    }

    private func passExcess(_ connection: any ServedConnection) -> Bool {
        guard remainingExcess > 0, let excess, excess.passOn(connection.descriptor) else {
            isPassingOn = false
            return false
        }
        remainingExcess &-= 1
        connection.wasPassedOn()
        return true
    }

    private func closeIdle(then done: (() -> Void)? = nil) {
        // Only these can be between two requests. A slot's connection may have ended by then, and another one never begins here.
        for slot in idle.slots + awaiting.slots { connections[slot]?.serviceDrains() }
        // Not before: a connection that was answered and closed above doesn't end the drain while others wait to be accepted.
        if let done { drained = done }
        finishDrainIfEmpty()
    }

    /// Stops accepting, answers what is in flight, closes idle connections, and calls `done` when none is left.
    /// - Parameter acceptedAll: called when the queues of connections that wait to be accepted are empty.
    package func drain(acceptedAll: @escaping () -> Void = {}, _ done: @escaping () -> Void) {
        guard !isDraining else { return }
        isDraining = true
        // Not now: a handler may have ordered it, while its connection is at work.
        later { [self] in
            // The end of the last connection ends the process: it isn't found a second late.
            sweep = nil
            startSweep(every: .milliseconds(50))
            // What waits in the accept queues was promised an answer by the kernel's handshake.
            for acceptor in acceptors { acceptor.acceptRemaining() }
            acceptors.removeAll()
            acceptedAll()
            closeIdle(then: done)
        }
    }
}
