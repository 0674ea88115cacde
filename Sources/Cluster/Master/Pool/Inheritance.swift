// What of the master's a child goes on with, and what it closes. Runs in the child, right after the fork.
// Process: worker · Thread: before the loop

internal import EverycoreStatistics
internal import Glibc

struct Inheritance {
    let listeners: [Listener]
    let balancing: Balancing?
    let quarantine: QuarantineSeat?
    /// The control socket among the listeners; nil where this child doesn't serve it.
    let control: ListenAddress?
    /// What the service listens on.
    let serviceAddresses: [ListenAddress]
    /// Connections are to be accepted when the master says so.
    let isHeld: Bool
    /// How many workers there are to be, itself among them.
    let siblings: Int
    let openFiles: OpenFileLimit
    /// Nil in a worker.
    let history: HistoryMemory?
    let options: ClusterOptions
    let body: (Worker) throws -> Void
    let lines: LineInheritance
    /// Kept alive: dropping the master would take apart what its loop left behind.
    let master: AnyObject

    init(
        of role: Role, on page: SharedPage, _ context: MasterContext, table: LoadTable, keeper: ListenerKeeper, quarantine memory: QuarantineMemory,
        lines: LineInheritance, openFiles: OpenFileLimit, history: HistoryMemory?, siblings: Int, master: AnyObject
    ) {
        let listeners = keeper.listeners
        var options = context.options
        switch role {
        case .worker(let slot):
            self.listeners = listeners.ofSlots[slot]
            balancing = Balancing(
                table: table, entry: page.index, listeners: listeners.ofSlots, handOver: keeper.handOver, masterPID: context.pid, slot: slot,
                balances: options.balancesConnections)
            quarantine = QuarantineSeat(memory: memory, policy: options.quarantine, isInside: false)
            body = context.plan.body
        case .quarantine:
            self.listeners = []
            balancing = Balancing(
                table: table, entry: page.index, listeners: [], handOver: keeper.handOver, masterPID: context.pid, slot: 0, balances: true)
            quarantine = QuarantineSeat(memory: memory, policy: options.quarantine, isInside: true)
            options.stuckLimit = options.quarantine.stuckLimit
            body = context.plan.body
        case .auxiliary(let index):
            self.listeners = listeners.ofAuxiliaries[index]
            balancing = nil
            quarantine = nil
            body = context.plan.auxiliaries[index].body
        case .lineWriter:
            self.listeners = []
            balancing = nil
            quarantine = nil
            body = { worker in if let birth = lines.writer { try LineWriter.start(birth, in: worker) } }
        }
        serviceAddresses = listeners.addresses
        control = listeners.control.flatMap { role == .auxiliary(index: $0.auxiliary) ? $0.address : nil }
        self.lines = lines
        isHeld = role != .quarantine && context.holdsConnections
        self.openFiles = openFiles
        self.history = history
        self.siblings = siblings
        self.options = options
        self.master = master
        // A worker may have to empty any slot's queues; an auxiliary has its own only.
        let kept = role.isWorker ? listeners.ofSlots.flatMap { $0 } : self.listeners
        var foreign = Set(listeners.all.map(\.descriptor)).subtracting(kept.map(\.descriptor))
        if balancing == nil { foreign.formUnion(keeper.handOver.flatMap(\.pair.descriptors) + memory.descriptors) }
        for descriptor in foreign { _ = close(descriptor) }
    }
}
