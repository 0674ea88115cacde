// The master: owns the listeners, the shared memory and every child; starts, watches and replaces workers; counts and
// prints. One thread for life. The decisions are the Supervisor's (a pure value); this class carries them out.
//
//   Master+Supervision.swift  carrying out what the supervisors decide
//   Master+Fork.swift      making children
//   Master+Channel.swift   what children say
//   Master+Figures.swift   reports taken in, and figures for those who ask
//   Master+Ends.swift      children that end, and their successors
//   Master+Deaths.swift    what an end proves
//   Master+Orders.swift    reloads and upgrades that have to wait
//   Master+Queues.swift    who empties which queue of connections
//   Master+Listeners.swift listeners that no longer listen
//   Master+Pairs.swift     sockets between workers that were shut down
//   Master+StandIns.swift  workers in the place of stuck ones
//   Master+Replace.swift   planned successors
//   Master+Reload.swift    all workers by a new description, one by one
//   Master+Scale.swift     more workers or fewer
//   Master+Exits.swift     what is said and kept of an end
//   Master+Events.swift    what the program hears of its workers, and asks of them
//   Master+Watchdog.swift  workers whose loop does not turn
//   Master+Recycling.swift workers that have served long enough
//   Master+Stop.swift      signals and leaving
//   World/Master+…         the lame duck before it, the service manager

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

final class Master {
    var plan: ClusterPlan
    /// Counts the plans that there have been.
    var edition = 0
    var options: ClusterOptions
    /// How many slots are in use.
    var workerCount: Int { workerSupervisor.usedCount }
    /// How many there can be.
    let capacity: Int
    let loop: EventLoop
    let program: ProgramImage
    let signals: SignalInbox
    var hangup = Hangup(hasTerminal: cposix_has_terminal() != 0, isIgnored: cposix_hangup_was_ignored() != 0)
    var stopOrders = StopOrders()
    /// Its own now; what workers begin with is `openFiles.given`.
    var openFiles: OpenFileLimit
    var threads: ThreadWatch
    var lostLines = LostLines()
    /// Bounds what others can have written to the log.
    var lines = LineBudget<PeerLine>()
    var housekeeping: LoopTimer?
    /// Another program takes this one's place.
    var upgrade: Upgrade?
    /// This program takes another one's place.
    var succession: Succession?
    /// The first process of a container, which was a master once and ends as its successors do; else 0.
    var guardian: Int32 = 0
    let pid = getpid()
    let pages: SharedPages
    let buffer = ReceiveBuffer()
    /// The cluster as the user's code in this process sees it.
    let cluster = RunningCluster()
    let reporter: Reporter
    var listeners: Listeners
    let handOver: [HandOverSocket]
    let quarantine: Quarantine
    var queueOwners = QueueOwners()
    lazy var queueWatch = QueueWatch(master: self)
    var listenerHealth = ListenerHealth()
    /// Times that a worker accepted nothing although its loop turned.
    var deafWorkers = 0
    var standIns: StandIns
    var roll: Roll?
    var isRollingBack = false
    /// Ends the watch over the last of the new workers.
    var rollTimer: LoopTimer?
    /// Whether the workers of the present plan can do what those of the one before did.
    var probation = Probation(hasAnswered: false, deadly: [])
    var deadlyEndpoints = DeadlyEndpoints()
    /// Set while this master, which is new, may have to give its place back.
    var wayBack: WayBack?
    /// Reloads and upgrades that wait.
    var orders = Orders()
    /// Carries out an order that has waited for long enough, or tries again.
    var orderTimer: LoopTimer?
    /// What a reload that fails goes back to, and whether its workers did.
    var fallback: (plan: ClusterPlan, isProven: Bool)?
    /// The longest that a worker has taken to get ready.
    var longestStart = Duration.zero
    var scaling: Scaling
    var ledger: ClusterLedger
    var workerSupervisor: Supervisor
    var auxiliarySupervisor: Supervisor
    var children: [Int32: Child] = [:]
    /// On the way through those that have ended.
    var isReaping = false
    /// The last ends, newest last.
    var exits: [WorkerExit] = []
    var stopping = StopPhase.running
    var gaveUp = false
    var wakeTimer: LoopTimer?
    var wakeAt: UInt64 = 0
    /// Set while the owners of the queues have to be looked at.
    var queuesTimer: LoopTimer?
    var reapTimer: LoopTimer?
    var stopTimer: LoopTimer?
    /// Until then workers may finish what is in flight.
    var stopDeadline: UInt64 = 0
    var reportTimer: LoopTimer?
    var collections = FiguresCollections()
    var recycling: Recycling
    var lastRecycling: UInt64 = 0
    var lastMemoryLook: UInt64 = 0
    var lookTimer: LoopTimer?
    /// Where the workers listen, also when the listeners are closed.
    let addresses: [ListenAddress]
    /// Nil where none asked for news.
    let serviceManager: ServiceManager?
    /// Runs from TERM to the begin of the drain.
    var lameDuckTimer: LoopTimer?
    var lastWorkerID = 0
    var memoryKills = OutOfMemoryKills(readingWith: readSmallFile)
    /// What handlers want the cluster to do.
    var requests: [(Master) -> Void] = []
    var requestTimer: LoopTimer?
    var messageFailures = 0

