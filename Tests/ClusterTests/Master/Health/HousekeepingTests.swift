// What master and workers look at once a second, as values: descriptors, threads, lost lines, and lines that others cause.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct TheLimitOfOpenFiles {
    @Test func staysWhatItWasWhileHalfIsFree() {
        var limit = OpenFileLimit(given: 1024, ceiling: 524_288)
        #expect(limit.highWaterMark == 512)
        #expect(limit.adjust(toUse: 511) == nil)
        #expect(limit.current == 1024)
    }

    @Test func growsWithTheNeedAndGoesBack() {
        var limit = OpenFileLimit(given: 1024, ceiling: 524_288)
        #expect(limit.adjust(toUse: 512) == 2048)
        #expect(limit.adjust(toUse: 40_000) == 131_072)
        #expect(limit.adjust(toUse: 20_000) == nil)
        #expect(limit.adjust(toUse: 200) == 1024)
        #expect(limit.adjust(toUse: 0) == nil)
    }

    @Test func endsAtTheHardLimit() {
        var limit = OpenFileLimit(given: 1024, ceiling: 3000)
        #expect(limit.adjust(toUse: 2500) == 3000)
        #expect(limit.highWaterMark == .max)
        #expect(limit.adjust(toUse: 3000) == nil)
        var without = OpenFileLimit(given: .max, ceiling: .max)
        #expect(without.adjust(toUse: .max) == nil)
        var small = OpenFileLimit(given: 8, ceiling: 8)
        #expect(small.adjust(toUse: 8) == nil)
    }
}

@Suite struct AThreadInTheMaster {
    @Test func isReportedWhenItAppearsAndHealedWhenItStays() {
        var watch = ThreadWatch()
        #expect(watch.looked(several: false, now: second) == nil)
        #expect(watch.looked(several: true, now: 2 * second) == .report)
        #expect(watch.looked(several: true, now: 3 * second) == .heal)
        #expect(watch.looked(several: true, now: 4 * second) == nil)
        #expect(watch.healing == ThreadWatch.Healing(lastAt: 3 * second, interval: 60 * second))
    }

    @Test func thatGoesByItselfIsLeftAlone() {
        var watch = ThreadWatch()
        #expect(watch.looked(several: true, now: second) == .report)
        #expect(watch.looked(several: false, now: 2 * second) == nil)
        #expect(watch.looked(several: true, now: 3 * second) == .report)
        #expect(watch.healing == nil)
    }

    @Test func thatMayBeThereIsNone() {
        var watch = ThreadWatch()
        for time in 1...5 as ClosedRange<UInt64> { #expect(watch.looked(several: nil, now: time * second) == nil) }
    }

    @Test func thatComesBackIsHealedLessAndLessOften() {
        var now = second
        var heals: [UInt64] = []
        var watch = ThreadWatch()
        while now < 4 * 3600 * second {
            if watch.looked(several: true, now: now) == .heal {
                heals.append(now)
                // The next master has the thread again.
                watch = ThreadWatch(watch.healing)
            }
            now += second
        }
        let pauses = zip(heals, heals.dropFirst()).map { ($1 - $0) / second }
        #expect(pauses.allSatisfy { $0 >= 60 })
        #expect(pauses.prefix(4) == [60, 120, 240, 480])
        #expect(pauses.max() == 3600)
    }

    @Test func isHealedSoonAgainAfterAQuietTime() {
        var watch = ThreadWatch(ThreadWatch.Healing(lastAt: second, interval: 240 * second))
        #expect(watch.looked(several: true, now: 5000 * second) == .report)
        #expect(watch.looked(several: true, now: 5001 * second) == .heal)
        #expect(watch.healing?.interval == 60 * second)
    }
}

@Suite struct LinesThatOthersCause {
    @Test func areLeftOutBeyondTenAndCounted() {
        var lines = LineBudget<Int>()
        for _ in 0..<10 { #expect(lines.allows(1, now: second) == 0) }
        for _ in 0..<5 { #expect(lines.allows(1, now: second) == nil) }
        #expect(lines.allows(2, now: second) == 0)
        #expect(lines.allows(1, now: 11 * second) == 5)
        #expect(lines.allows(1, now: 11 * second) == nil)
        #expect(lines.allows(1, now: 21 * second) == 1)
        for _ in 0..<10 { #expect(lines.allows(1, now: 1000 * second) == 0) }
        #expect(lines.allows(1, now: 1000 * second) == nil)
    }

    @Test func mayBeAllowedMoreOften() {
        var lines = LineBudget<Int>(burst: 2, interval: second)
        #expect((0..<4).map { _ in lines.allows(1, now: second) } == [0, 0, nil, nil])
        #expect(lines.allows(1, now: 2 * second) == 2)
    }

    @Test func withOneTextComeOnceASecond() {
        var lines = TextPace()
        #expect(lines.allows("a", now: second) == 0 && lines.allows("b", now: second) == 0)
        #expect(lines.allows("a", now: second + 1) == nil && lines.allows("a", now: 2 * second - 1) == nil)
        #expect(lines.allows("a", now: 2 * second) == 2)
        for number in 0..<500 { _ = lines.allows("\(number)", now: 3 * second) }
        #expect(lines.allows("another", now: 3 * second) == nil)
        #expect(lines.allows("another", now: 5 * second) == 0)
    }

    @Test func showTextOfOthersEscapedAndCut() {
        #expect(LogText.plain("Shop.Order") == "Shop.Order")
        #expect(LogText.plain("a\nb\u{1B}[2Jé") == "a\\nb\\u{1B}[2J\\u{00E9}")
        #expect(LogText.plain(String(repeating: "x", count: 500)) == String(repeating: "x", count: 200) + "...")
        #expect(LogText.plain("ab\n", limit: 3) == "ab...")
    }

    @Test func ofStandardOutputThatWereLostAreToldNowAndThen() {
        var lost = LostLines()
        #expect(lost.looked(total: 0, now: second) == nil)
        #expect(lost.looked(total: 7, now: 2 * second) == 7)
        #expect(lost.looked(total: 9, now: 3 * second) == nil)
        #expect(lost.looked(total: 12, now: 12 * second) == 5)
        #expect(lost.looked(total: 12, now: 60 * second) == nil)
    }
}
