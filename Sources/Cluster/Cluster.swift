// What users of the module begin with: a description of the cluster, and `run`, which makes the process its master.
// The closures given here live in different processes: the body in each worker, the handlers of messages in the master.

internal import CEverycorePosix

/// One worker process per core, kept alive by this process.
///
/// ```swift
/// struct Greeting: Codable { let data: String }
///
/// try Cluster(workers: .perCore) { worker in            // in each worker process
///     try worker.send(Greeting(data: "Hi Master!"))
/// }
/// .onMessage(Greeting.self) { greeting, worker in       // in the master process
///     print("Message received to master from worker: \(greeting.data)")
/// }
/// .run()
/// ```
///
/// The master forks, so it must have a single thread: start no `Task` before ``run()``, and no Dispatch queue and no library
/// with threads of its own before it or in the master's handlers. While it runs, async code in the master is on its loop and
/// starts no thread: `Task`, `Task.sleep` and `@MainActor` work in handlers. Workers may do all of that. A trap in a handler of the
/// master ends the master and with it every worker. What is loaded before
/// `run` is shared with the workers, copy-on-write.
public final class Cluster {
    var plan: ClusterPlan
    weak var master: Master?
    /// While the cluster runs, in the master.
    private(set) var running: RunningCluster?

    /// - Parameters:
    ///   - workers: how many worker processes there are.
    ///   - options: the settings; the defaults when they are left out.
    ///   - body: runs in every worker process, after the fork. When it returns, the worker is ready and its loop runs until
    ///     the worker drains. When it throws, the worker ends with status 1 and is replaced.
    public init(workers: WorkerCount, options: ClusterOptions = .init(), body: @escaping (Worker) throws -> Void) {
        plan = ClusterPlan(workers: workers, options: options, body: body)
    }

    /// Opens these addresses in the master; every worker gets listeners of its own on them, ``Worker/listeners``. Where a service
    /// manager hands sockets over (`LISTEN_FDS`), these are used in their place.
    @discardableResult
    public func listen(on addresses: [ListenAddress]) -> Cluster {
        plan.addresses += addresses
        return self
    }

    /// A side process, such as one that serves an admin page: replaced when it dies, and needed by nothing. It gets
    /// listeners on its own addresses, and goes when the workers are gone.
    @discardableResult
    public func auxiliary(
        _ name: String, listen addresses: [ListenAddress] = [], body: @escaping (Worker) throws -> Void
    ) -> Cluster {
        plan.auxiliaries.append(AuxiliaryPlan(name: name, addresses: addresses, body: body))
        return self
    }

    /// An auxiliary whose addresses nobody has asked for: where they are taken, it listens on other ports of the same hosts, and a warning
    /// says so.
    @discardableResult
    package func auxiliary(_ name: String, orElsewhere addresses: [ListenAddress], body: @escaping (Worker) throws -> Void) -> Cluster {
        plan.auxiliaries.append(AuxiliaryPlan(name: name, addresses: addresses, yields: true, body: body))
        return self
    }

    /// Has an auxiliary serve a control socket, with ``Worker/serveControl(with:)``, and hand the orders that come there to the master.
    @discardableResult
    package func control(at place: ControlPlace, servedBy auxiliary: String) -> Cluster {
        plan.control = ControlPlan(place: place, auxiliary: auxiliary)
        return self
    }

    /// Tells the cluster what the numbers stand for that the service leaves in its workers' black boxes.
    @discardableResult
    package func describe(endpoints: [EndpointDescription]) -> Cluster {
        plan.endpoints = endpoints
        return self
    }

    /// Tells the cluster which modules a service consists of: their functions lie around those of the program in a stack.
    @discardableResult
    package func describe(modules: [String]) -> Cluster {
        plan.serviceModules.formUnion(modules)
        return self
    }

    /// Tells the cluster which of its workers' figures are the service's.
    @discardableResult
    package func counts(_ service: ServiceFigures) -> Cluster {
        plan.service = service
        return self
    }

    /// Calls `body` in the master when everything is open, before the first fork: connections queue up from here on.
    @discardableResult
    public func onStart(_ body: @escaping (ClusterStart) -> Void) -> Cluster {
        plan.onStart = body
        return self
    }

    /// Calls `body` in the master on HUP, for a description to go on with: its settings and its body take the place of the present
    /// ones, and one worker after the other is replaced by one that runs the new body. No connection is closed for it. When `body` throws,
    /// or when the start of a new worker fails, everything stays as it is, or becomes so again.
    ///
    /// Addresses, auxiliaries' names and the handlers of messages stay those of the first description. Without this call HUP
    /// replaces the workers with new ones that run the same body.
    @discardableResult
    public func onReload(_ body: @escaping () throws -> Cluster) -> Cluster {
        plan.onReload = { try body().plan }
        return self
    }

    /// Makes this process the master, until TERM, INT or QUIT has ended it: then all workers are gone, and it returns.
    /// In the workers it never returns.
    ///
    /// While it runs it takes the signals TERM, INT, QUIT, CHLD, HUP, TTIN, TTOU, USR1 and USR2, lets PIPE do nothing, reaps every
    /// child of the process, and makes standard output line-buffered.
    /// - Throws: ``ClusterError``, whose `exitStatus` is what the program should exit with.
    public func run() throws(ClusterError) {
        try plan.options.findCredentials()
        let master: Master
        do throws(ClusterError) { master = try Master(plan) } catch {
            cposix_unblock_signals()
            throw error
        }
        self.master = master
        running = master.cluster
        defer { running = nil }
        try master.run()
    }
}

/// What the master knows when everything is open.
public struct ClusterStart: Sendable {
    public let workers: Int
    /// Why that many.
    public let reason: String
    /// Where the workers listen, with the real ports.
    public let addresses: [ListenAddress]
    /// Where the auxiliaries listen, with the real ports.
    public let auxiliaries: [(name: String, addresses: [ListenAddress])]
    /// The control socket; nil where there is none.
    package let control: ListenAddress?
}

/// The description that `Cluster` collects and the master carries out.
struct ClusterPlan {
    let workers: WorkerCount
    var options: ClusterOptions
    let body: (Worker) throws -> Void
    var handlers = MessageHandlers<WorkerHandle>()
    var lifecycle = LifecycleHandlers()
    var handedStates: [HandedState] = []
    var addresses: [ListenAddress] = []
    var auxiliaries: [AuxiliaryPlan] = []
    var onStart: (ClusterStart) -> Void = { _ in }
    var onReload: (() throws -> ClusterPlan)?
    var endpoints: [EndpointDescription] = []
    var service: ServiceFigures?
    var serviceModules: Set<String> = ["Cluster", "EverycoreLoop"]
    var control: ControlPlan?
    var lines: LinePlan?
}

struct AuxiliaryPlan {
    let name: String
    let addresses: [ListenAddress]
    /// Where they are taken, others will do.
    var yields = false
    let body: (Worker) throws -> Void
}
