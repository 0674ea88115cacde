// USR2: the program as it is on the disk now takes this one's place, with every listener and every connection. Runs in the master that
// is there already; what the new one does is in Takeover.swift.
//
// The new program inherits the sockets and gets its workers ready, which don't accept yet. When it says that they are, this master's
// workers hand over to them and go; when it fails before, nothing has happened. What comes next is UpgradeProgress's to say.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

final class BinaryUpgrade {
    /// The way to the new master.
    struct Attempt {
        let pid: Int32
        let channel: Channel
        let startedAt = EventLoop.monotonicNanoseconds()
        var progress = UpgradeProgress()
        var deadline: LoopTimer?
        /// As the kernel tells it, once the process has ended and its number may be another's.
        var status: Int32?
        /// Tells it the figures of the workers that are still here.
        var figures: LoopTimer?
        /// Why it comes to nothing, if it does.
        var failure = "the new program ended before it was ready"
    }

    let context: MasterContext
    let pool: WorkerPool
    let keeper: ListenerKeeper
    let figures: FiguresCollector
    let reconciler: Reconciler
    let quarantine: Quarantine
    let housekeeping: Housekeeping
    let program: ProgramImage
    /// The first process of a container, which was a master once and ends as its successors do; else 0.
    let guardian: Int32
    var attempt: Attempt?
    /// The new master is ready, and not yet told to begin.
    var onReady: (_ successor: Int32) -> Void = { _ in }
    /// Whether the number of workers was given where it would follow the load.
    var isScalingHeld: () -> Bool = { false }
    /// It is in charge from here on.
    var onCommitted: () -> Void = {}
    /// It came to nothing.
    var onFailed: () -> Void = {}
    /// The same, and how; and when the new master is in charge.
    var onOutcome: (OrderOutcome) -> Void = { _ in }
    /// One that came to nothing, until the kernel tells how its process ended.
    var failed: (pid: Int32, reason: String, limit: LoopTimer)?

