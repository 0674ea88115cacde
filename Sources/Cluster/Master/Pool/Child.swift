// One child process, from its fork until it is reaped. Owned by the pool.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

final class Child {
    enum Phase {
        case starting, ready
        /// On its way out of its own will, or because the cluster stops; its slot may have a successor already.
        case draining
        /// Its channel is at its end: it serves nothing any more, and is not reaped yet.
        case dying
    }

    let role: Role
    let handle: WorkerHandle
    let page: SharedPage
    let forkedAt: UInt64
    /// Of the plan that it runs by.
    let planVersion: Int
    var phase = Phase.starting
    /// Whether its loop turns.
    var pulse = Pulse(beatInterval: nil)
    /// Its loop doesn't turn; a sibling accepts for it.
    var isStuck = false
    /// Since when it accepts nothing although its loop turns; a sibling accepts for it.
    var deafSince: UInt64?
    /// How often it was seen so.
    var deafLooks = 0
    /// What it had taken then.
    var takenWhenDeaf: UInt32 = 0
    /// It was stuck when its successor was ready, and goes when it goes on.
    var isReplacedStuck = false
    /// Logs it when it lasts.
    var stuckTimer: LoopTimer?
    /// Its first packet was here.
    var isOnline = false
    /// It was told to go, or goes by itself.
    var stopRequested = false
    /// It goes when its successor is ready.
    var waitsForSuccessor = false
    /// Its service ended although it was not asked to.
    var hasDied = false
    /// It said that it leaves in order, and had not been told to.
    var leavesByItself = false
    /// It leaves lines for the log's writer.
    var writesLines = false
    /// Its slot was another worker's when it ended.
    var hasSuccessor = false
    /// Nil when it never was.
    var readyAt: UInt64?
    /// It was killed because it was not ready in time.
    var hasMissedDeadline = false
    /// As the kernel tells it, once the process has ended.
    var status: Remains.Status?
    var wasOutOfMemory: Bool?
    /// What its end proves, once that is known.
    var death: Death?
    /// Waits for the wait status, where the cause of death takes it.
    var deathTimer: LoopTimer?
    var wasStuck = false
    /// The request that has been accused last, by when it began: its worker's death is no further evidence.
    var accused: UInt64?
    /// Nil where no worker counts as stuck.
    var watchdog: Watchdog?
    /// Signals that the master has sent it.
    var sentSignals: Set<Int32> = []
    /// When its channel came to its end.
    var endedAt: UInt64?
    /// Ends what stays too long.
    var killTimer: LoopTimer?
    /// Ends one that doesn't get ready.
    var startTimer: LoopTimer?
    /// Drains one that asked for it, and starts its successor.
    var successorTimer: LoopTimer?

    init(role: Role, handle: WorkerHandle, page: SharedPage, forkedAt: UInt64, planVersion: Int) {
        self.role = role
        self.handle = handle
        self.page = page
        self.forkedAt = forkedAt
        self.planVersion = planVersion
    }

    var pid: Int32 { handle.pid }
    var generation: Int { handle.generation }
    var channel: Channel { handle.channel }

    /// Whether connections may be sent to it, as far as is known.
    var takesConnections: Bool { !isStuck && deafSince == nil }

    /// Sends a signal of the master's own, which is no surprise if it ends the process.
    @discardableResult
    func send(_ signal: Int32) -> Bool {
        if signal != 0 { sentSignals.insert(signal) }
        return kill(pid, signal) == 0
    }

    var threadStatus: ThreadStatus? {
        .read(pid: pid, ticksPerSecond: Self.ticksPerSecond)
    }

    /// Whether the process has ended, or has begun to: a signal makes that no faster.
    var isEnding: Bool {
        var end: Int32 = 0
        return unsafe cposix_peek_status(pid, &end) == 1 || threadStatus?.isExiting ?? false
    }

    private static let ticksPerSecond = UInt64(clamping: sysconf(Int32(_SC_CLK_TCK)))

    /// The request that it is in, for a log line.
    var requestDetails: Logger.Metadata {
        guard let request = page.blackBox.current else { return [:] }
        let age = Duration.from(request.since, to: EventLoop.monotonicNanoseconds())
        return ["request": "\(request.description)", "request_age": "\(age.inSeconds)"]
    }
}

/// What a child is for.
enum Role: Hashable {
    case worker(slot: Int)
    case auxiliary(index: Int)
    /// Serves what has killed other workers.
    case quarantine
    /// Writes what workers leave in their rings.
    case lineWriter

    var isWorker: Bool {
        if case .worker = self { true } else { false }
    }

    /// Whether connections are handed to it.
    var servesConnections: Bool { isWorker || self == .quarantine }

    /// What workers are called, other than auxiliaries and the quarantine worker.
    static let workerName = "worker"

    /// -1 for all others.
    var slot: Int {
        if case .worker(let slot) = self { slot } else { -1 }
    }
}
