// What the master reads of workers' processes: the kernel's texts, and how much time it takes for them.

import Cluster
import Testing

@Suite struct ProcessReaderTests {
    private static let second: UInt64 = 1_000_000_000

    @Test func `memory is read from the sums of all mappings`() {
        let text = """
            5555e7d30000-7ffda91fd000 ---p 00000000 00:00 0                          [rollup]
            Rss:                1636 kB
            Pss:                 235 kB
            Pss_Dirty:           116 kB
            Shared_Clean:       1480 kB
            Private_Clean:        40 kB
            Private_Dirty:       116 kB
            Private_Hugetlb:       8 kB
            """
        let reading = MemoryReading(rollup: text)
        #expect(reading?.proportionalBytes == 235 * 1024)
        #expect(reading?.privateBytes == 164 * 1024)
        for other in ["", "Rss: 3 kB", "Pss: x kB", "Pss: 18446744073709551615 kB"] { #expect(MemoryReading(rollup: other) == nil) }
    }

    @Test func `CPU time is read from behind a name of any form`() {
        let text = "42 (a) b (c)) R 1 42 42 0 -1 4194560 90 0 0 0 150 30 0 0 20 0 1 0 11 22 33"
        let times = ProcessTimes(stat: text, ticksPerSecond: 100)
        #expect(times?.userNanoseconds == 1_500_000_000)
        #expect(times?.systemNanoseconds == 300_000_000)
        for other in ["", "42 (a", "42 (a) R 1", text.replacing("150", with: "99999999999999999999")] {
            #expect(ProcessTimes(stat: other, ticksPerSecond: 100) == nil)
        }
    }

    @Test func `readings take two milliseconds of a second, in the long run`() {
        var budget = ReadingBudget()
        var spent: UInt64 = 0
        for second in 1...100 {
            budget.accrue(now: UInt64(second) * Self.second)
            while budget.allows {
                budget.spend(700_000)
                spent += 700_000
            }
        }
        #expect(spent <= 100 * 2_000_000 + 700_000)
        #expect(spent >= 99 * 2_000_000)
    }

    @Test func `a reading that took long is paid back before the next`() {
        var budget = ReadingBudget()
        budget.accrue(now: Self.second)
        budget.spend(21_000_000)
        for second in 2...10 {
            budget.accrue(now: UInt64(second) * Self.second)
            #expect(!budget.allows)
        }
        budget.accrue(now: 12 * Self.second)
        #expect(budget.allows)
    }

    @Test func `a line is due at each interval, or once in the longer one`() {
        var pace = LinePace(now: 0)
        let isDue = pace.isDue(every: nil, now: 1)
        #expect(isDue)
        var due: [UInt64] = []
        for second in 1...200 where pace.isDue(every: .seconds(60), now: UInt64(second) * Self.second) { due.append(UInt64(second)) }
        #expect(due == [60, 120, 180])
    }
}
