// Measures a worker's process and its loop, by a timer that ticks twenty times a second while there is work and four times while there is none, and
// leaves what it finds in the shared page twice a second.
// Process: worker · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import EverycoreStatistics
internal import Glibc

final class ProcessMeter {
    private let loop: EventLoop
    private let page: ProcessPage
    private let figures: WorkerFigures
    /// -1 where the kernel keeps no account.
    private var runTime: Int32
    private var meter: LoopMeter
    private var period: UInt64 = 0
    private var timer: LoopTimer?
    private var publishedAt: UInt64
    private var (busy, demand): (UInt64, UInt64) = (0, 0)
    /// Of the interval before.
    private var earlierBusy: UInt64 = 0

    private static let interval: UInt64 = 500_000_000

    init(loop: EventLoop, page: ProcessPage, figures: WorkerFigures) {
        self.loop = loop
        self.page = page
        self.figures = figures
        runTime = cposix_open_run_time()
        publishedAt = EventLoop.monotonicNanoseconds()
        meter = LoopMeter(LoopMeter.Reading(now: publishedAt, running: 0))
        meter = LoopMeter(reading())
        setTimer()
    }

    private func setTimer() {
        period = meter.period
        timer = loop.every(.nanoseconds(Int64(clamping: period))) { [unowned self] in tick() }
        // By the time that it takes to set it a timer would seem late ever after.
        meter.timerSet(at: EventLoop.monotonicNanoseconds())
    }

    private func reading() -> LoopMeter.Reading {
        var (running, waiting): (UInt64, UInt64) = (0, 0)
        if runTime >= 0, unsafe cposix_read_run_time(runTime, &running, &waiting) != 0 {
            close(runTime)
            runTime = -1
        }
        if runTime < 0 { (running, waiting) = (cposix_thread_nanoseconds(), 0) }
        return LoopMeter.Reading(now: EventLoop.monotonicNanoseconds(), running: running, waiting: waiting)
    }

    private func tick() {
        let reading = reading()
        meter.ticked(reading)
        page.tick(now: reading.now, period: period)
        guard reading.now &- publishedAt >= Self.interval - period / 2 else { return }
        publishedAt = reading.now
        publish()
        if meter.period != period { setTimer() }
    }

    private func publish() {
        let interval = meter.interval()
        busy = busy.addingUpToLimit(interval.busy)
        demand = demand.addingUpToLimit(interval.demand)
        var process = ProcessFigures()
        process.loop = .init(
            lagP99Nanoseconds: interval.lagP99, lagMaxNanoseconds: interval.lagMax,
            busyNanosecondsPerSecond: (interval.busyPerSecond + earlierBusy) / 2)
        earlierBusy = interval.busyPerSecond
        var usage = cposix_usage()
        if unsafe cposix_process_usage(&usage) == 0 { process.usage = ProcessUsage(usage, busy: busy) }
        let open = cposix_open_descriptor_count()
        var (soft, hard) = (0, 0)
        if open > 0, unsafe cposix_open_file_limits(&soft, &hard) == 0 {
            process.descriptors = .init(open: UInt64(clamping: open), limit: UInt64(clamping: soft))
        }
        page.publish(process, demand: demand, now: publishedAt)
        if let resident = ResidentMemory.byteCount() { figures.set(.residentBytes, resident) }
    }
}

extension ProcessUsage {
    init(_ usage: cposix_usage, busy: UInt64) {
        self.init()
        (userNanoseconds, systemNanoseconds) = (usage.user, usage.system)
        (voluntarySwitches, involuntarySwitches) = (usage.voluntary, usage.involuntary)
        busyNanoseconds = busy
    }
}