    init(
        _ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper, figures: FiguresCollector, reconciler: Reconciler,
        quarantine: Quarantine, housekeeping: Housekeeping, program: ProgramImage, guardian: Int32
    ) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
        self.figures = figures
        self.reconciler = reconciler
        self.quarantine = quarantine
        self.housekeeping = housekeeping
        self.program = program
        self.guardian = guardian
    }

    var isUnderWay: Bool { attempt != nil }
    /// A new master is in charge.
    var isCommitted: Bool { attempt?.progress.isCommitted == true }
    var startedAt: UInt64? { attempt?.startedAt }
    /// The new master, once it is in charge.
    var successor: Int32? { isCommitted ? attempt?.pid : nil }
    /// How many workers it has.
    var successorWorkers: UInt32 { attempt?.progress.workers ?? 0 }

    func closeInherited() { attempt?.channel.closeInherited() }

    /// - Parameter image: the program; by default this one's file as it is on the disk now.
    func begin(to image: ProgramImage? = nil) {
        let program = image ?? program
        do throws(SystemError) {
            let (channel, theirs) = try pool.makeChannel()
            var state = makeState(channel: theirs)
            // The program before gets no way back: two versions must not replace each other for ever.
            if image == nil { state.program = unsafe open("/proc/self/exe", O_RDONLY | O_CLOEXEC) }
            let file: Int32
            do throws(SystemError) { file = try state.written() } catch {
                channel.close()
                close(theirs)
                if state.program >= 0 { close(state.program) }
                throw error
            }
            defer {
                close(theirs)
                close(file)
                if state.program >= 0 { close(state.program) }
            }
            let (path, isNamed) = program.target
            let pid: Int32
            do throws(SystemError) { pid = try start(program, path, state, file) } catch {
                channel.close()
                throw error
            }
            if !isNamed {
                context.log(
                    .warning, .programPathMissing, "the program's path leads nowhere: starting the running file", ["path": "\(program.path ?? "unknown")"])
            }
            follow(pid, channel)
            context.log(.notice, .upgradeStarted, "upgrading", ["program": "\(path)", "new_pid": "\(pid)"])
        } catch {
            context.log(.error, .upgradeRefused, "can't upgrade, nothing has changed: \(error)")
            onOutcome(.failed("can't upgrade, nothing has changed: \(error)"))
        }
    }

    private func follow(_ pid: Int32, _ channel: Channel) {
        channel.onPacket = { [unowned self] packet in
            guard packet.kind == .ready, let count = packet.numbered?.number, context.isRunning else { return }
            handle(.ready(workers: count))
        }
        channel.onEnd = { [unowned self] in handle(.channelEnded) }
        attempt = Attempt(pid: pid, channel: channel)
        // Its workers have the same deadline as these; the program itself may take as long to come to them.
        attempt?.deadline = context.loop.after(context.options.respawn.startDeadline * 2) { [unowned self] in fail("the new master took too long") }
    }

    private func start(_ program: ProgramImage, _ path: String, _ state: UpgradeState, _ file: Int32) throws(SystemError) -> Int32 {
        // Signs of life may come from a process of another number.
        let environment = [UpgradeState.variable: "\(file)", "WATCHDOG_PID": nil]
        return try program.start(path, environment: environment, kept: state.descriptors + [file], openFiles: housekeeping.openFiles.given)
    }

    // MARK: What becomes of it

    @discardableResult
    private func handle(_ event: UpgradeProgress.Event) -> [UpgradeProgress.Action] {
        guard let actions = attempt?.progress.handle(event) else { return [] }
        for action in actions {
            switch action {
            case .handOver(let workers): commit(workers: workers)
            case .kill: kill()
            case .stay: stay()
            case .passOnOrder, .goOnHandingOver: break
            }
        }
        return actions
    }

    /// The new master is given up. It is not waited for: one that hangs in the kernel outlives even KILL.
    func fail(_ reason: String) {
        guard let attempt, !isCommitted else { return }
        context.log(.error, .upgradeKilled, "killing the new master", ["new_pid": "\(attempt.pid)", "reason": "\(reason)"])
        self.attempt?.failure = reason
        handle(.overdue)
    }

    /// TERM, INT or QUIT: an order to go is meant for the whole service.
    /// - Returns: whether that is all there is to do: this master hands over already.
    func stopOrdered(_ signal: Int32) -> Bool {
        guard let pid = attempt?.pid else { return false }
        if !isCommitted { context.log(.notice, .upgradeCancelled, "upgrade cancelled: stopping", ["new_pid": "\(pid)"]) }
        let actions = handle(.stopOrdered)
        if actions.contains(.passOnOrder) { passOn(signal) }
        if actions.contains(.goOnHandingOver), signal != SIGQUIT {
            context.log(.notice, .upgradeTooLateToCancel, "too late to cancel the upgrade: handing over", ["new_pid": "\(pid)"])
        }
        if !isCommitted { attempt = nil }
        return actions.contains(.goOnHandingOver)
    }

    private func kill() {
        guard let attempt else { return }
        if attempt.status == nil { Glibc.kill(attempt.pid, SIGKILL) }
        attempt.channel.close()
    }

    /// The new master's workers are ready: ours go.
    private func commit(workers: UInt32) {
        guard let attempt else { return }
        self.attempt?.deadline = nil
        context.log(.notice, .upgradeHandingOver, "the new master is ready: handing over", ["new_pid": "\(attempt.pid)"])
        onReady(attempt.pid)
        figures.history.handOver(figures.current())
        context.phase = .handingOver
        reconciler.stop(auxiliariesToo: true)
        sendFigures()
        // A question that still comes here is not answered with more than the new master knows: its own answer comes next.
        figures.questions.willAnswer = { [unowned self] in sendFigures() }
        pool.metrics?.questions.willAnswer = { [unowned self] in sendFigures() }
        ProgramState.send(context, on: attempt.channel)
        try? attempt.channel.send(control: Packet(.begin))
        self.attempt?.figures = context.loop.every(.milliseconds(200)) { [unowned self] in sendFigures() }
        // The quarantine worker stays until the others have gone: they may still send it what they have. The access log's writer goes last.
        let stay: Set<Role> = [.quarantine, .lineWriter]
        for child in pool.children.values where child.phase != .dying && !stay.contains(child.role) { pool.drain(child, toSuccessors: workers) }
        onCommitted()
        onOutcome(.done("upgraded: \(ControlVerbs.counted(Int(workers))), process \(attempt.pid)"))
    }

    private func sendFigures() {
        guard let channel = attempt?.channel, channel.isOpen else { return }
        pool.metrics?.send(on: channel)
        for part in figures.parts() { try? channel.send(control: Packet(.figuresPart, number: 0, and: part)) }
    }

    // MARK: Orders for the new master

    /// A master that gave its role away leaves orders to the new one.
    func passOn(_ signal: Int32) {
        guard let attempt, attempt.status == nil else {
            return context.log(.notice, .orderRefused, "an order is refused: the new master has ended", ["signal": "\(signal)"])
        }
        Glibc.kill(attempt.pid, signal)
        context.log(.info, .orderForwarded, "an order goes to the new master", ["signal": "\(signal)", "new_pid": "\(attempt.pid)"])
    }

    /// From here on every order goes to the new master at once, until this process ends. One that has ended can't be told anything.
    func passOnAllOrders() { if let attempt, passesOn { cposix_pass_on_orders(attempt.pid) } }

    /// Whether the new master gets this one's signals at the end.
    var passesOn: Bool { isCommitted && attempt?.status == nil }

    // MARK: The end

    /// The last thing that this master does for the new one.
    func finish() {
        guard let attempt, isCommitted else { return }
        sendFigures()
        attempt.channel.flush(until: EventLoop.monotonicNanoseconds() &+ 1_000_000_000)
        self.attempt?.figures = nil
        attempt.channel.close()
        keeper.leaveToSuccessor()
    }

    /// A container ends with its first process, so that one stays: it passes signals on and ends as its successor does. Others end,
    /// and tell it first who takes their place.
    func leave() {
        guard let successor else { return }
        if context.pid == 1 {
            // It may have ended before this one was done.
            if let status = attempt?.status {
                let signal = cposix_wait_signal(status)
                _exit(signal == 0 ? cposix_wait_exit_status(status) : 128 + signal)
            }
            cposix_stand_by()
        }
        if getppid() == 1, guardian == 1 { cposix_name_successor(1, successor) }
    }
}
