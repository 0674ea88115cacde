// The child processes of the master: it forks them, receives their packets, ends them and reaps them. The observer decides what follows.
// Process: master · Thread: loop
//
//   WorkerPool+Fork.swift    making a child
//   WorkerPool+Ends.swift    children that leave, are told to, or are gone
//   WorkerPool+Deaths.swift  what an end proves
//   WorkerPool+Exits.swift   what is said and kept of an end

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

/// Called when a child's state changes.
protocol WorkerPoolObserver: AnyObject {
    func willFork()
    /// Runs in the child.
    func inheritance(of role: Role, on page: SharedPage) -> Inheritance
    /// - Parameter isPlanned: it is the successor of one that is well.
    func forked(_ child: Child, isPlanned: Bool)
    /// Its first packet has come.
    func online(_ child: Child)
    func ready(_ child: Child, after time: Duration)
    /// It asks to leave, or is to.
    func leaves(_ child: Child)
    /// It has been told to leave while others stay.
    func drains(_ child: Child)
    /// Its channel is at its end: it serves nothing any more.
    func disconnected(_ child: Child)
    /// What its end proves is known.
    func died(_ child: Child, _ death: Death, _ remains: Remains)
    /// It was reaped, or could not be made.
    func exited(_ handle: WorkerHandle, _ exit: WorkerExit)
    /// A packet that is none of the pool's.
    func received(_ packet: Packet, from child: Child)
    /// One that brings a descriptor, which is the observer's to close; -1 where this process had none to spare.
    func received(_ packet: Packet, with descriptor: Int32, from child: Child)
    /// What came is no packet.
    func receivedGarbage(from child: Child)
    /// A process that is no child of the pool's was reaped.
    func reapedStranger(_ pid: Int32, status: Int32)
    /// Some were reaped.
    func reaped()
}

final class WorkerPool {
    let context: MasterContext
    /// How many slots there can be.
    let capacity: Int
    let pages: SharedPages
    /// Nil where the program counts no metrics of its own.
    let metrics: MetricsCollector?
    let buffer = ReceiveBuffer()
    /// The workers as the user's code in this process sees them.
    let cluster: RunningCluster
    weak var observer: (any WorkerPoolObserver)?
    var children: [Int32: Child] = [:]
    var lastWorkerID = 0
    /// On the way through those that have ended.
    var isReaping = false
    var reapTimer: LoopTimer?
    /// The last ends, newest last.
    var exits: [WorkerExit] = []
    var memoryKills = OutOfMemoryKills(readingWith: readSmallFile)
    /// Processes of the master's that serve nothing, until they are reaped.
    var helpers: Set<Int32> = []
    /// When the slot of a worker that failed to start is next tried.
    var nextStarts: [Role: Duration] = [:]
    var startFailures = TextPace()

    init(_ context: MasterContext, capacity: Int, cluster: RunningCluster) throws(SystemError) {
        self.context = context
        self.capacity = capacity
        self.cluster = cluster
        metrics = MetricsCollector(context)
        // From here on it is too late to begin.
        if metrics == nil { MetricsMemory.close() }
        pages = try SharedPages(count: Self.pageCount(workers: capacity, auxiliaries: context.plan.auxiliaries.count))
    }

    func stop() { reapTimer = nil }

    var workers: some Collection<Child> { children.values.lazy.filter(\.role.isWorker) }

    var readyWorkerCount: Int { workers.count { $0.phase == .ready } }

    func child(_ role: Role, generation: Int) -> Child? {
        children.values.first { $0.role == role && $0.generation == generation }
    }

    /// Those of a slot that serve or are about to.
    func living(_ slot: Int) -> [Child] {
        children.values.filter { $0.role == .worker(slot: slot) && ($0.phase == .starting || $0.phase == .ready) }
    }

    /// How much work the child has done.
    func work(of child: Child) -> UInt64 { child.page.figures.work(of: context.plan.service) }

    /// Whether a living worker of a plan has done any work.
    func hasAnswered(_ planVersion: Int) -> Bool { workers.contains { $0.planVersion == planVersion && work(of: $0) > 0 } }

    func name(of role: Role) -> String {
        switch role {
        case .worker: Role.workerName
        case .quarantine: "quarantine"
        case .lineWriter: "log"
        case .auxiliary(let index): context.plan.auxiliaries[index].name
        }
    }

    /// The quarantine worker's is no other worker's.
    func slot(of role: Role) -> Int { role == .quarantine ? capacity : role.slot }

    // MARK: What children say

    func listen(to child: Child) {
        child.channel.onPacket = { [unowned self, unowned child] packet in receive(packet, from: child) }
        child.channel.onDescriptor = { [unowned self, unowned child] packet, descriptor in
            if let observer { observer.received(packet, with: descriptor, from: child) } else if descriptor >= 0 { _ = close(descriptor) }
        }
        child.channel.onMalformed = { [unowned self, unowned child] reason in
            observer?.receivedGarbage(from: child)
            context.logOfPeer(.malformedPacket, .packetIgnored, "ignored a packet", about: child, ["reason": "\(reason)"])
        }
        child.channel.onEnd = { [unowned self, unowned child] in channelEnded(child) }
    }

    private func receive(_ packet: Packet, from child: Child) {
        switch packet.kind {
        case .online:
            becameOnline(child)
        case .leaving:
            if !child.stopRequested { child.leavesByItself = true }
            child.stopRequested = true
        case .ready:
            becameReady(child)
        case .draining:
            wantsToDrain(child)
        default:
            observer?.received(packet, from: child)
        }
    }

    func ignore(_ packet: Packet, from child: Child) {
        context.logOfPeer(.unexpectedPacket, .packetIgnored, "ignored a packet", about: child, ["kind": "\(packet.kind)"])
    }

    private func becameOnline(_ child: Child) {
        guard !child.isOnline else { return }
        child.isOnline = true
        observer?.online(child)
    }

    private func becameReady(_ child: Child) {
        becameOnline(child)
        guard child.phase == .starting else { return }
        child.phase = .ready
        child.startTimer = nil
        let now = EventLoop.monotonicNanoseconds()
        child.readyAt = now
        let time = Duration.from(child.forkedAt, to: now)
        context.log(.debug, .workerReady, "worker ready", about: child, ["after": "\(time.inSeconds)"])
        observer?.ready(child, after: time)
    }

    // MARK: Asked by handlers

    func disconnect(_ handle: WorkerHandle) {
        guard let child = child(of: handle), context.isRunning, !child.stopRequested, child.phase != .dying else { return }
        child.stopRequested = true
        child.successorTimer = context.loop.after(.zero) { [unowned self] in
            child.successorTimer = nil
            observer?.leaves(child)
        }
    }

    func signal(_ handle: WorkerHandle, _ signal: Int32) -> Bool {
        guard let child = child(of: handle) else { return false }
        if signal != 0, child.phase != .dying { child.stopRequested = true }
        return child.send(signal)
    }

    /// A child that is not reaped yet: its process id is still its own.
    private func child(of handle: WorkerHandle) -> Child? {
        guard context.pid == getpid(), let child = children[handle.pid], child.handle === handle else { return nil }
        return child
    }
}
