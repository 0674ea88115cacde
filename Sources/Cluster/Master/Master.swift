// The master: one process with one thread for life. This class makes its parts and ties them to each other; each part owns its state, knows the
// parts that it is made with, and tells its observer of all else.
// Process: master · Thread: loop
//
//   Pool/         child processes: fork, channels, ends, exits
//   Reconciler/   what is wanted of the workers against what they are: start, death, scale, reload, rollback, recycling
//   Queues/       listeners, and which worker empties which queue
//   Health/       stuck workers, recycling, stand-ins; the master's own threads and descriptors
//   Figures/      what is counted, printed and remembered
//   Control/      what operators order over the control socket
//   ../LineLog/   the lines of the access log, and the process that writes them

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc

final class Master {
    /// The cluster as the user's code in this process sees it.
    let cluster = RunningCluster()
    let context: MasterContext
    private let pool: WorkerPool
    let queues: ConnectionQueues
    private let quarantine: Quarantine
    private let figures: FiguresCollector
    private let reconciler: Reconciler
    private let health: HealthMonitor
    private let housekeeping: Housekeeping
    private let messages: MessageRouter
    let lines: LineLog
    private let events: LifecycleEvents
    let status: ServiceStatus
    private let succession: Succession
    let shutdown: Shutdown
    private let orders: MasterOrders
    private let control: Control
    private let signals: SignalOrders

    /// Opens everything that has to exist before the first fork.
    init(_ plan: ClusterPlan) throws(ClusterError) {
        var start = try MasterStart(plan)
        let memory: QuarantineMemory
        do throws(SystemError) {
            context = MasterContext(plan: plan, loop: try EventLoop())
            pool = try WorkerPool(context, capacity: start.capacity, cluster: cluster)
            memory = try QuarantineMemory()
            lines = try LineLog(context, pool: pool)
            queues = ConnectionQueues(
                context, pool: pool, listeners: start.listeners, handOver: try start.transferSockets(), quarantine: memory)
            signals = try SignalOrders(context, hangup: start.hangup)
        } catch {
            start.listeners.close()
            throw .system(error)
        }
        quarantine = Quarantine(context, pool: pool, keeper: queues.keeper, memory: memory)
        figures = FiguresCollector(context, pool: pool, quarantine: quarantine, keeper: queues.keeper, lines: lines, start: start)
        reconciler = Reconciler(
            context, pool: pool, figures: figures, quarantine: quarantine, assignment: queues.assignment, workers: start.workerCount)
        health = HealthMonitor(
            context, pool: pool, keeper: queues.keeper, figures: figures, quarantine: quarantine, reconciler: reconciler)
        housekeeping = Housekeeping(context, openFiles: start.openFiles, healing: start.state?.healing)
        messages = MessageRouter(context, pool: pool)
        events = LifecycleEvents(context, addresses: start.listeners.addresses)
        status = ServiceStatus(context, pool: pool, figures: figures, reconciler: reconciler, start: start)
        succession = Succession(
            context, pool: pool, keeper: queues.keeper, figures: figures, reconciler: reconciler, quarantine: quarantine,
            housekeeping: housekeeping, start: start)
        shutdown = Shutdown(context, pool: pool, queues: queues, reconciler: reconciler, status: status)
        orders = MasterOrders(pool: pool, figures: figures, lines: lines, succession: succession, shutdown: shutdown)
        control = Control(
            context, pool: pool, reconciler: reconciler, quarantine: quarantine, succession: succession, shutdown: shutdown, orders: orders,
            seat: start.listeners.control)
        pool.observer = self
        reconciler.observer = self
        succession.observer = self
        queues.tell(quarantine, health)
        start.inherited?.note(in: context)
        do throws(SystemError) { if let state = start.state { try succession.takeover.succeed(state) } } catch { throw .system(error) }
        plan.onStart(start.announcement(plan))
    }

    /// Until the cluster is stopped. Returns in the master only.
    func run() throws(ClusterError) {
        context.loop.adoptConcurrency()
        cluster.begin(messages)
        do throws(SystemError) {
            try signals.start { [unowned self] order in orders.carryOut(order) }
        } catch {
            cleanUp()
            throw .system(error)
        }
        figures.start()
        health.start()
        succession.scaler.start()
        status.start()
        housekeeping.start(
            alsoLooks: { [unowned self] now in
                signals.lookAtTerminal(now: now)
                lines.look(now: now)
            },
            mayHeal: { [unowned self] in context.isRunning && !succession.isUnderWay },
            heal: { [unowned self] in succession.orders.receive(.upgrade) })
        lines.start()
        reconciler.start()
        context.loop.run()
        lines.noteLeft()
        succession.upgrade.passOnAllOrders()
        figures.printAtEnd(isReplaced: succession.upgrade.isCommitted)
        succession.upgrade.finish()
        cleanUp()
        succession.upgrade.leave()
        if shutdown.hasGivenUp { throw .workersKeepDying(pool.exits) }
    }

