// What the cluster did in the last five minutes, the last hour and the last day, and what happened meanwhile. The master writes it into a file in
// memory: the admin worker reads it there, also after its own respawn, and the program that takes this one's place goes on with it.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc
internal import Logging

@safe
final class History {
    private let context: MasterContext
    /// Nil where there is no memory for it: then there is no history.
    private let start: UnsafeMutableRawPointer?
    /// Of the file; -1 where there can be none: then a new program begins with an empty history.
    private let file: Int32
    let memory: HistoryMemory?
    private var recorder = HistoryRecorder()
    private var timer: LoopTimer?

    private static let interval = Duration.seconds(1)

    /// - Parameter inherited: the file of the master whose place this one takes.
    init(_ context: MasterContext, inherited: Int32?) {
        self.context = context
        if let inherited, let taken = unsafe Self.take(inherited) {
            unsafe (file, start, memory) = (inherited, taken, HistoryMemory(at: taken))
        } else {
            // Only auxiliaries read it.
            let isRead = !context.plan.auxiliaries.isEmpty
            let made = isRead ? cposix_memory_file(HistoryMemory.byteCount) : -1
            let mapped = unsafe made < 0 ? nil : cposix_map_file(made, HistoryMemory.byteCount)
            if unsafe mapped == nil, made >= 0 { close(made) }
            file = unsafe mapped == nil ? -1 : made
            unsafe start = mapped ?? (isRead ? cposix_map_shared(HistoryMemory.byteCount) : nil)
            unsafe memory = start.map { unsafe HistoryMemory(at: $0) }
            memory?.begin()
            if let inherited {
                close(inherited)
                context.log(.warning, .historyNotInherited, "the old master's history is of another layout: it begins anew")
            } else {
                mark(.start)
            }
        }
        context.onLog = { [unowned self] event, fields in note(event, fields) }
    }

    /// Maps the old master's file, which that one still writes; nil where it isn't of this layout.
    private static func take(_ file: Int32) -> UnsafeMutableRawPointer? {
        guard let start = unsafe cposix_map_file(file, HistoryMemory.byteCount) else { return nil }
        guard unsafe HistoryMemory(at: start).isKnown else {
            unsafe cposix_unmap(start, HistoryMemory.byteCount)
            return nil
        }
        return unsafe start
    }

    /// What an upgrade leaves to the new program; nil where it can't.
    var descriptor: Int32? { file >= 0 ? file : nil }

    /// Two masters may have it: the one writes that has the service.
    private var writes: Bool { !context.holdsConnections && context.phase != .handingOver }

    // MARK: Steps

    /// Begins to write, unless it does already or another master does.
    func begin(_ figures: @escaping () -> ClusterFigures) {
        guard writes, memory != nil, timer == nil else { return }
        write(figures())
        timer = context.loop.every(Self.interval) { [unowned self] in write(figures()) }
    }

    func stop() { timer = nil }

    private func write(_ figures: ClusterFigures) {
        guard writes else { return }
        for (span, step) in recorder.tick(figures, unixMilliseconds: unixMilliseconds()) { memory?.append(step, to: span) }
    }

    /// Another master goes on from here.
    func handOver(_ figures: ClusterFigures) {
        timer = nil
        for (span, step) in recorder.end(figures, unixMilliseconds: unixMilliseconds()) { memory?.append(step, to: span) }
    }

    private func unixMilliseconds() -> UInt64 {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UInt64(clamping: time.tv_sec) &* 1000 &+ UInt64(clamping: time.tv_nsec / 1_000_000)
    }

    // MARK: Marks

    func mark(_ kind: HistoryMark.Kind, number: Int = 0, text: String = "") {
        guard writes else { return }
        memory?.append(HistoryMark(kind, unixMilliseconds: unixMilliseconds(), number: number, text: text))
    }

    /// A worker was reaped, or could not be made.
    func exited(_ exit: WorkerExit) {
        guard !exit.isVoluntary, exit.slot >= 0 else { return }
        mark(exit.wasStuck ? .stuck : .death, number: 1, text: "\(exit.name == Role.workerName ? "worker \(exit.slot)" : exit.name): \(exit.reason)")
    }

    /// The log's words for what changes the whole service are the marks'.
    private func note(_ event: ClusterLogEvent, _ fields: Logger.Metadata) {
        switch event {
        case .reloadFinished: mark(.reload)
        case .reloadFailed, .reloadRefused: mark(.reloadFailed, text: fields["reason"].map { "\($0)" } ?? "")
        case .upgradeTookOver: mark(.upgrade)
        case .upgradeFailed, .upgradeRolledBack, .upgradeRefused: mark(.upgradeFailed)
        case .scaling: mark(.scaling, number: fields["workers"].flatMap { Int("\($0)") } ?? 0)
        case .quarantineStarted: mark(.quarantine, text: fields["route"].map { "\($0)" } ?? "")
        case .quarantineEnded: mark(.quarantineEnded, text: fields["route"].map { "\($0)" } ?? "")
        case .stopping: mark(.stop)
        default: break
        }
    }

    // MARK: In children

    /// Runs in a child right after the fork: an auxiliary may read, and a worker has nothing of it.
    func leave(to role: Role) -> HistoryMemory? {
        context.onLog = nil
        if file >= 0 { close(file) }
        guard let start = unsafe start else { return nil }
        guard case .auxiliary = role, unsafe cposix_protect_from_writing(start, HistoryMemory.byteCount) == 0 else {
            unsafe cposix_unmap(start, HistoryMemory.byteCount)
            return nil
        }
        return memory
    }
}
