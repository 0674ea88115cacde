// The figures of all workers: their reports taken in, printed at intervals, and collected for those who ask.
// Runs in the master, on its loop.

internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

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

    func startReporting() {
        reportTimer = loop.every(max(options.reportInterval, .milliseconds(10))) { [unowned self] in
            guard reporter.printsIntervals else { return }
            collectFigures { [unowned self] in reporter.interval($0) }
        }
    }

    /// - Parameter limit: by default more than the socket can hold at a moment, but not what keeps coming.
    func receiveReports(atMost limit: Int = 16_384) {
        var count = 0
        while count < limit {
            count += 1
            guard case .packet(let datagram) = PacketSocket.receive(on: reportReceiver, buffer: &buffer.bytes) else {
                return
            }
            // What is no report of ours is counted in the ledger and changes nothing else.
            _ = ledger.ingest(datagram, now: EventLoop.monotonicNanoseconds())
        }
    }

    func currentFigures() -> ClusterFigures {
        let now = EventLoop.monotonicNanoseconds()
        noteQuarantine(now: now)
        return ledger.figures(now: now)
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

    func reported(_ child: Child, _ collection: UInt32) {
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
    func send(_ figures: ClusterFigures, to child: Child, _ number: UInt32) {
        do throws(MessageError) {
            for part in figures.parts(maximumBytes: 60_000) {
                try child.channel.send(bulk: Packet(.figuresPart, number: number, and: part))
            }
        } catch {
            log(.debug, "could not send figures", about: child, ["reason": "\(error)"])
        }
    }
}