    /// Opens everything that has to exist before the first fork.
    init(_ plan: ClusterPlan) throws(ClusterError) {
        self.plan = plan
        options = plan.options
        let cores = UsableCores.current()
        let workerCount: Int
        switch plan.workers {
        case .perCore: workerCount = min(cores.count, Report.slotLimit)
        case .count(let count): workerCount = count
        }
        scaling = Scaling(isAutomatic: plan.workers == .perCore, cores: cores.count)
        guard (1...Report.slotLimit).contains(workerCount) else { throw .badWorkerCount(workerCount) }
        try Self.checkThreads()
        cposix_fill_standard_descriptors()
        // From here on an order to stop has things to take away: it waits for the loop.
        cposix_hold_signals()
        cposix_ignore_signal(SIGPIPE)
        // A log at its process' limit (RLIMIT_FSIZE) must cost lines, not the service.
        cposix_ignore_signal(SIGXFSZ)
        cposix_line_buffer_stdout()
        cposix_guard_output()
        openFiles = .ofThisProcess()
        let now = EventLoop.monotonicNanoseconds()
        let state = try UpgradeState.take()
        try state?.check(against: plan)
        capacity = min(max(workerCount, cores.count * 4, state?.slots.count ?? 0), Report.slotLimit)
        program = ProgramImage(startedAs: state?.programPath)
        threads = ThreadWatch(state?.healing)
        // For each slot its listeners, two sockets for connections, and a channel to each of the two workers that it may have at a time.
        openFiles.follow(more: capacity * (plan.addresses.count + 4))
        var inherited: InheritedListeners?
        if let state {
            listeners = try Listeners(taking: state, for: plan, capacity: capacity)
        } else {
            (listeners, inherited) = try Listeners.open(for: plan, slots: workerCount, capacity: capacity)
        }
        addresses = listeners.addresses
        do throws(SystemError) {
            loop = try EventLoop()
            pages = try SharedPages(count: Self.pageCount(workers: capacity, auxiliaries: plan.auxiliaries.count))
            var handOver = (state?.handOver ?? []).compactMap(PacketPair.init).map { HandOverSocket($0) }
            while handOver.count < capacity { handOver.append(try HandOverSocket()) }
            self.handOver = handOver
            quarantine = Quarantine(try QuarantineMemory(), options: options)
            signals = try SignalInbox()
        } catch {
            listeners.close()
            throw .system(error)
        }
        serviceManager = ServiceManager(loop: loop)
        ledger = ClusterLedger(startedAt: now, wantedWorkers: workerCount)
        reporter = Reporter(output: options.output)
        let random = Self.random
        workerSupervisor = Supervisor(
            slots: workerCount, capacity: capacity, policy: options.respawn, givesUp: true, now: now, random: random)
        auxiliarySupervisor = Supervisor(
            slots: plan.auxiliaries.count, policy: options.respawn, givesUp: false, now: now, random: random)
        recycling = Recycling(policy: options.recycle, random: random)
        standIns = StandIns(patience: options.standInAfter, workers: workerCount)
        let start = ClusterStart(
            workers: workerCount, reason: plan.workers == .perCore ? cores.reason : "\(workerCount) as configured",
            addresses: addresses,
            auxiliaries: zip(plan.auxiliaries, listeners.ofAuxiliaries).map { ($0.name, $1.map(\.address)) })
        if let inherited { noteInherited(inherited) }
        if let state {
            do throws(SystemError) { try succeed(state) } catch { throw .system(error) }
        }
        plan.onStart(start)
    }

