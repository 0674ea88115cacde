// How the master leaves: the lame duck first, then workers, auxiliaries last, everything reaped.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

enum StopPhase {
    case running
    /// TERM has come: the cluster serves on for a while, and says that it isn't ready. Dead workers are still replaced.
    case lameDuck
    /// Another master's workers take the connections of ours.
    case handingOver
    /// The workers drain; the auxiliaries still answer.
    case drainingWorkers
    /// The workers are gone.
    case drainingAuxiliaries
    /// Everything was killed.
    case killing
    case over
}

final class Shutdown {
    private let context: MasterContext
    private let pool: WorkerPool
    private let queues: ConnectionQueues
    private let reconciler: Reconciler
    private let status: ServiceStatus
    private var orders = StopOrders()
    /// Until then workers may finish what is in flight.
    private var drainEnd: UInt64 = 0
    /// No worker could be kept alive.
    private(set) var hasGivenUp = false
    /// The workers begin to go: nothing else is carried out any more.
    var onBegin: () -> Void = {}
    /// They are gone.
    var onWorkersGone: () -> Void = {}
    /// The end of the lame duck, or of what may be waited for.
    private var timer: LoopTimer?

    init(_ context: MasterContext, pool: WorkerPool, queues: ConnectionQueues, reconciler: Reconciler, status: ServiceStatus) {
        self.context = context
        self.pool = pool
        self.queues = queues
        self.reconciler = reconciler
        self.status = status
    }

    func stop() { timer = nil }

    /// Whether an order to stop is another one than the last.
    func isNewOrder() -> Bool { orders.received(now: EventLoop.monotonicNanoseconds()) != .repeated }

    /// TERM or INT has come. Only TERM begins with the lame duck: service managers and orchestrators send it, a terminal sends INT.
    func ordered(by signal: Int32) {
        guard context.phase == .running else { return leaveAtOnce() }
        onBegin()
        let lameDuck = context.options.lameDuck
        guard signal == SIGTERM, lameDuck > .zero else { return drainWorkers() }
        context.log(.info, .lameDuckStarted, "not ready any more: serving on", ["for": "\(lameDuck.inSeconds)"])
        status.stopping(within: lameDuck + context.options.drainDeadline)
        context.phase = .lameDuck
        timer = context.loop.after(lameDuck) { [unowned self] in drainWorkers() }
        for child in pool.workers { sendLameDuck(to: child) }
    }

    /// A worker is ready: it may not know yet.
    func workerReady(_ child: Child) { if context.phase == .lameDuck { sendLameDuck(to: child) } }

    private func sendLameDuck(to child: Child) {
        guard child.role.isWorker, child.phase != .dying else { return }
        do throws(MessageError) {
            try child.channel.send(control: Packet(.lameDuck))
        } catch {
            context.log(.debug, .noticeNotSent, "could not send notice of the coming drain", about: child, ["reason": "\(error)"])
        }
    }

    private func drainWorkers() {
        let deadline = context.options.drainDeadline
        context.log(.info, .stopping, "stopping", ["deadline": "\(deadline.inSeconds)"])
        status.stopping(within: deadline)
        // Queues whose worker was told to go, or has died, in this turn of the loop.
        queues.assignment.assignIfChanged()
        context.phase = .drainingWorkers
        drainEnd = EventLoop.monotonicNanoseconds().addingUpToLimit(deadline.wholeNanoseconds)
        reconciler.stop(auxiliariesToo: false)
        queues.watch.stop()
        // New connections are refused as soon as the workers close their copies.
        queues.keeper.closeThoseOfSlots()
        pool.finish(within: deadline) { $0.role.isWorker }
        limit(deadline)
        childrenChanged()
    }

    /// A process that hangs in the kernel outlives KILL, and must not keep the master.
    func limit(_ deadline: Duration) {
        timer = context.loop.after(deadline + .seconds(3)) { [unowned self] in
            // One that was told later than the others, such as the quarantine worker at the end of a hand-over, has had time enough too.
            let late = pool.children.values.filter { !$0.sentSignals.contains(SIGKILL) }
            guard late.isEmpty else {
                for child in late {
                    context.log(.warning, .workerKilledDraining, "killing a worker that stays too long", about: child, child.requestDetails)
                    child.send(SIGKILL)
                }
                return limit(.zero)
            }
            context.log(.error, .workerUnkillable, "a worker can't be killed: leaving without it", ["left": "\(pool.children.keys.sorted())"])
            leaveAtOnce()
        }
    }

    /// The second TERM or INT, QUIT, and the end of a cluster that can't keep workers.
    func leaveAtOnce() {
        guard context.phase != .killing, context.phase != .over else { return }
        status.stopping(within: .seconds(5))
        onBegin()
        onWorkersGone()
        context.phase = .killing
        reconciler.stop(auxiliariesToo: true)
        pool.killAll()
        // A process in an uninterruptible sleep ends when the kernel lets it; there is nothing to wait for.
        timer = context.loop.after(.seconds(5)) { [unowned self] in end() }
        childrenChanged()
    }

    /// The workers have gone: what they sent to quarantine is answered in the time that is left.
    /// - Returns: false when its worker has gone, too.
    private func drainsQuarantine() -> Bool {
        let child = pool.children.values.first { $0.role == .quarantine && $0.phase != .dying }
        guard let child, child.channel.isOpen else { return false }
        if child.phase != .draining {
            child.phase = .draining
            child.stopRequested = true
            pool.finish(within: max(.from(EventLoop.monotonicNanoseconds(), to: drainEnd), .seconds(1))) { $0 === child }
        }
        return true
    }

    func giveUp() {
        hasGivenUp = true
        leaveAtOnce()
    }

    /// Goes on with leaving when the children that it waits for are gone.
    func childrenChanged() {
        if context.phase == .drainingWorkers, pool.workers.isEmpty, !drainsQuarantine() {
            context.phase = .drainingAuxiliaries
            onWorkersGone()
            reconciler.stop(auxiliariesToo: true)
            pool.finish(within: .seconds(1)) { $0.role != .lineWriter }
            finishLines()
        }
        // The next master's writer has nothing of what this one's workers left.
        if context.phase == .handingOver, pool.children.values.allSatisfy({ $0.role == .lineWriter && !$0.stopRequested }) { finishLines() }
        guard pool.children.isEmpty, [.handingOver, .drainingAuxiliaries, .killing].contains(context.phase) else { return }
        end()
    }

    /// Nothing is left by workers any more: the writer writes what there is, and goes.
    private func finishLines() {
        for child in pool.children.values where child.role == .lineWriter { child.stopRequested = true }
        pool.finish(within: LineLog.finalTime) { $0.role == .lineWriter }
        limit(LineLog.finalTime)
    }

    private func end() {
        context.phase = .over
        context.loop.stop()
    }
}
