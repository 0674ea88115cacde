// A master that takes another one's place, and gives it back where its workers can't do what the old ones did. Runs in the new master.
// What comes next is TakeoverState's to say, and whether it gives its place back Rollout's. The way back is an upgrade like any other, to the old
// program's file, which this master has kept open.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

final class Takeover {
    /// The way to the old master, while it is there.
    private struct Predecessor {
        let channel: Channel
        /// To be removed by the last master: the old one, until this one's workers accept.
        let socketFiles: [SocketFile]
        var state: TakeoverState
        var assembler = ClusterFigures.Assembler()
        /// Its figures can't be read, which is said once.
        var hasLostFigures = false
    }

    /// What an upgrade that fails goes back to.
    struct WayBack {
        let program: Int32
        let arguments: [String]
    }

    private let context: MasterContext
    private let pool: WorkerPool
    private let keeper: ListenerKeeper
    private let figures: FiguresCollector
    private let reconciler: Reconciler
    private var predecessor: Predecessor?
    private(set) var wayBack: WayBack?
    /// This master's workers accept from here on.
    var onBegin: () -> Void = {}
    /// The old master has gone.
    var onEnd: () -> Void = {}
    /// A start failed before this master was in charge.
    var onFailed: () -> Void = {}

    init(_ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, figures: FiguresCollector, reconciler: Reconciler) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
        self.figures = figures
        self.reconciler = reconciler
    }

    /// The old master is there.
    var isUnderWay: Bool { predecessor != nil }

    func closeInherited() {
        predecessor?.channel.closeInherited()
        if let wayBack { close(wayBack.program) }
    }

    func stop() { forgetWayBack() }

    func succeed(_ state: UpgradeState) throws(SystemError) {
        reconciler.startAfter(state)
        pool.lastWorkerID = state.lastWorkerID
        if state.program >= 0 {
            wayBack = WayBack(program: state.program, arguments: state.arguments)
            reconciler.rollout.beginTrial(Probation(answered: state.answered.map { Set($0) }, hasAnswered: state.hasAnswered, deadly: Set(state.deadly)))
        }
        let channel = try pool.makeChannel(on: state.channel)
        channel.onPacket = { [unowned self] packet in
            switch packet.kind {
            case .begin: handle(.begin)
            case .figuresPart: takeFigures(packet)
            default: context.log(.warning, .packetIgnored, "ignored a packet of the old master", ["kind": "\(packet.kind)"])
            }
        }
        channel.onDescriptor = { [unowned self] packet, file in
            if packet.kind == .metrics { return takeMetrics(packet, file) }
            ProgramState.take(context, packet, file)
        }
        channel.onEnd = { [unowned self] in handle(.predecessorEnded) }
        context.holdsConnections = true
        let wanted = reconciler.workerCount + context.plan.auxiliaries.count
        predecessor = Predecessor(channel: channel, socketFiles: state.boundFiles, state: TakeoverState(wanted: wanted))
    }

    // MARK: Events

    /// A worker or an auxiliary has become ready.
    func workerReady() { handle(.ready(pool.children.values.count { $0.phase == .ready && $0.role != .lineWriter })) }

    /// A new version whose worker fails before it is ready must not take over: the old master goes on.
    /// - Returns: whether this master leaves.
    func startFailed() -> Bool { handle(.startFailed).contains(.leave) }

    @discardableResult
    private func handle(_ event: TakeoverState.Event) -> [TakeoverState.Action] {
        guard let actions = predecessor?.state.handle(event) else { return [] }
        for action in actions {
            switch action {
            case .report: try? predecessor?.channel.send(control: Packet(.ready, number: UInt32(clamping: reconciler.workerCount)))
            case .begin: begin()
            case .leave:
                context.log(.critical, .upgradeAborted, "a worker failed before this upgrade was ready: leaving the old master in charge")
                onFailed()
            case .end: end(wasInCharge: actions == [.end])
            }
        }
        return actions
    }

    private func begin() {
        context.holdsConnections = false
        keeper.take(predecessor?.socketFiles ?? [])
        do throws(ClusterError) { try keeper.listen(slots: reconciler.workerCount) } catch {
            context.log(.error, .listenFailed, "can't listen for every worker", ["reason": "\(error)"])
        }
        for child in pool.children.values where child.phase != .dying { try? child.channel.send(control: Packet(.begin)) }
        figures.beginHistory()
        onBegin()
        context.log(.notice, .upgradeTookOver, "took over from the old master")
        reconciler.trialBegins()
    }

    private func takeFigures(_ packet: Packet) {
        guard let (_, part) = packet.numbered else { return }
        do throws(ClusterFigures.PartError) {
            if let complete = try predecessor?.assembler.add(Array(part)) { figures.carry(complete) }
        } catch {
            guard predecessor?.hasLostFigures == false else { return }
            predecessor?.hasLostFigures = true
            context.log(.warning, .figuresNotInherited, "the old master's figures are of another layout: totals begin anew")
        }
    }

    private func takeMetrics(_ packet: Packet, _ file: Int32) {
        guard let metrics = pool.metrics else {
            if file >= 0 { _ = Glibc.close(file) }
            return
        }
        metrics.carry(packet, file)
    }

    private func end(wasInCharge: Bool) {
        guard predecessor != nil else { return }
        if wasInCharge { context.log(.info, .oldMasterExited, "the old master has exited") }
        predecessor = nil
        onEnd()
    }

    // MARK: The way back

    /// There is none any more: this master stays.
    func forgetWayBack() {
        if let wayBack { close(wayBack.program) }
        wayBack = nil
    }

    /// Goes back where this program has to leave and the old master has handed over everything.
    func goBackWhenPossible(with upgrade: BinaryUpgrade) {
        guard let wayBack, reconciler.rollout.hasToLeave, !isUnderWay, !upgrade.isUnderWay, context.phase == .running else { return }
        context.log(.error, .upgradeRolledBack, "upgrade failed: going back to the program before", ["reason": "new workers die where the old ones answered"])
        upgrade.begin(to: ProgramImage(path: "/proc/self/fd/\(wayBack.program)", arguments: wayBack.arguments))
        // The child has a copy.
        reconciler.rollout.endTrial()
        forgetWayBack()
    }
}
