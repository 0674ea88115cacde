// Numbers as text.

import EverycoreStatistics
import Testing

@Suite struct NumberFormatTests {
    @Test(arguments: [
        (UInt64(0), "0ns"), (1, "1ns"), (850, "850ns"), (999, "999ns"), (1_000, "1µs"), (1_420, "1.42µs"), (23_000, "23µs"),
        (23_450, "23.5µs"), (999_400, "999µs"), (999_600, "1ms"), (1_420_000, "1.42ms"), (2_100_000_000, "2.1s"),
        (68_719_476_736, "68.7s"), (1_500_000_000_000, "1500s"),
    ])
    func `a duration has three significant digits`(nanoseconds: UInt64, text: String) {
        #expect(NumberFormat.duration(nanoseconds) == text)
    }

    @Test(arguments: [
        (UInt64(0), "0B"), (512, "512B"), (1_500, "1.5kB"), (23_400_000, "23.4MB"), (1_000_000_000, "1GB"),
        (999_999, "1MB"), (UInt64.max, "18447PB"),
    ])
    func `bytes are in powers of 1000`(count: UInt64, text: String) {
        #expect(NumberFormat.bytes(count) == text)
    }

    @Test(arguments: [
        (0.0, 0, "0"), (1.5, 0, "2"), (1.25, 1, "1.3"), (0.0005, 3, "0.001"), (12.0, 3, "12.000"), (-1.5, 1, "-1.5"),
        (-0.01, 1, "0.0"), (Double.nan, 2, "0"), (Double.infinity, 2, "0"), (1e300, 0, "18446744073709551615"),
        (0.1, 99, "0.100000000"),
    ])
    func `a fixed number has its decimals`(value: Double, digits: Int, text: String) {
        #expect(NumberFormat.fixed(value, digits: digits) == text)
    }

    @Test(arguments: [
        (UInt64(0), "0"), (1, "0.000000001"), (23_456, "0.000023456"), (1_500_000_000, "1.5"), (60_000_000_000, "60"),
        (UInt64.max, "18446744073.709551615"),
    ])
    func `seconds are exact`(nanoseconds: UInt64, text: String) {
        #expect(NumberFormat.seconds(nanoseconds) == text)
    }

    @Test(arguments: [
        (UInt64(0), "0s"), (12_340_000_000, "12.3s"), (59_990_000_000, "59.9s"), (125_000_000_000, "2m 05s"),
        (3_723_000_000_000, "1h 02m 03s"), (273_900_000_000_000, "3d 04h 05m"),
    ])
    func `an uptime names its greatest units`(nanoseconds: UInt64, text: String) {
        #expect(NumberFormat.uptime(nanoseconds) == text)
    }

    @Test(arguments: [
        (UInt64(0), "0"), (99_999, "99999"), (123_456, "123k"), (4_560_000, "4.56M"), (7_000_000_000, "7G"),
    ])
    func `a count is short from 100,000 on`(count: UInt64, text: String) {
        #expect(NumberFormat.count(count) == text)
    }

    @Test(arguments: [(0.0, "0"), (12.34, "12.3"), (99.9, "99.9"), (99.96, "100"), (123_456.7, "123457")])
    func `a rate has a decimal while it is small`(rate: Double, text: String) {
        #expect(NumberFormat.rate(rate) == text)
    }
}
