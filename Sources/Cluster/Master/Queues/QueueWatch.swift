// Notices workers that don't accept the connections that wait for them: stuck in a handler, stopped, or deaf, because their sockets are
// closed or they have no descriptors left. Every queue that leads to a worker is watched: its TCP listeners, those that all
// workers share (Unix, the service manager's), and the socket on which siblings hand connections over.
// Process: master · Thread: loop
//
// The master never accepts, but it can see that a queue isn't empty. Where nothing happens that costs nothing: a listener tells once
// that a connection came. From then on a timer compares what the worker has in shared memory: while that advances, it is well, and no
// system call is made for it. When it stands still, its queue is looked at. What is decided is in QueueJudge.swift and Pulse.swift.

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc

final class QueueWatch {
    private enum Queue: Hashable {
        case listeners(slot: Int)
        case pair(PairPlace)
        case shared

        /// Nil where it is every worker's.
        var slot: Int? {
            switch self {
            case .listeners(let slot), .pair(.slot(let slot)): slot
            case .shared, .pair: nil
            }
        }
    }

    private struct Watched {
        let descriptors: [Int32]
        var arrivals: [DescriptorWatch] = []
        /// Whether the timer looks after it.
        var isActive = false
        var judge = QueueJudge()
    }

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
    private var queues: [Queue: Watched] = [:]
    private var timer: LoopTimer?
    /// Looks for workers that are stuck while nothing waits for them.
    private var slowTimer: LoopTimer?
    private var lastLook: UInt64 = 0
    private var looks: UInt32 = 0

    private static let interval = Duration.milliseconds(20)
    private static let slowInterval = Duration.milliseconds(500)

