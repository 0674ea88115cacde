// Carries out what Autoscale decides, where the plan bounds the number of workers instead of giving it. An explicit order to scale holds until
// it is taken back or a reload.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Logging

final class Autoscaler {
    private let context: MasterContext
    private let pool: WorkerPool
    private let processes: ProcessReader
    private let reconciler: Reconciler
    private var autoscale: Autoscale?
    /// An operator or the program has said how many there are to be.
    private(set) var isHeld = false
    private var cores: Int
    private var coresReadAt: UInt64 = 0
    private var timer: LoopTimer?
    /// Sets the number of workers.
    var scale: (_ count: Int) -> Void = { _ in }
    /// Whether nothing else changes the workers now.
    var mayScale: () -> Bool = { true }

    private static let coresInterval: UInt64 = 2_000_000_000
    /// A request that takes longer may take longer than a worker has to finish.
    private static let longRequest: UInt64 = 1_000_000_000

    init(_ context: MasterContext, pool: WorkerPool, processes: ProcessReader, reconciler: Reconciler, cores: Int) {
        self.context = context
        self.pool = pool
        self.processes = processes
        self.reconciler = reconciler
        self.cores = cores
    }

    /// By the plan in force. Once more after a reload.
    func start(isHeld: Bool = false) {
        guard case .range(let bounds) = context.plan.workers else { return stop() }
        self.isHeld = isHeld
        // A plan that is read later may have bounds that there are no slots for.
        let most = min(bounds.upperBound, pool.capacity)
        autoscale = Autoscale(min(bounds.lowerBound, most)...most)
        timer = context.loop.every(Autoscale.interval) { [unowned self] in look() }
    }

    func stop() {
        timer = nil
        autoscale = nil
        isHeld = false
    }

    /// The number of workers is given from elsewhere.
    func hold() {
        guard autoscale != nil else { return }
        autoscale?.reset()
        guard !isHeld else { return }
        isHeld = true
        context.log(.notice, .autoscaleHeld, "autoscaling is held: the number of workers was given")
    }

    func resume() {
        autoscale?.reset()
        guard isHeld else { return }
        isHeld = false
        context.log(.notice, .autoscaleResumed, "autoscaling goes on")
    }

    private func look() {
        guard autoscale != nil, !isHeld else { return }
        guard mayScale(), !reconciler.isRolling else { return autoscale?.reset() ?? () }
        let now = EventLoop.monotonicNanoseconds()
        if now.subtractingDownToZero(coresReadAt) >= Self.coresInterval {
            coresReadAt = now
            cores = UsableCores.current().count
        }
        processes.readQueues()
        guard let decision = autoscale?.look(reading(now: now)) else { return }
        let before = reconciler.workerCount
        let isUp = decision.count > before
        context.log(
            .notice, isUp ? .autoscaledUp : .autoscaledDown, isUp ? "more workers for the load" : "fewer workers for the load",
            [
                "workers": "\(decision.count)", "before": "\(before)", "because_of": "\(decision.reason.rawValue)",
                "median_busy": "\(NumberFormat.trimmed(decision.median, digits: 2))", "mean_busy": "\(NumberFormat.trimmed(decision.mean, digits: 2))",
                "cores_used": "\(NumberFormat.trimmed(decision.coresUsed, digits: 2))", "cores": "\(decision.cores)",
                "filled_queues": "\(decision.filledQueues)",
            ])
        scale(decision.count)
    }

    private func reading(now: UInt64) -> Autoscale.Look {
        let count = reconciler.workerCount
        let isSharedFilled = (processes.sharedAcceptQueue?.length ?? 0) > 0
        var workers: [Autoscale.Worker] = []
        for child in pool.workers where child.phase == .ready && child.role.slot < count {
            guard let load = child.page.process.load(now: now) else { continue }
            let isFilled = isSharedFilled || (processes.acceptQueue(child.role.slot)?.length ?? 0) > 0
            workers.append(
                Autoscale.Worker(
                    slot: child.role.slot, pid: child.pid, busy: load.busy, demand: load.demand, measuredAt: load.at, isQueueFilled: isFilled))
        }
        return Autoscale.Look(now: now, count: count, workers: workers, cores: cores, isLastOccupied: isLastOccupied(count, now))
    }

    /// The slot with the highest number goes first.
    private func isLastOccupied(_ count: Int, _ now: UInt64) -> Bool {
        pool.living(count - 1).contains { child in
            let box = child.page.blackBox
            let since = [box.heldSince, box.waiting > 0 ? box.oldestWaitingSince : 0].filter { $0 != 0 }.min()
            return since.map { now.subtractingDownToZero($0) >= Self.longRequest } ?? false
        }
    }
}
