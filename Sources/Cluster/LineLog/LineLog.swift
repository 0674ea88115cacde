// The master's part in the lines of its workers: the memory in which they wait, the file that they go to, and the process that writes them.
// The master opens the file, which its workers may not be able to, and hands it over; it writes nothing itself.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

final class LineLog {
    private let context: MasterContext
    private let pool: WorkerPool
    /// Nil before the first plan with lines.
    private(set) var rings: LineRings?
    private var wake: (reader: Int32, writer: Int32) = (-1, -1)
    /// Where lines go, also while workers of an earlier plan still leave some.
    private var current: (target: LineTarget, file: OwnedDescriptor?)?
    private var lastGeneration = 0
    private var backoff = LineWriterBackoff()
    private var timer: LoopTimer?
    private var lostLines = LostLines()
    private var reopening = Reopening()

    /// How long the writer has at the end for what waits.
    static let finalTime = Duration.seconds(3)

    init(_ context: MasterContext, pool: WorkerPool) throws(SystemError) {
        self.context = context
        self.pool = pool
        try adopt()
    }

    /// Takes over what the plan in force wants.
    private func adopt() throws(SystemError) {
        guard let plan = context.plan.lines else { return }
        if rings == nil {
            var (reader, writer): (Int32, Int32) = (-1, -1)
            try systemCall("make a descriptor that wakes the access log's writer") { unsafe cposix_wake_up_pair(&reader, &writer) }
            wake = (reader, writer)
            rings = try LineRings.mapped(count: WorkerPool.pageCount(workers: pool.capacity, auxiliaries: context.plan.auxiliaries.count))
        }
        if let opened = plan.file.take() {
            current = (plan.target, opened)
        } else {
            current = (plan.target, try OpenedLineFile.open(plan.target))
        }
    }

    func start() { step() }

    func stop() {
        timer = nil
        reopening = Reopening()
    }

    // MARK: Workers

    /// Whether workers that are forked now leave lines.
    private var isOn: Bool { context.plan.lines != nil && rings != nil }

    func forked(_ child: Child) { child.writesLines = isOn && child.role.servesConnections }

    /// Runs in the child.
    func inheritance(of role: Role, on page: SharedPage) -> LineInheritance {
        guard let rings else { return LineInheritance() }
        if role == .lineWriter { return LineInheritance(writer: LineWriterBirth(rings: rings, wake: wake.reader, file: current?.file)) }
        if let file = current?.file { close(file.descriptor) }
        guard isOn, role.servesConnections, rings.rings.indices.contains(page.index) else { return LineInheritance() }
        return LineInheritance(ring: rings.rings[page.index], wake: wake.writer)
    }

    // MARK: The writer

    private var writer: Child? { pool.children.values.first { $0.role == .lineWriter } }

    private var mayStart: Bool {
        switch context.phase {
        case .running, .lameDuck, .handingOver, .drainingWorkers: true
        case .drainingAuxiliaries, .killing, .over: false
        }
    }

    private func step() {
        guard current != nil, mayStart else { return }
        let isNeeded = context.plan.lines != nil || pool.children.values.contains(where: \.writesLines)
        if let writer {
            if !isNeeded, !writer.stopRequested { finish(writer) }
        } else if !isNeeded {
            current = nil
        } else if timer == nil {
            timer = context.loop.after(backoff.delay(now: EventLoop.monotonicNanoseconds())) { [unowned self] in
                timer = nil
                fork()
            }
        }
    }

    private func fork() {
        guard current != nil, mayStart, writer == nil else { return }
        lastGeneration += 1
        backoff.started(now: EventLoop.monotonicNanoseconds())
        if pool.fork(.lineWriter, generation: lastGeneration) != .forked { step() }
    }

    /// Another one follows where there is need for it.
    private func leave(_ writer: Child) { if writer.phase != .dying { pool.drain(writer) } }

    /// Nothing leaves lines any more: what there is will be written.
    private func finish(_ writer: Child) {
        guard writer.phase != .dying else { return }
        writer.phase = .draining
        writer.stopRequested = true
        pool.finish(within: Self.finalTime) { $0 === writer }
    }

    /// A child was reaped.
    func childGone() { step() }

    // MARK: Another plan

    /// What the old workers leave goes to the new place from here on.
    func planChanged() {
        guard let plan = context.plan.lines else { return step() }
        let before = current?.target
        do throws(SystemError) { try adopt() } catch {
            return context.log(.error, .accessLogNotOpened, "the access log can't be opened", ["reason": "\(error)"])
        }
        if before == plan.target {
            handOver()
        } else if let writer {
            leave(writer)
        }
        step()
    }

    // MARK: Rotation

    /// Opens the file anew: after it was renamed, lines go to a new one.
    /// - Parameter done: called when the writer writes to the new one, or why not.
    func reopen(_ done: @escaping (Result<String, LineReopenFailure>) -> Void = { _ in }) {
        guard let target = current?.target else { return done(.failure(.off)) }
        guard case .file(let path) = target else { return done(.success("the access log goes to the standard output: there is nothing to reopen")) }
        do throws(SystemError) {
            current = (target, try OpenedLineFile.open(target))
        } catch {
            context.log(.error, .accessLogNotOpened, "the access log can't be reopened: it goes on in the old file", ["reason": "\(error)"])
            return done(.failure(.system(error)))
        }
        context.log(.info, .accessLogReopened, "access log reopened", ["path": "\(LogText.plain(path))"])
        guard let number = handOver() else { return done(.success("reopened: \(LogText.plain(path))")) }
        let timer = context.loop.after(.seconds(5)) { [unowned self] in
            for waiting in reopening.take(upTo: number) { waiting(.failure(.writerSilent)) }
        }
        reopening.add(number, timer) { result in done(result.map { "reopened: \(LogText.plain(path))" }) }
    }

    /// Gives the writer the file.
    /// - Returns: the number that it says when it has it; nil where there is none to tell: the next one begins with it.
    @discardableResult
    private func handOver() -> UInt32? {
        guard let file = current?.file, let writer, writer.channel.isOpen else { return nil }
        let number = reopening.nextNumber()
        do throws(MessageError) {
            try writer.channel.send(control: Packet(.lineFile, number: number), with: file)
            return number
        } catch {
            writer.send(SIGKILL)
            return nil
        }
    }

    /// The writer has taken a file.
    func taken(_ packet: Packet, from child: Child) {
        guard child.role == .lineWriter, let number = packet.numbered?.number else { return pool.ignore(packet, from: child) }
        for waiting in reopening.take(upTo: number) { waiting(.success(())) }
    }

    // MARK: Losses

    /// Once a second.
    func look(now: UInt64) {
        guard let rings, let lost = lostLines.looked(total: UInt(truncatingIfNeeded: rings.lost), now: now) else { return }
        context.log(.warning, .accessLogLost, "lines of the access log were lost: it is written too slowly, or not at all", ["lost": "\(lost)"])
    }

    /// What is left when all children are gone.
    func noteLeft() {
        guard let rings else { return }
        look(now: .max)
        let left = rings.waitingLines
        if left > 0 { context.log(.warning, .accessLogLost, "lines of the access log were not written before the end", ["lost": "\(left)"]) }
    }
}
