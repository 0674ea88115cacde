// Notices workers that don't accept the connections that wait for them: stuck in a handler, stopped, or deaf, because their sockets are
// closed or they have no descriptors left. Every queue that leads to a worker is watched: its TCP listeners, those that all
// workers share (Unix, the service manager's), and the socket on which siblings hand connections over.
// Process: master · Thread: loop
//
// The master never accepts, but it can see that a queue isn't empty. Where nothing happens that costs nothing: a listener tells once
// that a connection came. From then on a timer compares what the worker has in shared memory: while that advances, it is well, and no
// system call is made for it. When it stands still, its queue is looked at. What is decided is in QueueJudge.swift and Pulse.swift, which
// workers a look is for in LookPlan.swift, which queues it is for in ActiveQueues.swift.

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc

final class QueueWatch {
    private let context: MasterContext
    private let pool: WorkerPool
    private let keeper: ListenerKeeper
    private let assignment: QueueAssignment
    /// Something waits in the quarantine's queue.
    var onQuarantineWaiting: () -> Void = {}
    /// The quarantine worker takes nothing, although something waits.
    var onQuarantineUnattended: () -> Void = {}
    /// All have been looked at.
    /// - Returns: whether to look again soon.
    var onLook: (_ now: UInt64) -> Bool = { _ in false }
    private var queues: ActiveQueues
    private var plan: LookPlan
    /// The worker of each slot, once it is ready.
    private var serving: [Child?]
    private var quarantineWorker: Child?
    /// Those that were replaced while they were stuck: do they go on?
    private var replaced: [Child] = []
    private var timer: LoopTimer?
    /// Looks for workers that are stuck while nothing waits for them.
    private var slowTimer: LoopTimer?
    private var lastLook: UInt64 = 0

    private var interval = fastInterval

    private static let fastInterval = Duration.milliseconds(20)
    /// From so many queues on that are in use, a look costs enough to be made half as often.
    private static let (manyQueues, intervalOfMany) = (32, Duration.milliseconds(40))
    private static let slowInterval = Duration.milliseconds(500)

