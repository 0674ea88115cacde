// What the whole cluster has done, as one value: the ledger makes it, renderers turn it into text, and the master sends it to the
// admin worker in parts (ClusterFigures+Parts.swift).
// The total is the sum of the slots and of what slots did that exist no more.
// Process: master, admin · Thread: loop

package struct SlotFigures: Equatable, Sendable {
    package var slot: Int
    /// The newest generation, also when it is over.
    package var generation: Int
    package var pid: Int32
    package var state: WorkerState
    /// How long the newest generation has lived; zero when it is over.
    package var uptimeNanoseconds: UInt64
    /// How long ago the figures were last brought up to date.
    package var staleNanoseconds: UInt64
    package var restarts: UInt64
    package var reports: ReportTally
    /// All generations' figures together; the gauges are of those that live.
    package var figures: FigureSnapshot
    /// The newest generation's process. What it has used is that of all generations together.
    package var process: ProcessFigures

    package init(
        slot: Int, generation: Int, pid: Int32, state: WorkerState, uptimeNanoseconds: UInt64,
        staleNanoseconds: UInt64, restarts: UInt64, reports: ReportTally, figures: FigureSnapshot,
        process: ProcessFigures = ProcessFigures()
    ) {
        self.slot = slot
        self.generation = generation
        self.pid = pid
        self.state = state
        self.uptimeNanoseconds = uptimeNanoseconds
        self.staleNanoseconds = staleNanoseconds
        self.restarts = restarts
        self.reports = reports
        self.figures = figures
        self.process = process
    }
}

package struct ClusterFigures: Equatable, Sendable {
    /// The monotonic clock when these were taken, and when the cluster began.
    package let takenAtNanoseconds: UInt64
    package let startedAtNanoseconds: UInt64
    package let wantedWorkers: Int
    package let departed: FigureSnapshot
    package let departedRestarts: UInt64
    package let departedUsage: ProcessUsage?
    /// Of listeners that all slots share; nil where there is none, or where it isn't known.
    package let sharedAcceptQueue: ProcessFigures.AcceptQueue?
    package let unassignedReports: ReportTally
    /// In ascending order of the slot.
    package let slots: [SlotFigures]
    /// The last ends of workers, newest last.
    package let exits: [ExitRecord]
    package let exitCounts: ExitCounts
    /// What is quarantined now.
    package let quarantine: [QuarantineRecord]
    /// Requests that were refused because they could not be moved to the quarantine worker.
    package let quarantineRefused: UInt64
    /// What runs now, and what waits in handlers: the oldest first, at most ``RunningRequest/limit`` of them.
    package let requests: [RunningRequest]
    /// How many requests wait in handlers, listed or not.
    package let waitingRequests: UInt64

    package let total: FigureSnapshot
    package let restarts: UInt64
    package let reports: ReportTally
    /// All workers together: sums, the longest lag, the mean busy share, the oldest reading of memory.
    package let process: ProcessFigures

    package init(
        takenAtNanoseconds: UInt64, startedAtNanoseconds: UInt64, wantedWorkers: Int, departed: FigureSnapshot,
        departedRestarts: UInt64, unassignedReports: ReportTally, slots: [SlotFigures], exits: [ExitRecord] = [],
        exitCounts: ExitCounts = ExitCounts(), quarantine: [QuarantineRecord] = [], quarantineRefused: UInt64 = 0,
        departedUsage: ProcessUsage? = nil, sharedAcceptQueue: ProcessFigures.AcceptQueue? = nil, requests: [RunningRequest] = [],
        waitingRequests: UInt64 = 0
    ) {
        self.takenAtNanoseconds = takenAtNanoseconds
        self.startedAtNanoseconds = startedAtNanoseconds
        self.wantedWorkers = wantedWorkers
        self.departed = departed
        self.departedRestarts = departedRestarts
        self.unassignedReports = unassignedReports
        self.slots = slots.sorted { $0.slot < $1.slot }
        self.exits = exits
        self.exitCounts = exitCounts
        self.quarantineRefused = quarantineRefused
        self.requests = Array(requests.prefix(RunningRequest.limit))
        self.waitingRequests = waitingRequests
        self.quarantine = Array(quarantine.prefix(QuarantineRecord.limit))
        total = slots.reduce(into: departed) { $0.merge($1.figures) }
        restarts = slots.reduce(departedRestarts) { $0.addingUpToLimit($1.restarts) }
        reports = slots.reduce(into: unassignedReports) { $0.merge($1.reports) }
        self.departedUsage = departedUsage
        self.sharedAcceptQueue = sharedAcceptQueue
        process = ProcessFigures(of: slots.map(\.process), departed: departedUsage, sharedAcceptQueue)
    }

    package var uptimeNanoseconds: UInt64 {
        takenAtNanoseconds.subtractingDownToZero(startedAtNanoseconds)
    }

    /// What all workers' processes have used, as far as it is known.
    package var usage: ProcessUsage? { process.usage }

    package func workers(in state: WorkerState) -> Int {
        slots.count { $0.state == state }
    }

    /// Whether anything has happened since: traffic, or a change of workers. Before all is a cluster in which nothing has.
    package func differs(from earlier: ClusterFigures?) -> Bool {
        guard let earlier else {
            return !slots.isEmpty || restarts > 0 || total[.requests] > 0 || total[.connectionsAccepted] > 0
        }
        let counters = Counter.statusClasses + [.requests, .bytesIn, .bytesOut, .connectionsAccepted, .connectionsOpen]
        return counters.contains { total[$0] != earlier.total[$0] } || restarts != earlier.restarts || wantedWorkers != earlier.wantedWorkers
            || exitCounts != earlier.exitCounts || quarantine.count != earlier.quarantine.count
            || slots.count != earlier.slots.count
            || zip(slots, earlier.slots).contains { ($0.slot, $0.generation, $0.state) != ($1.slot, $1.generation, $1.state) }
    }

    package subscript(slot slot: Int) -> SlotFigures? {
        slots.first { $0.slot == slot }
    }
}
