// USR2: the program as it is on the disk now takes this one's place, with every listener and every connection. Runs in the master that
// is there already; what the new one does is in Master+Succession.swift.
//
// The new program inherits the sockets and gets its workers ready, which don't accept yet. When it says that they are, this master's
// workers hand over to them and go; when it fails before, nothing has happened.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

/// The way to the new master.
struct Upgrade {
    let pid: Int32
    let channel: Channel
    let startedAt = EventLoop.monotonicNanoseconds()
    var deadline: LoopTimer?
    /// It is ready: this master goes.
    var isCommitted = false
    /// How many workers it has then.
    var workers: UInt32 = 0
    /// As the kernel tells it, once the process has ended and its number may be another's.
    var status: Int32?
    /// An order to stop has come since.
    var isAskedToStop = false
    /// Tells it the figures of the workers that are still here.
    var figures: LoopTimer?
}

extension Master {
    /// - Parameter image: the program; by default this one's file as it is on the disk now.
    func beginUpgrade(to image: ProgramImage? = nil) {
        let program = image ?? program
        do throws(SystemError) {
            let (channel, theirs) = try makeChannel()
            var state = makeUpgradeState(channel: theirs)
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
                log(.warning, .programPathMissing, "the program's path leads nowhere: starting the running file", ["path": "\(program.path ?? "unknown")"])
            }
            channel.onPacket = { [unowned self] packet in
                if packet.kind == .ready, let count = packet.numbered?.number { commitUpgrade(workers: count) }
            }
            channel.onEnd = { [unowned self] in upgradeEnded() }
            var upgrade = Upgrade(pid: pid, channel: channel)
            // Its workers have the same deadline as these; the program itself may take as long to come to them.
            upgrade.deadline = loop.after(options.respawn.startDeadline * 2) { [unowned self] in failUpgrade("the new master took too long") }
            self.upgrade = upgrade
            log(.notice, .upgradeStarted, "upgrading", ["program": "\(path)", "new_pid": "\(pid)"])
        } catch {
            log(.error, .upgradeRefused, "can't upgrade, nothing has changed: \(error)")
        }
    }

    private func makeUpgradeState(channel: Int32) -> UpgradeState {
        var state = UpgradeState()
        state.channel = channel
        state.addresses = plan.addresses.map(\.description)
        listeners.describe(in: &state)
        state.handOver = handOver.map(\.pair.descriptors)
        for (index, auxiliary) in plan.auxiliaries.enumerated() {
            state.auxiliaries.append(
                .init(
                    name: auxiliary.name, addresses: auxiliary.addresses.map(\.description),
                    listeners: listeners.ofAuxiliaries[index].map(UpgradeState.Socket.init),
                    lastGeneration: auxiliarySupervisor.lastGeneration(of: index)))
        }
        state.lastGenerations = (0..<capacity).map(workerSupervisor.lastGeneration(of:))
        state.lastWorkerID = lastWorkerID
        state.guardian = pid == 1 ? 1 : guardian
        state.arguments = program.arguments
        state.hasAnswered = hasAnswered(edition)
        state.answered = answeredEndpoints().map { Array($0) }
        state.deadly = Array(deadlyEndpoints.all(now: EventLoop.monotonicNanoseconds()))
        state.startedAt = ledger.startedAt
        state.programPath = program.path
        state.healing = threads.healing
        return state
    }

    private func start(_ program: ProgramImage, _ path: String, _ state: UpgradeState, _ file: Int32) throws(SystemError) -> Int32 {
        // Signs of life may come from a process of another number.
        let environment = [UpgradeState.variable: "\(file)", "WATCHDOG_PID": nil]
        return try program.start(path, environment: environment, kept: state.descriptors + [file], openFiles: openFiles.given)
    }

    /// The new master's workers are ready: ours go.
    private func commitUpgrade(workers: UInt32) {
        guard let upgrade, !upgrade.isCommitted, stopping == .running else { return }
        self.upgrade?.isCommitted = true
        self.upgrade?.workers = workers
        self.upgrade?.deadline = nil
        log(.notice, .upgradeHandingOver, "the new master is ready: handing over", ["new_pid": "\(upgrade.pid)"])
        serviceManager?.handOver(to: upgrade.pid)
        stopping = .handingOver
        workerSupervisor.stop()
        auxiliarySupervisor.stop()
        wakeTimer = nil
        scaling.timer = nil
        queueWatch.stop()
        sendFiguresToSuccessor()
        sendProgramState(on: upgrade.channel)
        try? upgrade.channel.send(control: Packet(.begin))
        for order in orders.takeAll() { passOn(order == .reload ? SIGHUP : SIGUSR2) }
        self.upgrade?.figures = loop.every(.milliseconds(200)) { [unowned self] in sendFiguresToSuccessor() }
        let deadline = options.drainDeadline
        let packet = Packet(.handOverToSuccessors, number: deadline.wholeMilliseconds, and: Packet.bytes(of: workers))
        // The quarantine worker stays until the others have gone: they may still send it what they have.
        for child in children.values where child.phase != .dying && child.role != .quarantine {
            child.phase = .draining
            child.wasAsked = true
            do throws(MessageError) {
                try child.channel.send(control: packet)
                killAfter(deadline + .milliseconds(500), child)
            } catch {
                send(SIGKILL, to: child)
            }
        }
        limitStop(deadline)
        childrenChanged()
    }

    func sendFiguresToSuccessor() {
        guard let channel = upgrade?.channel, channel.isOpen else { return }
        // Reports come at their interval; the shared pages are as new as can be.
        let now = EventLoop.monotonicNanoseconds()
        for child in children.values { readPage(of: child, now: now) }
        for part in currentFigures().parts(maximumBytes: 60_000) { try? channel.send(control: Packet(.figuresPart, number: 0, and: part)) }
    }

    /// The last thing that this master does for the new one.
    func finishUpgrade() {
        guard let upgrade, upgrade.isCommitted else { return }
        sendFiguresToSuccessor()
        upgrade.channel.flush(until: EventLoop.monotonicNanoseconds() &+ 1_000_000_000)
        self.upgrade?.figures = nil
        upgrade.channel.close()
        listeners.leaveToSuccessor()
    }

    /// The new master's end of the channel is closed.
    private func upgradeEnded() {
        guard let upgrade, !upgrade.isCommitted else { return }
        // It may still live, and must not come to life later.
        killNewMaster()
        self.upgrade = nil
        log(.error, .upgradeFailed, "the upgrade failed: this master stays", ["new_pid": "\(upgrade.pid)"])
        carryOutWaiting()
    }

    /// The new master is given up. It is not waited for: one that hangs in the kernel outlives even KILL.
    func failUpgrade(_ reason: String) {
        guard let upgrade, !upgrade.isCommitted else { return }
        log(.error, .upgradeKilled, "killing the new master", ["new_pid": "\(upgrade.pid)", "reason": "\(reason)"])
        killNewMaster()
        upgrade.channel.close()
        upgradeEnded()
    }

    private func killNewMaster() {
        if let upgrade, upgrade.status == nil { kill(upgrade.pid, SIGKILL) }
    }

    /// An order to go is meant for the whole service: a new master that has nothing yet must not go on without this one, whose workers
    /// end the listeners that both have.
    func abandonUpgrade() {
        guard let upgrade, !upgrade.isCommitted else { return }
        log(.notice, .upgradeCancelled, "upgrade cancelled: stopping", ["new_pid": "\(upgrade.pid)"])
        killNewMaster()
        upgrade.channel.close()
        self.upgrade = nil
    }

    /// TERM or INT while the new master takes over: it is meant for the service, so both go. This one is on its way already.
    /// - Returns: false when this has been the answer before.
    func goesOnHandingOver(after signal: Int32) -> Bool {
        guard let upgrade, upgrade.isCommitted else { return false }
        passOn(signal)
        guard !upgrade.isAskedToStop else { return false }
        self.upgrade?.isAskedToStop = true
        log(.notice, .upgradeTooLateToCancel, "too late to cancel the upgrade: handing over", ["new_pid": "\(upgrade.pid)"])
        return true
    }

    /// A container ends with its first process, so that one stays: it passes signals on and ends as its successor does. Others end,
    /// and tell it first who takes their place.
    func leave(to successor: Int32) {
        if pid == 1 {
            // It may have ended before this one was done.
            if let status = upgrade?.status {
                let signal = cposix_wait_signal(status)
                _exit(signal == 0 ? cposix_wait_exit_status(status) : 128 + signal)
            }
            cposix_stand_by()
        }
        if getppid() == 1, guardian == 1 { cposix_name_successor(1, successor) }
    }
}
