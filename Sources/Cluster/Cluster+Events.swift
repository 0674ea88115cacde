// The lifecycle of workers, for code in the master: its events and its queries.
// Handlers are registered before the run and called on the master's one thread. LifecycleEvents calls them.

/// Handlers by event, in the order of their registration.
struct LifecycleHandlers {
    var fork: [(WorkerHandle) -> Void] = []
    var online: [(WorkerHandle) -> Void] = []
    var listening: [(WorkerHandle, [ListenAddress]) -> Void] = []
    var disconnect: [(WorkerHandle) -> Void] = []
    var exit: [(WorkerHandle, WorkerExit) -> Void] = []
}

/// Events of workers. Of each worker come, in this order and each at most once: fork, online, listening, its messages,
/// disconnect, exit. Several handlers of an event are called in the order of their registration. Auxiliaries have no events.
///
/// Handlers run in the master, on its one thread: what they do, it does instead of looking after its workers. See <doc:Lifecycle>.
extension Cluster {
    /// Calls `body` when a worker's process has been made, before anything that it says arrives.
    @discardableResult
    public func onFork(_ body: @escaping (WorkerHandle) -> Void) -> Cluster {
        plan.lifecycle.fork.append(body)
        return self
    }

    /// Calls `body` when a worker runs, before its body does.
    @discardableResult
    public func onOnline(_ body: @escaping (WorkerHandle) -> Void) -> Cluster {
        plan.lifecycle.online.append(body)
        return self
    }

    /// Calls `body` when a worker's body has returned and its loop serves: on these addresses, none in a cluster that
    /// listens nowhere.
    @discardableResult
    public func onListening(_ body: @escaping (WorkerHandle, [ListenAddress]) -> Void) -> Cluster {
        plan.lifecycle.listening.append(body)
        return self
    }

    /// Calls `body` when a worker can be reached no more: it is gone, or about to be. Comes for every worker that was forked.
    @discardableResult
    public func onDisconnect(_ body: @escaping (WorkerHandle) -> Void) -> Cluster {
        plan.lifecycle.disconnect.append(body)
        return self
    }

    /// Calls `body` when a worker has ended and how is known: the last event of every worker. For one that could not be
    /// made it is the only one, with ``WorkerExit/Reason/notStarted(_:)`` and a handle whose process id is 0.
    @discardableResult
    public func onExit(_ body: @escaping (WorkerHandle, WorkerExit) -> Void) -> Cluster {
        plan.lifecycle.exit.append(body)
        return self
    }

    /// The workers whose `exit` has not come yet, in the order of their ids. For handlers in the master; empty before and
    /// after the run, and in workers.
    public var workers: [WorkerHandle] { runningMaster?.workerHandles ?? [] }

    /// Stops the cluster as TERM does: workers drain, then ``run()`` returns. For handlers in the master.
    public func stop() { runningMaster?.stopSoon() }

    /// Sets the number of workers, from 1 to four times the cores, or to what the cluster began with if that is more. Those who go
    /// hand their connections over. For handlers in the master.
    public func scale(to workers: Int) { runningMaster?.scaleSoon(to: workers) }

    /// Reads the description anew and replaces the workers one by one, as HUP does; see ``onReload(_:)``. For handlers in the master.
    public func reload() { runningMaster?.reloadSoon() }

    /// A worker inherits a copy of the master that is none.
    private var runningMaster: Master? {
        guard let master, master.runsHere else { return nil }
        return master
    }
}
