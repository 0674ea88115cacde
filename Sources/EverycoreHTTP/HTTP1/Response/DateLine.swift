// The Date line of a response (RFC 9110 §5.6.7, §6.6.1), made once a second. Days since 1970
// become a date by Howard Hinnant's `civil_from_days`. Runs in workers.

package struct DateLine: Sendable {
    private static let length = 37

    /// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    private(set) var bytes: [UInt8]
    private(set) var unixSeconds: Int64

    package init(unixSeconds: Int64 = 0) {
        self.unixSeconds = unixSeconds
        bytes = []
        make()
    }

    /// Makes the line anew if the second has changed.
    package mutating func update(unixSeconds: Int64) {
        guard unixSeconds != self.unixSeconds else { return }
        self.unixSeconds = unixSeconds
        make()
    }

    private mutating func make() {
        bytes.removeAll(keepingCapacity: true)
        bytes.reserveCapacity(Self.length)
        bytes += Array("Date: ".utf8)
        Self.appendFixdate(unixSeconds, to: &bytes)
        bytes += [0x0D, 0x0A]
    }

    /// IMF-fixdate, such as `Sun, 06 Nov 1994 08:49:37 GMT`. Seconds outside of the years 0 to
    /// 9999 are taken as the nearest second inside.
    package static func fixdate(unixSeconds: Int64) -> String {
        var bytes: [UInt8] = []
        appendFixdate(unixSeconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendFixdate(_ unixSeconds: Int64, to bytes: inout [UInt8]) {
        let seconds = min(max(unixSeconds, -62_167_219_200), 253_402_300_799)
        let secondOfDay = Int(((seconds % 86_400) + 86_400) % 86_400)
        let day = Int((seconds - Int64(secondOfDay)) / 86_400)
        let date = civil(fromDays: day)

        bytes += names("SunMonTueWedThuFriSat", (((day + 4) % 7) + 7) % 7)
        bytes += [0x2C, 0x20]
        appendTwo(date.day, to: &bytes)
        bytes.append(0x20)
        bytes += names("JanFebMarAprMayJunJulAugSepOctNovDec", date.month - 1)
        bytes.append(0x20)
        appendTwo(date.year / 100, to: &bytes)
        appendTwo(date.year % 100, to: &bytes)
        bytes.append(0x20)
        appendTwo(secondOfDay / 3600, to: &bytes)
        bytes.append(0x3A)
        appendTwo(secondOfDay / 60 % 60, to: &bytes)
        bytes.append(0x3A)
        appendTwo(secondOfDay % 60, to: &bytes)
        bytes += Array(" GMT".utf8)
    }

    private static func names(_ all: String, _ index: Int) -> [UInt8] {
        Array(all.utf8.dropFirst(index * 3).prefix(3))
    }

    private static func appendTwo(_ number: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(truncatingIfNeeded: 0x30 + number / 10 % 10))
        bytes.append(UInt8(truncatingIfNeeded: 0x30 + number % 10))
    }

    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1)
    }
}