    init(_ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, assignment: QueueAssignment) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
        self.assignment = assignment
    }

    func stop() {
        queues = [:]
        timer = nil
        slowTimer = nil
    }

    /// Watches the queues of slots that came into use.
    func update() {
        if slowTimer == nil { slowTimer = context.loop.every(Self.slowInterval) { [unowned self] in if timer == nil { look() } } }
        for slot in 0..<pool.capacity where keeper.listeners.listens(slot) {
            watch(.listeners(slot: slot), keeper.listeners.own(slot).map(\.descriptor))
            if keeper.handOver.indices.contains(slot) { watch(.pair(.slot(slot)), [keeper.handOver[slot].receiver]) }
        }
        for place in [PairPlace.quarantine, .returns] { if let pair = keeper.pair(at: place) { watch(.pair(place), [pair.receiver]) } }
        watch(.shared, keeper.listeners.shared.map(\.descriptor))
        for queue in queues.keys where queue.slot.map({ !keeper.listeners.listens($0) }) ?? false { forget(queue) }
    }

    /// Another socket gets its number.
    func forget(_ replaced: ListenerKeeper.Replaced) {
        switch replaced {
        case .listener(let listener):
            for (queue, watched) in queues where watched.descriptors.contains(listener.descriptor) { forget(queue) }
        case .pair(let place): forget(Queue.pair(place))
        }
    }

    private func forget(_ queue: Queue) {
        for watch in queues[queue]?.arrivals ?? [] { watch.cancel() }
        queues[queue] = nil
    }

    private func watch(_ queue: Queue, _ descriptors: [Int32]) {
        guard queues[queue] == nil, !descriptors.isEmpty else { return }
        var watched = Watched(descriptors: descriptors)
        for descriptor in descriptors {
            // One that can't be watched is served all the same.
            let watch = try? context.loop.watch(descriptor, for: .read) { [unowned self] _ in activate(queue) }
            if let watch { watched.arrivals.append(watch) }
        }
        queues[queue] = watched
    }

    private func activate(_ queue: Queue) {
        guard queues[queue]?.isActive == false else { return }
        for watch in queues[queue]?.arrivals ?? [] { watch.pause() }
        queues[queue]?.isActive = true
        queues[queue]?.judge = QueueJudge()
        startTimer()
    }

    private func startTimer() {
        guard timer == nil else { return }
        lastLook = EventLoop.monotonicNanoseconds()
        timer = context.loop.every(Self.interval) { [unowned self] in look() }
    }

    private func look() {
        let now = EventLoop.monotonicNanoseconds()
        let elapsed = now &- min(lastLook, now)
        lastLook = now
        looks &+= 1
        var workers: [Int: Child] = [:]
        for child in pool.children.values where child.phase == .ready && child.role.isWorker { workers[child.role.slot] = child }
        let (waiting, unattended) = examine(workers, elapsed)
        var isInDoubt = false
        for (slot, child) in workers {
            let isAwaited = waiting.contains(.shared) || waiting.contains(.listeners(slot: slot)) || waiting.contains(.pair(.slot(slot)))
            look(at: child, isAwaited, elapsed, now)
            isInDoubt = isInDoubt || child.pulse.isInDoubt
        }
        // Those that were replaced while they were stuck: do they go on?
        for child in pool.children.values where child.isReplacedStuck && child.phase == .draining { look(at: child, false, elapsed, now) }
        if waiting.contains(.pair(.quarantine)) { onQuarantineWaiting() }
        for queue in unattended { isUnattended(queue, workers, now) }
        if onLook(now) { isInDoubt = true }
        if isInDoubt || queues.values.contains(where: \.isActive) { startTimer() } else { timer = nil }
    }

    private func isUnattended(_ queue: Queue, _ workers: [Int: Child], _ now: UInt64) {
        switch queue {
        case .listeners(let slot), .pair(.slot(let slot)): if let child = workers[slot] { assignment.becameDeaf(child, now: now) }
        case .shared: for child in workers.values { assignment.becameDeaf(child, now: now) }
        case .pair(.quarantine): onQuarantineUnattended()
        case .pair(.returns): for child in workers.values { keeper.sendReceiver(at: .returns, to: child) }
        }
    }

    private func look(at child: Child, _ isAwaited: Bool, _ elapsed: UInt64, _ now: UInt64) {
        let box = child.page.blackBox
        let taken = pool.pages.board.taken(child.page.index)
        if child.deafSince != nil, child.takenWhenDeaf != taken { assignment.hearsAgain(child) }
        let progress = child.page.figures[.requests] &+ UInt64(taken)
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
    private func taken(_ queue: Queue, _ workers: [Int: Child]) -> UInt32 {
        let board = pool.pages.board
        switch queue {
        case .listeners(let slot): return workers[slot].map { board.accepted($0.page.index) } ?? 0
        case .pair(.slot(let slot)): return workers[slot].map { board.arrived($0.page.index) } ?? 0
        // What comes back is counted nowhere.
        case .pair(.returns): return 0
        case .pair(.quarantine):
            return pool.children.values.first { $0.role == .quarantine && $0.phase == .ready }.map { board.accepted($0.page.index) } ?? 0
        case .shared: return workers.values.reduce(0) { $0 &+ board.accepted($1.page.index) }
        }
    }

    /// Looks at the queues from which nothing was taken, now and then at all: one system call for them.
    private func examine(_ workers: [Int: Child], _ elapsed: UInt64) -> (waiting: Set<Queue>, unattended: [Queue]) {
        var requests: [pollfd] = []
        var owners: [Queue] = []
        for (queue, watched) in queues where watched.isActive && (looks % 25 == 0 || watched.judge.needsLook(taken: taken(queue, workers))) {
            for descriptor in watched.descriptors {
                requests.append(pollfd(fd: descriptor, events: Int16(POLLIN) | Int16(cposix_poll_ended), revents: 0))
                owners.append(queue)
            }
        }
        if !requests.isEmpty, unsafe poll(&requests, nfds_t(requests.count), 0) < 0 { return ([], []) }
        var seen: [Queue: Bool] = [:]
        var ended: Set<Queue> = []
        for (request, queue) in zip(requests, owners) {
            let isOver = request.revents & (Int16(POLLHUP) | Int16(POLLERR) | Int16(cposix_poll_ended)) != 0
            if isOver { ended.insert(queue) }
            seen[queue] = seen[queue] ?? false || request.revents & Int16(POLLIN) != 0 && !isOver
        }
        let result = judge(seen, workers, elapsed)
        for queue in ended {
            if case .pair(let place) = queue { keeper.healPair(at: place) } else { keeper.heal() }
        }
        return result
    }

    private func judge(_ seen: [Queue: Bool], _ workers: [Int: Child], _ elapsed: UInt64) -> (waiting: Set<Queue>, unattended: [Queue]) {
        var waiting: Set<Queue> = []
        var unattended: [Queue] = []
        for (queue, watched) in queues where watched.isActive {
            var judge = watched.judge
            let verdict = judge.looked(isWaiting: seen[queue], taken: taken(queue, workers), elapsed: elapsed)
            queues[queue]?.judge = judge
            switch verdict {
            case .fine: break
            case .waits: waiting.insert(queue)
            case .unattended:
                waiting.insert(queue)
                unattended.append(queue)
            case .quiet: rest(queue)
            }
        }
        return (waiting, unattended)
    }

    /// Nothing waits: the socket tells when a connection comes.
    private func rest(_ queue: Queue) {
        queues[queue]?.isActive = false
        for watch in queues[queue]?.arrivals ?? [] { watch.resume() }
    }
}
