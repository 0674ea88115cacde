// The time of lines: the monotonic clock, which each line reads for its duration, and how far it is from the system's, looked at once a second.
// In local time, as logs have it; TZ=UTC makes it UTC.
// Process: worker · Thread: loop

import CEverycorePosix
import Glibc

struct LineClock {
    /// Of the texts.
    private var second = Int64.min
    /// From the monotonic clock to nanoseconds since 1970.
    private var difference: Int64 = 0
    /// `30/Nov/2026:20:57:24 +0000`
    private(set) var common: [UInt8] = []
    /// `2026-11-30T20:57:24`, and the zone `+00:00`.
    private(set) var iso: (time: [UInt8], zone: [UInt8]) = ([], [])
    private(set) var microseconds: UInt64 = 0

    /// - Parameter now: the monotonic clock.
    @inline(__always)
    mutating func update(_ now: UInt64) {
        let time = Int64(truncatingIfNeeded: now) &+ difference
        if time / 1_000_000_000 != second { look(now) }
        let fraction = (Int64(truncatingIfNeeded: now) &+ difference) % 1_000_000_000
        microseconds = UInt64(max(fraction, 0)) / 1000
    }

    @inline(never)
    private mutating func look(_ now: UInt64) {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        let system = Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
        // What is written is the moment that `now` was.
        difference = system &- Int64(truncatingIfNeeded: cposix_monotonic_nanoseconds())
        let moment = (Int64(truncatingIfNeeded: now) &+ difference) / 1_000_000_000
        guard moment != second else { return }
        second = moment
        var parts = unsafe tm()
        var seconds = time_t(moment)
        unsafe localtime_r(&seconds, &parts)
        let (zone, month) = unsafe (parts.tm_gmtoff / 60, Int(parts.tm_mon))
        let sign = zone < 0 ? "-" : "+"
        let (hours, minutes) = (Self.two(abs(zone) / 60), Self.two(abs(zone) % 60))
        let number = unsafe Int(parts.tm_year) + 1900
        let year = Self.two(number / 100) + Self.two(number % 100)
        let clock = unsafe [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)].map(Self.two).joined(separator: ":")
        let day = unsafe Self.two(Int(parts.tm_mday))
        common = Array("\(day)/\(Self.months[min(max(month, 0), 11)])/\(year):\(clock) \(sign)\(hours)\(minutes)".utf8)
        iso = (Array("\(year)-\(Self.two(month + 1))-\(day)T\(clock)".utf8), Array("\(sign)\(hours):\(minutes)".utf8))
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
