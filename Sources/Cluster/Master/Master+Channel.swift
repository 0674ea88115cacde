// What children say on their channels. Runs in the master.

internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

extension Master {
    func watch(_ child: Child) {
        // It beats as the options at its fork say, whatever a reload changes.
        // Evidence counts from when the beat is late: for a short limit that is a good part of it.
        let isQuarantine = child.role == .quarantine
        let limit = isQuarantine ? options.quarantine.stuckLimit * 3 / 5 : options.stuckLimit
        child.watchdog = Watchdog(limit: limit ?? Watchdog.noLimit, countsWaiting: isQuarantine)
        child.pulse = Pulse(beatInterval: options.beatInterval)
        child.channel.onPacket = { [unowned self, unowned child] packet in receive(packet, from: child) }
        child.channel.onMalformed = { [unowned self, unowned child] reason in
            // It may have been to be a report.
            if case .worker(let slot) = child.role {
                _ = ledger.ingest([], from: (slot, child.generation), now: EventLoop.monotonicNanoseconds())
            }
            sayOfPeer(.malformedPacket, .packetIgnored, "ignored a packet", about: child, ["reason": "\(reason)"])
        }
        receiveMessages(from: child)
        child.channel.onEnd = { [unowned self, unowned child] in channelEnded(child) }
    }

    private func receive(_ packet: Packet, from child: Child) {
        switch packet.kind {
        case .online:
            becameOnline(child)
        case .leaving:
            if !child.wasAsked { child.leavesByItself = true }
            child.wasAsked = true
        case .ready:
            becameReady(child)
        case .draining:
            wantsToGo(child)
        case .reported:
            if let number = packet.numbered?.number { reported(child, number) }
        case .figuresRequest:
            guard let number = packet.numbered?.number else { return }
            figuresAsked(by: child, number)
        case .report:
            takeReport(packet, from: child)
        case .drain, .reportNow, .figuresPart, .adopt, .release, .handOver, .handOverToSuccessors, .begin, .beat, .lameDuck, .messages,
            .filesTaken, .descriptorNext, .listener, .programState:
            ignore(packet, from: child)
        }
    }

    func ignore(_ packet: Packet, from child: Child) {
        sayOfPeer(.unexpectedPacket, .packetIgnored, "ignored a packet", about: child, ["kind": "\(packet.kind)"])
    }

    private func becameReady(_ child: Child) {
        becameOnline(child)
        guard child.phase == .starting else { return }
        child.phase = .ready
        child.startTimer = nil
        let now = EventLoop.monotonicNanoseconds()
        child.readyAt = now
        if case .worker(let slot) = child.role {
            ledger.changed(slot: slot, generation: child.generation, to: .ready)
        }
        let time = Duration.from(child.forkedAt, to: now)
        longestStart = max(longestStart, time)
        log(.debug, .workerReady, "worker ready", about: child, ["after": "\(time.inSeconds)"])
        quarantineSaw(ready: child, after: time)
        supervise(child.role) { .ready(slot: $0, generation: child.generation) }
        assignQueues()
        rollReady(child)
        if lameDuckTimer != nil { sendLameDuck(to: child) }
        tellReadiness()
        tellPredecessor()
        emitListening(child)
    }
}
