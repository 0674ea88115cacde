// A master that takes another one's place. Runs in the new master.

internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

/// The way to the old master, while it is there.
struct Succession {
    let channel: Channel
    /// To be removed by whoever is the last master: the old one, until this one's workers accept.
    let socketFiles: [SocketFile]
    var assembler = ClusterFigures.Assembler()
    /// The old master lets go: this one's workers accept.
    var hasBegun = false
    /// All workers are ready, and the old master has been told.
    var isReady = false
    /// Its figures can't be read, which is said once.
    var hasLostFigures = false
}

extension Master {
    /// Whether workers wait with accepting for the old master to let go.
    var holdsConnections: Bool { succession.map { !$0.hasBegun } ?? false }

    func succeed(_ state: UpgradeState) throws(SystemError) {
        for (slot, generation) in state.lastGenerations.enumerated() { workerSupervisor.startAfter(generation: generation, slot: slot) }
        for (index, auxiliary) in state.auxiliaries.enumerated() {
            auxiliarySupervisor.startAfter(generation: auxiliary.lastGeneration, slot: index)
        }
        lastWorkerID = state.lastWorkerID
        guardian = state.guardian
        if state.program >= 0 { wayBack = WayBack(program: state.program, arguments: state.arguments) }
        probation = Probation(answered: state.answered.map { Set($0) }, hasAnswered: state.hasAnswered, deadly: Set(state.deadly))
        let channel = try Channel(descriptor: state.channel, loop: loop, options: options.messages, buffer: buffer)
        channel.onPacket = { [unowned self] packet in
            switch packet.kind {
            case .begin: begin()
            case .figuresPart: takeFigures(packet)
            default: log(.warning, .packetIgnored, "ignored a packet of the old master", ["kind": "\(packet.kind)"])
            }
        }
        channel.onDescriptor = { [unowned self] packet, file in
            // Its only one is the program's state.
            takeProgramState(packet, file)
        }
        channel.onEnd = { [unowned self] in predecessorEnded() }
        succession = Succession(channel: channel, socketFiles: state.boundFiles)
        serviceManager?.keepSilent()
    }

    /// A worker has become ready; when all are, the old master may go.
    func tellPredecessor() {
        guard let succession, !succession.isReady else { return }
        let ready = children.values.count { $0.phase == .ready }
        guard ready == workerCount + plan.auxiliaries.count else { return }
        self.succession?.isReady = true
        try? succession.channel.send(control: Packet(.ready, number: UInt32(clamping: workerCount)))
    }

    /// A new version whose worker fails before it is ready must not take over: the old master goes on.
    func upgradeFails() -> Bool {
        guard holdsConnections else { return false }
        log(.critical, .upgradeAborted, "a worker failed before this upgrade was ready: leaving the old master in charge")
        gaveUp = true
        leaveAtOnce()
        return true
    }

    private func begin() {
        guard let succession, !succession.hasBegun else { return }
        self.succession?.hasBegun = true
        listeners.socketFiles += succession.socketFiles
        do throws(ClusterError) { try listeners.listen(slots: workerCount) } catch {
            log(.error, .listenFailed, "can't listen for every worker", ["reason": "\(error)"])
        }
        for child in children.values where child.phase != .dying { try? child.channel.send(control: Packet(.begin)) }
        assignQueues()
        serviceManager?.takeOver()
        tellReadiness()
        log(.notice, .upgradeTookOver, "took over from the old master")
        beginProbation()
        carryOutWaiting()
    }

    private func takeFigures(_ packet: Packet) {
        guard let (_, part) = packet.numbered else { return }
        do throws(ClusterFigures.PartError) {
            if let complete = try succession?.assembler.add(Array(part)) { ledger.carry(complete) }
        } catch {
            guard succession?.hasLostFigures == false else { return }
            succession?.hasLostFigures = true
            log(.warning, .figuresNotInherited, "the old master's figures are of another layout: totals begin anew")
        }
    }

    private func predecessorEnded() {
        guard let succession else { return }
        if succession.hasBegun {
            log(.info, .oldMasterExited, "the old master has exited")
        } else {
            // It died while this one got ready. Its sockets are here, its workers are gone: that is what this one is for.
            begin()
        }
        self.succession = nil
        goBackWhenPossible()
        carryOutWaiting()
    }
}
