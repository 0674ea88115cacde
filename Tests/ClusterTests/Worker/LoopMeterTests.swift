// How busy a loop is and how late its timers are, from the ticks of a timer: loops are played that wait, run, sleep in handlers or get no core.

import Cluster
import EverycoreStatistics
import Glibc
import TestSupport
import Testing

@Suite struct LoopMeterTests {
    private static let millisecond: UInt64 = 1_000_000

    /// A loop whose turns are played in steps of a tenth of a millisecond.
    private struct Loop {
        enum Doing { case waits, runs, sleeps, lacksCore }

        var meter: LoopMeter
        private var now: UInt64 = 1
        private var (running, waiting): (UInt64, UInt64) = (0, 0)
        private var armedAt: UInt64 = 1
        private var fired: UInt64 = 0

        init() { meter = LoopMeter(.init(now: 1, running: 0)) }

        /// - Parameter turns: what it does, and for how many milliseconds; timers fire between two of them and while it waits.
        mutating func play(_ turns: [(Doing, Double)]) -> LoopMeter.Interval {
            for (doing, milliseconds) in turns {
                let end = now + UInt64(milliseconds * 1e6)
                while now < end {
                    let step = min(end - now, 100_000)
                    now += step
                    if doing == .runs { running += step }
                    if doing == .lacksCore { waiting += step }
                    if doing == .waits { fire() }
                }
                fire()
            }
            // The interval ends at a tick.
            while !fire() { now += 100_000 }
            let period = meter.period
            let interval = meter.interval()
            if meter.period != period {
                // What is done between two intervals takes its time.
                now += 3_000_000
                (armedAt, fired) = (now, 0)
                meter.timerSet(at: now)
            }
            return interval
        }

        @discardableResult
        private mutating func fire() -> Bool {
            let due = (now - armedAt) / meter.period
            guard due > fired else { return false }
            fired = due
            meter.ticked(.init(now: now, running: running, waiting: waiting))
            return true
        }
    }

    private func share(_ interval: LoopMeter.Interval) -> Double { Double(interval.busyPerSecond) / 1e9 }

    @Test func `a loop that waits is idle, and is asked less often`() {
        var loop = Loop()
        #expect(share(loop.play([(.waits, 1000)])) < 0.01)
        #expect(loop.meter.period == LoopMeter.idlePeriod)
        #expect(share(loop.play([(.waits, 1000)])) < 0.01)
    }

    @Test func `short turns on the CPU are busy as the kernel counts them`() {
        var loop = Loop()
        let interval = loop.play(Array(repeating: [(Loop.Doing.runs, 0.3), (.waits, 0.7)], count: 1000).flatMap { $0 })
        #expect(abs(share(interval) - 0.3) < 0.05)
        #expect(loop.meter.period == LoopMeter.busyPeriod)
    }

    @Test func `a handler that sleeps is busy`() {
        var loop = Loop()
        let interval = loop.play(Array(repeating: [(Loop.Doing.sleeps, 9.3), (.waits, 0.7)], count: 100).flatMap { $0 })
        #expect(share(interval) > 0.7)
        #expect(interval.lagMax > 5 * Self.millisecond)
    }

    @Test func `one long sleep is busy for as long, and as late`() {
        var loop = Loop()
        let interval = loop.play([(.waits, 100), (.sleeps, 800), (.waits, 100)])
        #expect(abs(share(interval) - 0.8) < 0.07)
        #expect(interval.lagMax > 740 * Self.millisecond)
        #expect(interval.lagP99 > 600 * Self.millisecond)
    }

    @Test func `waiting for a core counts, and no more than once`() {
        var loop = Loop()
        let interval = loop.play(Array(repeating: [(Loop.Doing.lacksCore, 3), (.runs, 1), (.waits, 6)], count: 100).flatMap { $0 })
        #expect(abs(share(interval) - 0.4) < 0.05)
        #expect(interval.demand <= 450 * Self.millisecond)
    }

