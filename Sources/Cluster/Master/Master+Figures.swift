// The figures of all workers: their reports taken in, printed at intervals, and collected for those who ask.
// Runs in the master, on its loop.

internal import EverycoreLoop
internal import Logging
internal import EverycoreStatistics

/// Figures that wait for every worker's report, so that they are all of one moment. One such collection runs at a time; whoever asks
/// meanwhile shares the next one, so that no number of questions makes more than two.
struct FiguresCollections {
    typealias Done = (ClusterFigures) -> Void

    struct Running {
        let number: UInt32
        var done: [Done]
        /// Process ids of the workers that have not reported yet.
        var missing: Set<Int32>
        var timeout: LoopTimer?
    }

    var running: Running?
    var next: [Done] = []
    var last: UInt32 = 0
}

extension Master {
    /// Workers that don't report within this time are answered for with their last figures.
    private static let collectionTime = Duration.milliseconds(50)
    /// One process may have asked so often at a time without an answer.
    private static let questionLimit = 16

    func startReporting() {
        reportTimer = loop.every(max(options.reportInterval, .milliseconds(10))) { [unowned self] in
            guard reporter.printsIntervals else { return }
            collectFigures { [unowned self] in reporter.interval($0) }
        }
    }

    /// A report counts for the worker whose channel it came on. What is no report of it is counted in the ledger and changes nothing else.
    func takeReport(_ packet: Packet, from child: Child) {
        guard case .worker(let slot) = child.role else { return ignore(packet, from: child) }
        let now = EventLoop.monotonicNanoseconds()
        let baseLines = ledger.baseLines
        _ = ledger.ingest(Array(packet.payload), from: (slot, child.generation), now: now)
        if ledger.baseLines != baseLines { noteBaseLine(of: child, now: now) }
    }

    private func noteBaseLine(of child: Child, now: UInt64) {
        guard lines.allows(.baseLine, now: now) != nil else { return }
        log(.warning, .figuresRebased, "a worker's figures could not be true: counting from there", about: child)
    }

    func currentFigures() -> ClusterFigures {
        let now = EventLoop.monotonicNanoseconds()
        noteQuarantine(now: now)
        return ledger.figures(now: now)
    }

    /// Lets every worker report, and calls `done` with the figures of all.
    func collectFigures(_ done: @escaping (ClusterFigures) -> Void) {
        guard collections.running == nil else { return collections.next.append(done) }
        collect(for: [done])
    }

    private func collect(for done: [FiguresCollections.Done]) {
        collections.last &+= 1
        let number = collections.last
        var missing: Set<Int32> = []
        for child in children.values where child.serves {
            do throws(MessageError) {
                try child.channel.send(bulk: Packet(.reportNow, number: number))
                missing.insert(child.pid)
            } catch {
                log(.debug, .figuresNotAsked, "could not ask for a report", about: child, ["reason": "\(error)"])
            }
        }
        collections.running = .init(number: number, done: done, missing: missing)
        guard !missing.isEmpty else { return answer() }
        collections.running?.timeout = loop.after(Self.collectionTime) { [unowned self] in answer() }
    }

    func reported(_ child: Child, _ number: UInt32) {
        guard collections.running?.number == number, collections.running?.missing.remove(child.pid) != nil else { return }
        if collections.running?.missing.isEmpty == true { answer() }
    }

    /// A worker that is gone won't report, and its last figures are in the ledger.
    func forgetInCollections(_ child: Child) {
        if let number = collections.running?.number { reported(child, number) }
    }

    /// Takes in what the worker counts, as its shared page has it.
    func readPage(of child: Child, now: UInt64) {
        guard case .worker(let slot) = child.role, child.phase != .dying else { return }
        let baseLines = ledger.baseLines
        ledger.refresh(slot: slot, generation: child.generation, figures: child.page.figures.snapshot(), now: now)
        if ledger.baseLines != baseLines { noteBaseLine(of: child, now: now) }
    }

    private func answer() {
        guard let collection = collections.running else { return }
        collection.timeout?.cancel()
        collections.running = nil
        // A stuck worker doesn't report, a busy one not in time.
        let now = EventLoop.monotonicNanoseconds()
        for pid in collection.missing { if let child = children[pid] { readPage(of: child, now: now) } }
        let figures = currentFigures()
        for done in collection.done { done(figures) }
        guard collections.running == nil, !collections.next.isEmpty else { return }
        let next = collections.next
        collections.next = []
        collect(for: next)
    }

    /// The child asks for the figures of all.
    func figuresAsked(by child: Child, _ number: UInt32) {
        guard child.openQuestions < Self.questionLimit else {
            return sayOfPeer(.figuresAsked, .figuresNotAsked, "a question for figures was left out: too many are open", about: child)
        }
        child.openQuestions += 1
        collectFigures { [unowned self] figures in
            child.openQuestions -= 1
            send(figures, to: child, number)
        }
    }

    /// - Parameter number: the one under which the child asked.
    func send(_ figures: ClusterFigures, to child: Child, _ number: UInt32) {
        do throws(MessageError) {
            for part in figures.parts(maximumBytes: 60_000) {
                try child.channel.send(bulk: Packet(.figuresPart, number: number, and: part))
            }
        } catch {
            log(.debug, .figuresNotSent, "could not send figures", about: child, ["reason": "\(error)"])
        }
    }
}
