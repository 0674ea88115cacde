// The way from the fork to the worker's body, and the loop behind it. Runs in the worker process, which it never leaves.
// The caller's frames below are the master's; nothing returns to them.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

/// What the master gives a worker at its birth.
struct WorkerBirth {
    let id: Int
    let name: String
    let slot: Int
    let generation: Int
    let masterPID: Int32
    let forkedAt: UInt64
    let channel: Int32
    let page: SharedPage
    let metrics: MetricsPages?
    let inheritance: Inheritance

    var options: ClusterOptions { inheritance.options }

    /// The child's metrics are its own from here on.
    func takeMetrics() throws(SystemError) {
        guard let metrics else { return try MetricsMemory.leave() }
        try metrics.becomeOwn()
    }
}

extension Worker {
    /// Runs in the child right after the fork, with all signals blocked; what is the master's has been closed.
    static func live(_ birth: WorkerBirth) -> Never {
        cposix_reset_signals_in_worker()
        // What the program was given beside 0 to 2 is not for those that handlers start.
        cposix_close_on_exec_from(3)
        // The kernel kills this process with the master, unless it refuses to: then the channel's end tells. If the master died before
        // this call, neither will: check.
        _ = cposix_die_with_parent()
        guard getppid() == birth.masterPID else { _exit(1) }
        let suffix = birth.slot >= 0 && birth.name == Role.workerName ? "w\(birth.slot)" : birth.name
        unsafe cposix_set_process_name("\(birth.options.processName)-\(suffix)")
        birth.prepareForCrash()
        birth.page.stack.answer()
        do throws(SystemError) {
            try birth.takeMetrics()
            try birth.confine()
            // A change of user takes the parent's death signal away (prctl(2), PR_SET_PDEATHSIG).
            _ = cposix_die_with_parent()
            guard getppid() == birth.masterPID else { _exit(1) }
            let loop = try EventLoop()
            let channel = try Channel(
                descriptor: birth.channel, loop: loop, options: birth.options.messages, buffer: ReceiveBuffer())
            let worker = Worker(birth: birth, loop: loop, channel: channel)
            try worker.handleSignals()
            cposix_unblock_signals()
            worker.run(birth.inheritance.body)
        } catch {
            birth.page.blackBox.fail("\(error)")
            _exit(1)
        }
    }

    private func handleSignals() throws(SystemError) {
        watches = [
            try loop.onSignal(SIGTERM) { [unowned self] in
                switch stopOrders.received(now: EventLoop.monotonicNanoseconds()) {
                case .first where !isDraining: requestDrain()
                case .again: leave(status: 0, flushWithin: .zero)
                case .first, .repeated: break
                }
            },
            try loop.onSignal(SIGQUIT) { [unowned self] in leave(status: 0, flushWithin: .zero) },
        ]
    }

    private func run(_ body: (Worker) throws -> Void) -> Never {
        loop.adoptConcurrency()
        channel.onPacket = { [unowned self] packet in handle(packet) }
        receiveListeners()
        receiveMessages()
        MetricsMemory.takeWarnings({ [logger] label, reason in logger.logRefusedSeries(label, reason) }, isChild: true)
        channel.onMalformed = { [unowned self] reason in
            logger.log(.warning, .packetIgnored, "ignored a packet from the master", metadata: ["reason": "\(reason)"])
        }
        // Master died: exit. An unsupervised worker must not keep serving.
        channel.onEnd = { _exit(1) }
        try? channel.send(control: Packet(.online))
        startReporting()
        startBeating()
        startMeasuring()
        keepHouse()
        do {
            try body(self)
        } catch {
            // The master logs it, once for all workers that fail so.
            blackBox.fail("\(error)")
            leave(status: 1)
        }
        // Nor what the body has opened.
        cposix_close_on_exec_from(3)
        try? channel.send(control: Packet(.ready))
        loop.run()
        // A handler stopped the loop: an orderly end, too.
        leave(status: 0)
    }

    private func handle(_ packet: Packet) {
        switch packet.kind {
        case .drain:
            let milliseconds = packet.numbered?.number ?? options.drainDeadline.wholeMilliseconds
            beginDrain(within: .milliseconds(Int64(milliseconds)), handingOver: false)
        case .handOver:
            let milliseconds = packet.numbered?.number ?? options.drainDeadline.wholeMilliseconds
            beginDrain(within: .milliseconds(Int64(milliseconds)), handingOver: true)
        case .adopt:
            guard let number = packet.numbered?.number else { return }
            if case .slot(let slot) = PairPlace(number: number) { adopt(slot: slot) } else { emptyQuarantineQueue() }
        case .release:
            if let slot = packet.numbered?.number { release(slot: Int(slot)) }
        case .handOverToSuccessors:
            guard let (milliseconds, rest) = packet.numbered, let count = Packet.number(in: rest) else { return }
            drain.successorCount = Int(count)
            beginDrain(within: .milliseconds(Int64(milliseconds)), handingOver: true)
        case .begin:
            endHold()
        case .beat:
            blackBox.beat(now: EventLoop.monotonicNanoseconds())
        case .lameDuck:
            becomeLameDuck()
        case .figuresPart:
            receiveFiguresPart(packet)
        case .orderReply:
            receiveOrderReply(packet)
        case .online, .ready, .draining, .leaving, .report, .figuresRequest, .programState, .messages, .filesTaken, .descriptorNext,
            .listener, .lineFile, .lineFileTaken, .order, .metricsRequest, .metrics, .stacksRequest, .stacks:
            logger.log(.warning, .packetIgnored, "ignored a packet from the master", metadata: ["kind": "\(packet.kind)"])
        }
    }
}
