// What all parts of the master share: its loop, the plan in force, the phase of its life, and its log. It decides nothing.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging

final class MasterContext {
    let loop: EventLoop
    let pid = getpid()
    /// The plan in force.
    private(set) var plan: ClusterPlan
    /// Which of the plans that there have been is in force.
    private(set) var planVersion = 0
    var phase = StopPhase.running
    /// Workers get ready and don't accept: the master before this one is still in charge.
    var holdsConnections = false
    /// Hears what is logged.
    var onLog: ((ClusterLogEvent, Logger.Metadata) -> Void)?
    /// Bounds what others can have written to the log.
    private var lines = LineBudget<PeerLine>()

    init(plan: ClusterPlan, loop: EventLoop) {
        self.plan = plan
        self.loop = loop
    }

    var options: ClusterOptions { plan.options }

    /// Neither stopping nor stopped.
    var isRunning: Bool { phase == .running || phase == .lameDuck }

    /// Running, and in charge of the service.
    var isInCharge: Bool { isRunning && !holdsConnections }

    func adopt(_ plan: ClusterPlan, version: Int) {
        self.plan = plan
        planVersion = version
    }

    // MARK: Logging

    /// A line about a worker says which: number, generation, process id.
    func log(
        _ level: Logger.Level, _ event: ClusterLogEvent, _ message: Logger.Message, about child: Child? = nil, _ more: Logger.Metadata = [:]
    ) {
        var logger = plan.options.logger
        if let child {
            logger.addIdentity(
                name: child.handle.name, slot: child.handle.slot, generation: child.generation, pid: child.pid)
        }
        logger.log(level, event, message, metadata: more)
        onLog?(event, more)
    }

    /// A line that another process can bring about as often as it likes.
    func logOfPeer(
        _ kind: PeerLine, _ event: ClusterLogEvent, _ message: Logger.Message, about child: Child? = nil,
        _ more: Logger.Metadata = [:], level: Logger.Level = .warning
    ) {
        guard let omitted = lines.allows(kind, now: EventLoop.monotonicNanoseconds()) else { return }
        log(level, event, message, about: child, omitted > 0 ? more.merging(["omitted": "\(omitted)"]) { $1 } : more)
    }
}
