// What the kernel tells of workers' processes and of the queues of listeners. The rest a worker measures itself (ProcessMeter), and it is taken from
// its shared page.
// Process: master · Thread: loop
//
// Once a second the queues are read, and for a budget of two milliseconds the memory of workers, one after the other; a reading makes the kernel walk
// through the process's pages. So it costs the master the same however many workers there are: what grows is the readings' age.

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc

final class ProcessReader {
    private let context: MasterContext
    private let pool: WorkerPool
    private let keeper: ListenerKeeper
    private var queues: [ProcessFigures.AcceptQueue?] = []
    private(set) var sharedAcceptQueue: ProcessFigures.AcceptQueue?
    private var memory: [Int32: (reading: MemoryReading, at: UInt64)] = [:]
    /// CPU time of workers whose loop doesn't turn.
    private var silentTimes: [Int32: ProcessTimes] = [:]
    private var budget = ReadingBudget()
    private var timer: LoopTimer?

    private static let interval = Duration.seconds(1)
    private static let ticksPerSecond = UInt64(clamping: sysconf(Int32(_SC_CLK_TCK)))

    init(_ context: MasterContext, pool: WorkerPool, keeper: ListenerKeeper) {
        self.context = context
        self.pool = pool
        self.keeper = keeper
    }

    func start() {
        guard timer == nil else { return }
        timer = context.loop.every(Self.interval) { [unowned self] in look() }
    }

    func stop() { timer = nil }

    // MARK: What is known

    var slotCount: Int { queues.count }

    func acceptQueue(_ slot: Int) -> ProcessFigures.AcceptQueue? { queues.indices.contains(slot) ? queues[slot] : nil }

    func figures(of child: Child, now: UInt64) -> ProcessFigures {
        var process = child.page.process.figures(now: now, age: now.subtractingDownToZero(child.forkedAt))
        if let times = silentTimes[child.pid], var usage = process.usage {
            usage.userNanoseconds = max(usage.userNanoseconds, times.userNanoseconds)
            usage.systemNanoseconds = max(usage.systemNanoseconds, times.systemNanoseconds)
            process.usage = usage
        }
        process.memory = memory[child.pid].map {
            .init(
                proportionalBytes: $0.reading.proportionalBytes, privateBytes: $0.reading.privateBytes,
                ageNanoseconds: now.subtractingDownToZero($0.at))
        }
        return process
    }

    // MARK: A look

    private func look() {
        readQueues()
        let now = EventLoop.monotonicNanoseconds()
        budget.accrue(now: now)
        let workers = pool.workers.filter { $0.phase == .ready || $0.phase == .draining }
        let pids = Set(workers.map(\.pid))
        memory = memory.filter { pids.contains($0.key) }
        silentTimes = silentTimes.filter { pids.contains($0.key) }
        for child in workers where child.page.process.isSilent(now: now) && budget.allows { readTimes(of: child.pid) }
        // The oldest first, and none that is new.
        let order = workers.filter { mayReadMemory(of: $0, now: now) }.map { (pid: $0.pid, at: memory[$0.pid]?.at ?? 0) }
            .sorted { ($0.at, $0.pid) < ($1.at, $1.pid) }
        for (pid, at) in order where now.subtractingDownToZero(at) >= MemoryReading.shortestAge && budget.allows { readMemory(of: pid) }
    }

    func readQueues() {
        let listeners = keeper.listeners
        queues = (0..<pool.capacity).map { listeners.listens($0) ? queue(of: listeners.own($0)) : nil }
        sharedAcceptQueue = queue(of: listeners.shared)
    }

    /// Of all these together.
    private func queue(of listeners: [Listener]) -> ProcessFigures.AcceptQueue? {
        var sum: ProcessFigures.AcceptQueue?
        for listener in listeners {
            var (length, limit): (UInt32, UInt32) = (0, 0)
            guard unsafe cposix_accept_queue(listener.descriptor, &length, &limit) == 0 else { continue }
            sum = .init(
                length: UInt64(length).addingUpToLimit(sum?.length ?? 0), limit: UInt64(limit).addingUpToLimit(sum?.limit ?? 0))
        }
        return sum
    }