    init(_ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, assignment: QueueAssignment) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
        self.assignment = assignment
        queues = ActiveQueues(slots: pool.capacity)
        plan = LookPlan(slots: pool.capacity)
        serving = Array(repeating: nil, count: pool.capacity)
    }

    func stop() {
        queues.removeAll()
        serving = Array(repeating: nil, count: pool.capacity)
        (quarantineWorker, replaced) = (nil, [])
        timer = nil
        slowTimer = nil
    }

    /// Watches the queues of slots that came into use, for the workers that are there now.
    func update() {
        if slowTimer == nil { slowTimer = context.loop.every(Self.slowInterval) { [unowned self] in if timer == nil { look(atAll: true) } } }
        updateWorkers()
        let listeners = keeper.listeners
        for slot in 0..<pool.capacity {
            for queue in [WatchedQueue.listeners(slot: slot), .pair(.slot(slot))] where queues.watches(queue) != listeners.listens(slot) {
                listeners.listens(slot) ? watch(queue) : queues.remove(queue)
            }
        }
        for queue in [WatchedQueue.shared, .pair(.quarantine), .pair(.returns)] where !queues.watches(queue) { watch(queue) }
    }

    private func updateWorkers() {
        var now: [Child?] = Array(repeating: nil, count: pool.capacity)
        (quarantineWorker, replaced) = (nil, [])
        for child in pool.children.values {
            switch (child.role, child.phase) {
            case (.worker(let slot), .ready) where now.indices.contains(slot): now[slot] = child
            case (.quarantine, .ready): quarantineWorker = child
            case (.worker, .draining) where child.isReplacedStuck: replaced.append(child)
            default: break
            }
        }
        for slot in now.indices where now[slot] !== serving[slot] { plan.begin(slot) }
        serving = now
    }

    private func descriptors(of queue: WatchedQueue) -> [Int32] {
        switch queue {
        case .listeners(let slot): keeper.listeners.own(slot).map(\.descriptor)
        case .pair(let place): keeper.pair(at: place).map { [$0.receiver] } ?? []
        case .shared: keeper.listeners.shared.map(\.descriptor)
        }
    }

    /// Another socket gets its number.
    func forget(_ replaced: ListenerKeeper.Replaced) {
        switch replaced {
        case .listener(let listener): queues.remove(having: listener.descriptor)
        case .pair(let place): queues.remove(.pair(place))
        }
    }

    private func watch(_ queue: WatchedQueue) {
        let descriptors = descriptors(of: queue)
        guard !descriptors.isEmpty else { return }
        // One that can't be watched is served all the same.
        let arrivals = descriptors.compactMap { try? context.loop.watch($0, for: .read) { [unowned self] _ in activate(queue) } }
        queues.add(queue, descriptors, arrivals)
    }

    private func activate(_ queue: WatchedQueue) { if queues.activate(queue) { startTimer() } }

    private var wantedInterval: Duration { queues.activeCount > Self.manyQueues ? Self.intervalOfMany : Self.fastInterval }

    private func startTimer() {
        guard timer == nil else { return }
        lastLook = EventLoop.monotonicNanoseconds()
        interval = wantedInterval
        timer = context.loop.every(interval) { [unowned self] in look(atAll: false) }
    }

    // MARK: A look

    private func look(atAll: Bool) {
        let now = EventLoop.monotonicNanoseconds()
        let elapsed = now &- min(lastLook, now)
        lastLook = now
        plan.beginLook()
        let (waiting, unattended, ended) = queues.look(elapsed: elapsed) { taken($0) }
        for queue in waiting {
            switch queue {
            case .listeners(let slot), .pair(.slot(let slot)): plan.noteWaiting(for: slot)
            case .shared: plan.noteWaiting(for: nil)
            case .pair: break
            }
        }
        for slot in serving.indices where atAll || plan.isDue(slot) {
            guard let child = serving[slot], child.phase == .ready else { continue }
            look(at: child, plan.isAwaited(slot), plan.looked(at: slot, now: now), now)
            plan.set(slot, isRestless: child.pulse.isInDoubt || child.deafSince != nil)
        }
        for child in replaced where child.phase == .draining && child.isReplacedStuck { look(at: child, false, elapsed, now) }
        if waiting.contains(.pair(.quarantine)) { onQuarantineWaiting() }
        for queue in unattended { isUnattended(queue, now) }
        for queue in ended {
            if case .pair(let place) = queue { keeper.healPair(at: place) } else { keeper.heal() }
        }
        let goesOn = onLook(now) || plan.hasRestless || queues.activeCount > 0
        if !goesOn || interval != wantedInterval { timer = nil }
        if goesOn { startTimer() }
    }

    private func isUnattended(_ queue: WatchedQueue, _ now: UInt64) {
        switch queue {
        case .listeners(let slot), .pair(.slot(let slot)): becameDeaf(slot, now)
        case .shared: for slot in serving.indices { becameDeaf(slot, now) }
        case .pair(.quarantine): onQuarantineUnattended()
        case .pair(.returns): for case let child? in serving where child.phase == .ready { keeper.sendReceiver(at: .returns, to: child) }
        }
    }

    private func becameDeaf(_ slot: Int, _ now: UInt64) {
        guard let child = serving[slot] else { return }
        assignment.becameDeaf(child, now: now)
        if child.deafSince != nil { plan.set(slot, isRestless: true) }
    }

    private func look(at child: Child, _ isAwaited: Bool, _ elapsed: UInt64, _ now: UInt64) {
        let box = child.page.blackBox
        let taken = pool.pages.table.taken(child.page.index)
        if child.deafSince != nil, child.takenWhenDeaf != taken { assignment.hearsAgain(child) }
        let progress = pool.work(of: child) &+ UInt64(taken)
        let reading = Pulse.Reading(progress: progress, beat: box.lastBeat, heldSince: box.heldSince)
        let thread = { [unowned child] in child.threadStatus }
        switch child.pulse.looked(reading, isAwaited: isAwaited, elapsed: elapsed, now: now, thread: thread) {
        case .ask: try? child.channel.send(control: Packet(.beat))
        case .stuck: assignment.changed(child, toStuck: true)
        case .recovered:
            child.isReplacedStuck = false
            assignment.changed(child, toStuck: false)
        case nil: break
        }
        // It may have been replaced for many requests, none of which held it for long enough by itself.
        if child.isReplacedStuck, !child.pulse.isInDoubt { child.isReplacedStuck = false }
    }

    /// What the queue's worker, or for a shared queue all workers, have taken.
    private func taken(_ queue: WatchedQueue) -> UInt32 {
        let table = pool.pages.table
        switch queue {
        case .listeners(let slot): return serving[slot].map { table.accepted($0.page.index) } ?? 0
        case .pair(.slot(let slot)): return serving[slot].map { table.arrived($0.page.index) } ?? 0
        // What comes back is counted nowhere.
        case .pair(.returns): return 0
        case .pair(.quarantine): return quarantineWorker.map { table.accepted($0.page.index) } ?? 0
        case .shared: return serving.reduce(0) { sum, child in child.map { sum &+ table.accepted($0.page.index) } ?? sum }
        }
    }
}