    @Test func `lags are shown for five to ten seconds`() {
        var loop = Loop()
        _ = loop.play([(.sleeps, 300), (.waits, 700)])
        for _ in 0..<4 { #expect(loop.play([(.waits, 1000)]).lagMax > 200 * Self.millisecond) }
        for _ in 0..<7 { _ = loop.play([(.waits, 1000)]) }
        #expect(loop.play([(.waits, 1000)]).lagMax < 10 * Self.millisecond)
    }

    @Test func `clocks that jump trap nowhere`() {
        var random = SeededGenerator.printingSeed(5)
        var meter = LoopMeter(.init(now: 0, running: 0))
        for _ in 0..<3000 {
            let numbers: [UInt64] = [0, 1, .max, UInt64.random(in: 0...1 << 40, using: &random)]
            meter.ticked(
                .init(
                    now: numbers.randomElement(using: &random) ?? 0, running: numbers.randomElement(using: &random) ?? 0,
                    waiting: numbers.randomElement(using: &random) ?? 0))
            if Bool.random(using: &random) { #expect(meter.interval().busyPerSecond <= 1_000_000_000) }
        }
    }
}

@Suite struct ProcessPageTests {
    private func withPage(_ body: (ProcessPage, UnsafeMutablePointer<UInt64>) -> Void) {
        let words = ProcessPage.byteCount / 8
        let memory = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
        unsafe memory.initialize(repeating: 0, count: words)
        defer { unsafe memory.deallocate() }
        unsafe body(ProcessPage(at: memory), memory)
    }

    private var process: ProcessFigures {
        var process = ProcessFigures()
        process.usage = ProcessUsage()
        process.usage?.userNanoseconds = 7
        process.usage?.busyNanoseconds = 11
        process.loop = .init(lagP99Nanoseconds: 1, lagMaxNanoseconds: 2, busyNanosecondsPerSecond: 3)
        process.descriptors = .init(open: 20, limit: 64)
        return process
    }

    @Test func `before the first tick nothing is known`() {
        unsafe withPage { page, _ in
            #expect(page.figures(now: 100, age: 100) == ProcessFigures())
            #expect(page.load(now: 100) == nil)
            #expect(page.isSilent(now: 100))
        }
    }

    @Test func `what was written is read`() {
        unsafe withPage { page, _ in
            page.tick(now: 1000, period: 50)
            page.publish(process, demand: 5, now: 1000)
            #expect(page.figures(now: 1040, age: 1 << 40) == process)
            #expect(page.load(now: 1040).map { $0.busy == 11 && $0.demand == 5 && $0.at == 1000 } == true)
        }
    }

    @Test func `a loop that does not come to its timers is busy, and the lag grows`() {
        unsafe withPage { page, _ in
            page.tick(now: 1000, period: 50)
            page.publish(process, demand: 5, now: 1000)
            let figures = page.figures(now: 3_000_001_050, age: 1 << 40)
            #expect(figures.loop?.busy == 1)
            #expect(figures.loop?.lagMaxNanoseconds == 3_000_000_000)
            #expect(page.load(now: 3_000_001_000).map { $0.busy == 3_000_000_011 && $0.at == 3_000_001_000 } == true)
        }
    }

    @Test func `whatever stands there, nothing traps and shares stay shares`() {
        var random = SeededGenerator.printingSeed(3)
        unsafe withPage { page, words in
            for _ in 0..<5000 {
                for word in 0..<ProcessPage.byteCount / 8 {
                    unsafe words[word] = [0, 1, .max, .max / 2, UInt64.random(in: 0...(.max), using: &random)].randomElement(using: &random) ?? 0
                }
                let figures = page.figures(now: UInt64.random(in: 0...(.max), using: &random), age: 1 << 40)
                #expect(figures.loop.map { $0.busy <= 1 } ?? true)
                _ = page.load(now: UInt64.random(in: 0...(.max), using: &random))
            }
        }
    }
}
