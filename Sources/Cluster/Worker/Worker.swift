// A worker as the code in it sees it: who it is, its loop, its listeners, its line to the master.
// Lives in the worker process, one for the process; made by Worker+Process.swift right after the fork.

public import EverycoreLoop
package import EverycoreStatistics
internal import Glibc
public import Logging

/// The worker process that the code runs in.
///
/// Everything here is for the loop's thread, on which the body, all handlers, the main actor and every `Task` run.
/// From a thread of your own, hand over with `worker.loop.execute { … }`.
public final class Worker: @unchecked Sendable {
    /// A number of its own, from 1: no other process of the cluster has had it or will. ``WorkerHandle/id`` in the master.
    public let id: Int
    /// `worker`, or the name of the auxiliary.
    public let name: String
    /// From 0; -1 in an auxiliary.
    public let slot: Int
    /// From 1; one more for each process that the slot has had.
    public let generation: Int
    public let pid: Int32
    /// The loop that this process runs on.
    public let loop: EventLoop
    /// The slot's own listening sockets, one for each address in the order of ``Cluster/listen(on:)``; those that a service manager
    /// handed over, where it did. The cluster may put another socket in the place of one that no longer listens.
    public internal(set) var listeners: [Listener]
    /// Logs with this worker's number, generation and process id.
    public let logger: Logger
    /// Where this worker's figures are kept; the master reads them even when the process is gone.
    package let figures: WorkerFigures
    package let blackBox: BlackBox
    /// Where this worker counts what its endpoints do.
    package let endpoints: EndpointTable
    /// Where this worker leaves lines for the log's writer; nil where there is none.
    package let lines: LineProducer?

    /// What the cluster did lately; nil in a worker.
    package let history: HistoryMemory?

    let channel: Channel
    var openFiles: OpenFileLimit
    var stopOrders = StopOrders()
    var lostLines = LostLines()
    var housekeeping: LoopTimer?
    let options: ClusterOptions
    let startedAt: UInt64
    let siblings: Int
    let messenger: Messenger<MessageSender>
    var drain = DrainState()
    /// Nil in an auxiliary, whose connections are its own.
    var balancing: Balancing?
    /// Nil in an auxiliary.
    var quarantine: QuarantineSeat?
    var connectionService: (any ConnectionService)?
    /// The control socket that this process serves, which is among the listeners; nil where it serves none.
    package let controlAddress: ListenAddress?
    /// What the service listens on, with the real ports.
    package let serviceAddresses: [ListenAddress]
    var controlService: (any ConnectionService)?
    var isHeld: Bool
    var lameDuck = LameDuckState()
    /// End those that others have taken the place of.
    var listenerTimers: [LoopTimer] = []
    var watches: [SignalWatch] = []
    var reportTimer: LoopTimer?
    var beatTimer: LoopTimer?
    private let processPage: ProcessPage
    private var meter: ProcessMeter?
    var reportSequence: UInt64 = 0
    var figuresRequests = FiguresRequests()
    var orders = PendingOrders()
    var metricsRequests = MetricsRequests()
    var stackQuestions = StackQuestions()
    private let master: AnyObject

    init(birth: WorkerBirth, loop: EventLoop, channel: Channel) {
        id = birth.id
        name = birth.name
        slot = birth.slot
        generation = birth.generation
        pid = getpid()
        self.loop = loop
        self.channel = channel
        listeners = birth.inheritance.listeners
        balancing = birth.inheritance.balancing
        quarantine = birth.inheritance.quarantine
        isHeld = birth.inheritance.isHeld
        controlAddress = birth.inheritance.control
        serviceAddresses = birth.inheritance.serviceAddresses
        siblings = birth.inheritance.siblings
        figures = birth.page.figures
        blackBox = birth.page.blackBox
        processPage = birth.page.process
        endpoints = birth.page.endpoints
        lines = birth.inheritance.lines.producer()
        messenger = Messenger(channel: channel, handlers: MessageHandlers(), tally: .worker(birth.page.figures))
        openFiles = birth.inheritance.openFiles
        history = birth.inheritance.history
        options = birth.options
        startedAt = birth.forkedAt
        master = birth.inheritance.master
        var logger = birth.options.logger
        logger.addIdentity(name: name, slot: slot, generation: generation, pid: pid)
        self.logger = logger
    }

    /// The master shows it by slot, which others don't have.
    func startMeasuring() {
        guard !isAuxiliary, !isQuarantine else { return }
        meter = ProcessMeter(loop: loop, page: processPage, figures: figures)
    }

    /// Whether this is a side process rather than one of the cluster's workers.
    public var isAuxiliary: Bool { slot < 0 }

    /// Whether the cluster has been told to go and serves on for ``ClusterOptions/lameDuck``.
    public var isLameDuck: Bool { lameDuck.isOn }

    /// Whether the worker drains: it should take nothing new.
    public var isDraining: Bool { drain.isDraining }

    /// Whether it goes while the others stay: then no connection need be closed, see ``passOn(_:)``.
    public var isHandingOver: Bool { drain.isHandingOver }
}

extension Logger {
    /// Every line about a worker says which.
    mutating func addIdentity(name: String, slot: Int, generation: Int, pid: Int32) {
        self[metadataKey: "worker"] = slot >= 0 && name == Role.workerName ? "\(slot)" : "\(name)"
        self[metadataKey: "gen"] = "\(generation)"
        if pid > 0 { self[metadataKey: "pid"] = "\(pid)" }
    }
}