    private func cleanUp() {
        cluster.leaveToMaster()
        context.loop.releaseConcurrency()
        queues.stop()
        signals.stop(passesOn: succession.upgrade.passesOn)
        reconciler.stop(auxiliariesToo: true)
        [housekeeping.stop, lines.stop, pool.stop, figures.stop, health.stop, quarantine.stop, events.stop, succession.stop, shutdown.stop, control.stop]
            .forEach { $0() }
    }

    // MARK: Asked by the program

    /// The code runs in the master itself and not in a copy of it.
    var runsHere: Bool { context.pid == getpid() }

    var workerHandles: [WorkerHandle] { pool.workers.map(\.handle).sorted { $0.id < $1.id } }

    func stopSoon() { events.soon { [unowned self] in if context.phase == .running { orders.carryOut(.stop(SIGTERM)) } } }
    func reloadSoon() { events.soon { [unowned self] in succession.orders.receive(.reload) } }
    func scaleSoon(to count: Int) { events.soon { [unowned self] in succession.scaler.scale(to: count) } }
}

// MARK: What becomes of children

extension Master: WorkerPoolObserver {
    func willFork() { housekeeping.lookForThreadsBeforeFork() }

    func inheritance(of role: Role, on page: SharedPage) -> Inheritance {
        succession.closeInherited()
        signals.closeInherited()
        status.closeInherited()
        return Inheritance(
            of: role, on: page, context, table: pool.pages.table, keeper: queues.keeper, quarantine: quarantine.memory,
            lines: lines.inheritance(of: role, on: page), openFiles: housekeeping.openFiles, history: figures.history.leave(to: role),
            siblings: reconciler.workerCount, master: self)
    }

    func forked(_ child: Child, isPlanned: Bool) {
        health.watch(child)
        messages.connect(child)
        figures.forked(child, isPlanned: isPlanned)
        lines.forked(child)
        events.forked(child)
    }

    func online(_ child: Child) { events.online(child) }
    func leaves(_ child: Child) { reconciler.leaves(child) }

    func ready(_ child: Child, after time: Duration) {
        figures.changed(child, to: .ready)
        quarantine.ready(child, after: time)
        reconciler.ready(child, after: time)
        queues.assignment.assign()
        shutdown.workerReady(child)
        status.workerReady()
        succession.takeover.workerReady()
        events.listening(child)
    }

    func drains(_ child: Child) {
        figures.changed(child, to: .draining)
        queues.assignment.assign()
    }

    func disconnected(_ child: Child) {
        figures.disconnected(child)
        queues.assignment.assign()
        reconciler.forgetUnused(child.role)
        events.disconnected(child)
    }

    func died(_ child: Child, _ death: Death, _ remains: Remains) {
        if death == .inRequest { quarantine.accuseRequest(of: child) }
        if death == .failedStart, child.role != .lineWriter, succession.takeover.startFailed() { return }
        reconciler.died(child, death, remains)
    }

    func exited(_ handle: WorkerHandle, _ exit: WorkerExit) {
        figures.exited(exit)
        quarantine.forget(handle.pid)
        control.workersChanged()
        events.exited(handle, exit)
        lines.childGone()
    }

    func received(_ packet: Packet, from child: Child) { figures.received(packet, from: child) }
    func received(_ packet: Packet, with descriptor: Int32, from child: Child) { control.received(packet, descriptor, from: child) }
    func receivedGarbage(from child: Child) { figures.takeGarbage(from: child) }
    func reapedStranger(_ pid: Int32, status: Int32) { succession.upgrade.reaped(pid, status: status) }

    func reaped() {
        if context.phase == .handingOver { quarantine.handOver(toSuccessors: succession.upgrade.successorWorkers) }
        shutdown.childrenChanged()
    }
}

// MARK: What is wanted of workers

extension Master: ReconcilerObserver {
    func reloads() { status.reloading() }
    func reloaded() { status.reloaded() }
    func rolloutIsOver() { succession.orders.carryOutWaiting() }
    func takesWaitingReload(after outcome: OrderOutcome) -> Bool { succession.orders.takeReload(after: outcome) }
    func wantsWorkersOfPlan() { succession.scaler.followPlan() }
    func startFailed() -> Bool { succession.takeover.startFailed() }
    func trialFailed() { succession.goBackWhenPossible() }
    func trialEnded() { succession.takeover.forgetWayBack() }
    func gaveUp() { shutdown.giveUp() }

    func planChanged() {
        figures.start()
        health.planChanged()
        succession.scaler.planChanged()
        lines.planChanged()
    }
}
