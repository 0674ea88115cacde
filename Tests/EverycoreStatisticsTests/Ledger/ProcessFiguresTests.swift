// What is known of the workers' processes: in the ledger, on the wire, on the pages.

import EverycoreStatistics
import Foundation
import TestSupport
import Testing

@Suite struct ProcessFiguresTests {
    private func usage(user: UInt64, busy: UInt64 = 0) -> ProcessUsage {
        var usage = ProcessUsage()
        usage.userNanoseconds = user
        usage.systemNanoseconds = user / 2
        usage.voluntarySwitches = 40
        usage.involuntarySwitches = 2
        usage.busyNanoseconds = busy
        return usage
    }

    private func process(user: UInt64) -> ProcessFigures {
        var process = ProcessFigures()
        process.usage = usage(user: user, busy: user)
        process.loop = .init(lagP99Nanoseconds: 2_000_000, lagMaxNanoseconds: 9_000_000, busyNanosecondsPerSecond: 250_000_000)
        process.memory = .init(proportionalBytes: 7_000_000, privateBytes: 5_000_000, ageNanoseconds: 3 * Sample.second)
        process.descriptors = .init(open: 31, limit: 1024)
        return process
    }

    private func ledger(slots: Int = 1) -> ClusterLedger {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: slots)
        for slot in 0..<slots { ledger.started(slot: slot, generation: 1, pid: 100, now: 0) }
        return ledger
    }

    // MARK: The ledger

    @Test func `before anything is known nothing is said`() throws {
        let figures = ledger().figures(now: Sample.second)
        #expect(figures.slots.first?.process == ProcessFigures())
        let text = StatsPage.json(figures, server: .init(name: "", version: "", startedUnixSeconds: 0))
        for member in ["accept_queue", "loop", "cpu_seconds", "\"memory\"", "context_switches", "descriptors"] {
            #expect(!text.contains(member), "\(member)")
        }
        let page = MetricsPage.text(figures, server: .init(name: "", version: "", startedUnixSeconds: 0))
        for family in ["cpu_seconds", "loop_", "accept_queue", "descriptors"] { #expect(!page.contains(family), "\(family)") }
    }

    @Test func `what generations used adds up and never falls, gauges are those of the newest`() {
        var ledger = ledger()
        ledger.observe(slot: 0, generation: 1, process: process(user: Sample.second), now: 5 * Sample.second)
        ledger.started(slot: 0, generation: 2, pid: 101, planned: true, now: 5 * Sample.second)
        #expect(ledger.figures(now: 5 * Sample.second).slots[0].process.loop == nil)
        var second = process(user: Sample.second / 2)
        second.descriptors = .init(open: 12, limit: 64)
        ledger.observe(slot: 0, generation: 2, process: second, now: 6 * Sample.second)
        ledger.observe(slot: 0, generation: 1, process: process(user: 2 * Sample.second), now: 6 * Sample.second)
        let both = ledger.figures(now: 6 * Sample.second)
        #expect(both.usage?.userNanoseconds == 2 * Sample.second + Sample.second / 2)
        #expect(both.slots[0].process.descriptors == .init(open: 12, limit: 64))
        ledger.retire(slot: 0, generation: 1, final: nil, usage: usage(user: 3 * Sample.second), now: 7 * Sample.second)
        #expect(ledger.figures(now: 7 * Sample.second).usage?.userNanoseconds == 3 * Sample.second + Sample.second / 2)
        ledger.retire(slot: 0, generation: 2, final: nil, now: 8 * Sample.second)
        let dead = ledger.figures(now: 8 * Sample.second)
        #expect(dead.usage?.userNanoseconds == 3 * Sample.second + Sample.second / 2)
        #expect(dead.slots[0].process.loop == nil)
        ledger.remove(slot: 0)
        #expect(ledger.figures(now: 9 * Sample.second).usage?.userNanoseconds == 3 * Sample.second + Sample.second / 2)
    }

    @Test func `a reading that is lower, or higher than can be, changes nothing`() {
        var ledger = ledger()
        ledger.observe(slot: 0, generation: 1, process: process(user: 4 * Sample.second), now: 5 * Sample.second)
        for user in [Sample.second, .max] {
            ledger.observe(slot: 0, generation: 1, process: process(user: user), now: 6 * Sample.second)
            #expect(ledger.figures(now: 6 * Sample.second).usage?.userNanoseconds == 4 * Sample.second)
        }
    }

    @Test func `a master that follows goes on counting`() {
        var before = ledger()
        before.observe(slot: 0, generation: 1, process: process(user: Sample.second), now: 5 * Sample.second)
        var after = ledger()
        after.carry(before.figures(now: 6 * Sample.second))
        #expect(after.figures(now: 7 * Sample.second).usage?.userNanoseconds == Sample.second)
    }

    @Test func `a queue stays with its slot when the worker is gone`() {
        var ledger = ledger(slots: 2)
        ledger.observe(slot: 0, acceptQueue: .init(length: 3, limit: 128))
        ledger.observe(slot: 1, acceptQueue: .init(length: 1, limit: 128))
        ledger.retire(slot: 0, generation: 1, final: nil, now: 1)
        let figures = ledger.figures(now: 2)
        #expect(figures.slots[0].process.acceptQueue == .init(length: 3, limit: 128))
        #expect(figures.process.acceptQueue == .init(length: 4, limit: 256))
    }

    @Test func `all together are sums, the longest lag and the mean share`() {
        var idle = process(user: 0)
        idle.loop = .init(lagP99Nanoseconds: 1, lagMaxNanoseconds: 20_000_000, busyNanosecondsPerSecond: 0)
        var ledger = ledger(slots: 3)
        ledger.observe(slot: 0, generation: 1, process: process(user: Sample.second), now: Sample.second)
        ledger.observe(slot: 1, generation: 1, process: idle, now: Sample.second)
        let all = ledger.figures(now: 2 * Sample.second).process
        #expect(all.loop == .init(lagP99Nanoseconds: 2_000_000, lagMaxNanoseconds: 20_000_000, busyNanosecondsPerSecond: 125_000_000))
        #expect(all.memory?.proportionalBytes == 14_000_000)
        #expect(all.descriptors == .init(open: 62, limit: 2048))
    }

    // MARK: The wire

    @Test func `any of the groups may be missing on the wire`() throws {
        for groups in 0..<32 {
            var sent = process(user: 70)
            if groups & 1 == 0 { sent.usage = nil }
            if groups & 2 == 0 { sent.loop = nil }
            if groups & 4 == 0 { sent.memory = nil }
            if groups & 8 == 0 { sent.descriptors = nil }
            var ledger = ledger()
            ledger.observe(slot: 0, generation: 1, process: sent, now: 5)
            if groups & 16 != 0 { ledger.observe(slot: 0, acceptQueue: .init(length: 9, limit: 4096)) }
            let figures = ledger.figures(now: 6)
            var assembler = ClusterFigures.Assembler()
            #expect(try assembler.add(figures.parts()[0]) == figures)
        }
    }

    // MARK: The pages

    @Test func `the page has the members that are known`() throws {
        struct Page: Decodable {
            struct Pair: Decodable { let length, limit: UInt64 }
            struct Lag: Decodable { let p99, max: Double }
            struct Loop: Decodable {
                let lag_seconds: Lag
                let busy, busy_seconds: Double
            }
            struct CPU: Decodable { let user, system: Double }
            struct Memory: Decodable {
                let pss_bytes, private_bytes: UInt64
                let age_seconds: Double
            }
            struct Switches: Decodable { let voluntary, involuntary: UInt64 }
            struct Descriptors: Decodable { let open, limit: UInt64 }
            struct Process: Decodable {
                let accept_queue: Pair
                let loop: Loop
                let cpu_seconds: CPU
                let memory: Memory
                let context_switches: Switches
                let descriptors: Descriptors
            }
            let total: Process
            let workers: [Process]
        }
        var ledger = ledger()
        ledger.observe(slot: 0, generation: 1, process: process(user: Sample.second), now: 5 * Sample.second)
        ledger.observe(slot: 0, acceptQueue: .init(length: 3, limit: 128))
        let text = StatsPage.json(ledger.figures(now: 6 * Sample.second), server: .init(name: "", version: "", startedUnixSeconds: 0))
        let page = try JSONDecoder().decode(Page.self, from: Data(text.utf8))
        for process in page.workers + [page.total] {
            #expect(process.accept_queue.length == 3)
            #expect(process.accept_queue.limit == 128)
            #expect(process.loop.lag_seconds.p99 == 0.002)
            #expect(process.loop.lag_seconds.max == 0.009)
            #expect(process.loop.busy == 0.25)
            #expect(process.loop.busy_seconds == 1)
            #expect(process.cpu_seconds.user == 1)
            #expect(process.cpu_seconds.system == 0.5)
            #expect(process.memory.pss_bytes == 7_000_000)
            #expect(process.memory.private_bytes == 5_000_000)
            #expect(process.memory.age_seconds == 3)
            #expect(process.context_switches.voluntary == 40)
            #expect(process.context_switches.involuntary == 2)
            #expect(process.descriptors.open == 31)
            #expect(process.descriptors.limit == 1024)
        }
    }

    @Test func `the metrics have the same, by worker and for all`() {
        var ledger = ledger()
        ledger.observe(slot: 0, generation: 1, process: process(user: Sample.second), now: 5 * Sample.second)
        ledger.observe(slot: 0, acceptQueue: .init(length: 3, limit: 128))
        let page = MetricsPage.text(ledger.figures(now: 6 * Sample.second), server: .init(name: "", version: "", startedUnixSeconds: 0))
        let lines = Set(page.split(separator: "\n"))
        for line in [
            "everycore_cpu_seconds_total{mode=\"user\"} 1", "everycore_accept_queue_length 3",
            "everycore_worker_cpu_seconds_total{worker=\"0\",mode=\"system\"} 0.5", "everycore_worker_loop_busy_ratio{worker=\"0\"} 0.25",
            "everycore_worker_loop_lag_max_seconds{worker=\"0\"} 0.009", "everycore_worker_accept_queue_limit{worker=\"0\"} 128",
            "everycore_worker_private_memory_bytes{worker=\"0\"} 5000000", "everycore_worker_descriptors_open{worker=\"0\"} 31",
            "everycore_worker_context_switches_total{worker=\"0\",kind=\"voluntary\"} 40",
        ] {
            #expect(lines.contains(line[...]), "\(line)")
        }
    }

    @Test func `the table shows them where the terminal is wide enough, and the interval's CPU`() {
        var ledger = ledger()
        ledger.observe(slot: 0, generation: 1, process: process(user: Sample.second), now: 4 * Sample.second)
        ledger.observe(slot: 0, acceptQueue: .init(length: 3, limit: 128))
        let before = ledger.figures(now: 4 * Sample.second)
        ledger.observe(slot: 0, generation: 1, process: process(user: 2 * Sample.second), now: 6 * Sample.second)
        let lines = LiveTable().lines(ledger.figures(now: 6 * Sample.second), since: before)
        let titles = lines[2].split(separator: " ").map(String.init)
        let cells = Dictionary(uniqueKeysWithValues: zip(titles, lines[3].split(separator: " ").map(String.init)))
        #expect(cells["cpu"] == "75%")
        #expect(cells["busy"] == "25%")
        #expect(cells["lag"] == "9ms")
        #expect(cells["queue"] == "3")
        #expect(cells["pss"] == "7MB")
        #expect(LiveTable(width: 80).lines(before, since: nil).allSatisfy { $0.count <= 80 })
    }
}