    private func readTimes(of pid: Int32) {
        budget.spend {
            let text = readSmallFile("/proc/\(pid)/stat")
            silentTimes[pid] = text.flatMap { ProcessTimes(stat: $0, ticksPerSecond: Self.ticksPerSecond) } ?? silentTimes[pid]
        }
    }

    /// One reading has no bound but the worker's size, and waits for a worker that changes its memory: not where either may take long.
    private func mayReadMemory(of child: Child, now: UInt64) -> Bool {
        !child.page.process.isSilent(now: now) && child.page.figures[.residentBytes] <= MemoryReading.mostResidentBytes
    }

    private func readMemory(of pid: Int32) {
        budget.spend {
            // Refused where the worker has another user and the master lacks CAP_SYS_PTRACE.
            guard let reading = readSmallFile("/proc/\(pid)/smaps_rollup").flatMap(MemoryReading.init(rollup:)) else { return }
            memory[pid] = (reading, EventLoop.monotonicNanoseconds())
        }
    }
}

/// How much time a second the master spends on readings. A pure value.
package struct ReadingBudget: Equatable {
    /// Nanoseconds; below zero where the last reading took longer than there was.
    private var credit: Int64 = 0
    private var accruedAt: UInt64 = 0

    package static let perSecond: Int64 = 2_000_000

    package init() {}

    package mutating func accrue(now: UInt64) {
        let elapsed = accruedAt == 0 ? 1_000_000_000 : now.subtractingDownToZero(accruedAt)
        accruedAt = now
        credit = min(credit + Int64(clamping: elapsed / 1000) * (Self.perSecond / 1_000_000), Self.perSecond)
    }

    package var allows: Bool { credit > 0 }

    /// A reading took so long.
    package mutating func spend(_ nanoseconds: UInt64) { credit -= Int64(clamping: min(nanoseconds, 60_000_000_000)) }

    mutating func spend(_ body: () -> Void) {
        let begun = EventLoop.monotonicNanoseconds()
        body()
        spend(EventLoop.monotonicNanoseconds().subtractingDownToZero(begun))
    }
}

/// /proc/PID/smaps_rollup, proc_pid_smaps(5).
package struct MemoryReading: Equatable {
    package let proportionalBytes: UInt64
    package let privateBytes: UInt64

    /// Of larger workers it isn't read: a reading takes some 15 ms a gigabyte.
    package static let mostResidentBytes: UInt64 = 1 << 30
    /// A worker's is read no more often.
    package static let shortestAge: UInt64 = 10_000_000_000

    package init?(rollup text: String) {
        var (proportional, own): (UInt64?, UInt64) = (nil, 0)
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 3, words[2] == "kB", let count = UInt64(words[1]) else { continue }
            let (bytes, overflow) = count.multipliedReportingOverflow(by: 1024)
            guard !overflow else { return nil }
            switch words[0] {
            case "Pss:": proportional = bytes
            case "Private_Clean:", "Private_Dirty:", "Private_Hugetlb:": own = own.addingUpToLimit(bytes)
            default: break
            }
        }
        guard let proportional else { return nil }
        proportionalBytes = proportional
        privateBytes = own
    }
}

/// The CPU time of a whole process, from /proc/PID/stat (proc_pid_stat(5)).
package struct ProcessTimes: Equatable {
    package let userNanoseconds: UInt64
    package let systemNanoseconds: UInt64

    package init?(stat text: String, ticksPerSecond: UInt64) {
        guard let end = text.lastIndex(of: ")"), ticksPerSecond > 0 else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        // utime and stime are the fourteenth and fifteenth of all fields, and the third is the first of these.
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        let nanoseconds = [user, system].map { $0.multipliedReportingOverflow(by: 1_000_000_000) }
        guard nanoseconds.allSatisfy({ !$0.overflow }) else { return nil }
        userNanoseconds = nanoseconds[0].partialValue / ticksPerSecond
        systemNanoseconds = nanoseconds[1].partialValue / ticksPerSecond
    }
}