    /// Until the cluster is stopped. Returns in the master only.
    func run() throws(ClusterError) {
        loop.adoptConcurrency()
        cluster.begin(self)
        do throws(SystemError) {
            try watchSignals()
        } catch {
            cleanUp()
            throw .system(error)
        }
        startReporting()
        startLooking()
        watchCores()
        keepTellingStatus()
        keepHouse()
        wake()
        loop.run()
        let successor = upgrade?.isCommitted == true ? upgrade?.pid : nil
        // One that has ended can't be told anything.
        if let upgrade, upgrade.isCommitted, upgrade.status == nil { cposix_pass_on_orders(upgrade.pid) }
        if successor == nil { reporter.end(currentFigures()) } else { reporter.leave() }
        finishUpgrade()
        cleanUp()
        if let successor { leave(to: successor) }
        if gaveUp { throw .workersKeepDying(exits) }
    }

    private func cleanUp() {
        cluster.leaveToMaster()
        loop.releaseConcurrency()
        listeners.close()
        for socket in handOver { for descriptor in socket.pair.descriptors { close(descriptor) } }
        signals.stop(passesOn: upgrade?.isCommitted == true && upgrade?.status == nil)
        housekeeping = nil
        wakeTimer = nil
        queuesTimer = nil
        reapTimer = nil
        orderTimer = nil
        endProbation()
        rollTimer = nil
        stopTimer = nil
        reportTimer = nil
        lookTimer = nil
        scaling.timer = nil
        queueWatch.stop()
        quarantine.stop()
        lameDuckTimer = nil
        requestTimer = nil
    }

    // MARK: Logging

    /// A line about a worker says which: number, generation, process id.
    func log(
        _ level: Logger.Level, _ event: ClusterLogEvent, _ message: Logger.Message, about child: Child? = nil, _ more: Logger.Metadata = [:]
    ) {
        var logger = options.logger
        if let child {
            logger.addIdentity(
                name: child.handle.name, slot: child.handle.slot, generation: child.generation, pid: child.pid)
        }
        logger.log(level, event, message, metadata: more)
    }

    /// A line that another process can bring about as often as it likes.
    func sayOfPeer(
        _ kind: PeerLine, _ event: ClusterLogEvent, _ message: Logger.Message, about child: Child, _ more: Logger.Metadata = [:]
    ) {
        say(kind, .warning, event, message, about: child, more)
    }

    func say(
        _ kind: PeerLine, _ level: Logger.Level, _ event: ClusterLogEvent, _ message: Logger.Message, about child: Child? = nil,
        _ more: Logger.Metadata = [:]
    ) {
        guard let omitted = lines.allows(kind, now: EventLoop.monotonicNanoseconds()) else { return }
        log(level, event, message, about: child, omitted > 0 ? more.merging(["omitted": "\(omitted)"]) { $1 } : more)
    }

    // MARK: Resources

    static func random() -> Double { .random(in: 0..<1) }

    /// Workers that die slowly keep their page while their slot has had several successors: a backtrace takes a second, in which the cluster
    /// may start twenty workers.
    private static func pageCount(workers: Int, auxiliaries: Int) -> Int { (workers + auxiliaries) * 4 + 96 }

    static func socketPair(
        _ type: __socket_type, bufferByteCount: Int32
    ) throws(SystemError) -> (Int32, Int32) {
        var pair: (Int32, Int32) = (-1, -1)
        try systemCall("make a socket pair") {
            unsafe withUnsafeMutableBytes(of: &pair) { bytes in
                unsafe cposix_socketpair(
                    Int32(type.rawValue), bufferByteCount, bytes.assumingMemoryBound(to: Int32.self).baseAddress)
            }
        }
        return pair
    }
}
