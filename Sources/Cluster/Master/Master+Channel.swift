// What children say on their channels, and the figures of all for those who ask. Runs in the master.

internal import EventLoop
internal import Logging
internal import Statistics

/// Figures that wait for every worker's report, so that they are all of one moment.
struct FiguresCollection {
    let done: (ClusterFigures) -> Void
    /// Process ids of the workers that have not reported yet.
    var missing: Set<Int32>
    let timeout: LoopTimer
}

extension Master {
    /// Workers that don't report within this time are answered for with their last figures.
    private static let collectionTime = Duration.milliseconds(50)

    func watch(_ child: Child) {
        // It beats as the options at its fork say, whatever a reload changes.
        child.watchdog = options.stuckLimit.map(Watchdog.init)
        child.channel.onPacket = { [unowned self, unowned child] packet in receive(packet, from: child) }
        child.channel.onMalformed = { [unowned self, unowned child] reason in
            log(.warning, "ignored a packet", about: child, ["reason": "\(reason)"])
        }
        receiveMessages(from: child)
        child.channel.onEnd = { [unowned self, unowned child] in channelEnded(child) }
    }

    private func receive(_ packet: Packet, from child: Child) {
        switch packet.kind {
        case .online:
            becameOnline(child)
        case .leaving:
            child.wasAsked = true
        case .ready:
            becameReady(child)
        case .draining:
            wantsToGo(child)
        case .reported:
            if let number = packet.numbered?.number { reported(child, number) }
        case .figuresRequest:
            guard let number = packet.numbered?.number else { return }
            collectFigures { [unowned self] in send($0, to: child, number) }
        case .drain, .reportNow, .figuresPart, .adopt, .release, .handOver, .handOverToSuccessors, .begin, .beat, .lameDuck, .messages,
            .filesTaken, .descriptorNext:
            log(.warning, "ignored a packet", about: child, ["kind": "\(packet.kind)"])
        }
    }

    private func becameReady(_ child: Child) {
        becameOnline(child)
        guard child.phase == .starting else { return }
        child.phase = .ready
        child.startTimer = nil
        if case .worker(let slot) = child.role {
            ledger.changed(slot: slot, generation: child.generation, to: .ready)
        }
        let time = Duration.from(child.forkedAt, to: EventLoop.monotonicNanoseconds())
        log(.debug, "worker ready", about: child, ["after": "\(time.inSeconds)"])
        supervise(child.role) { .ready(slot: $0, generation: child.generation) }
        assignQueues()
        rollReady(child)
        if lameDuckTimer != nil { sendLameDuck(to: child) }
        tellReadiness()
        tellPredecessor()
        emitListening(child)
    }

    /// Lets every worker report, and calls `done` with the figures of all.
    func collectFigures(_ done: @escaping (ClusterFigures) -> Void) {
        lastCollection &+= 1
        let collection = lastCollection
        var missing: Set<Int32> = []
        for child in children.values where child.serves {
            do throws(MessageError) {
                try child.channel.send(bulk: Packet(.reportNow, number: collection))
                missing.insert(child.pid)
            } catch {
                log(.debug, "could not ask for a report", about: child, ["reason": "\(error)"])
            }
        }
        collections[collection] = FiguresCollection(
            done: done, missing: missing,
            timeout: loop.after(Self.collectionTime) { [unowned self] in answer(collection) })
        if missing.isEmpty { answer(collection) }
    }

    private func reported(_ child: Child, _ collection: UInt32) {
        guard collections[collection]?.missing.remove(child.pid) != nil else { return }
        if collections[collection]?.missing.isEmpty == true { answer(collection) }
    }

    /// A worker that is gone won't report, and its last figures are in the ledger.
    func forgetInCollections(_ child: Child) {
        for number in collections.keys { reported(child, number) }
    }

    private func answer(_ number: UInt32) {
        guard let collection = collections.removeValue(forKey: number) else { return }
        collection.timeout.cancel()
        receiveReports()
        collection.done(currentFigures())
    }

    /// - Parameter number: the one under which the child asked.
    private func send(_ figures: ClusterFigures, to child: Child, _ number: UInt32) {
        do throws(MessageError) {
            for part in figures.parts(maximumBytes: 60_000) {
                try child.channel.send(bulk: Packet(.figuresPart, number: number, and: part))
            }
        } catch {
            log(.debug, "could not send figures", about: child, ["reason": "\(error)"])
        }
    }
}
