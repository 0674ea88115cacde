// Numbers as people and as machines read them, without Foundation and without a locale: the point is always a point.
// Used by every renderer, in the master and in the admin worker.
// Process: master, admin · Thread: loop

package enum NumberFormat {
    /// With exactly `digits` (0…9) decimals, rounded half up. What is no finite number is `0`.
    package static func fixed(_ value: Double, digits: Int) -> String {
        let digits = min(max(digits, 0), 9)
        let scale = powersOfTen[digits]
        let scaled = (value.magnitude * Double(scale)).rounded()
        guard let whole = UInt64(exactly: scaled) else {
            return value.isFinite ? limit(negative: value < 0) : "0"
        }
        let sign = value < 0 && whole != 0 ? "-" : ""
        return sign + decimal(whole, scale: scale, digits: digits)
    }

    /// With at most `digits` decimals and no zeros at the end.
    package static func trimmed(_ value: Double, digits: Int) -> String {
        withoutTrailingZeros(fixed(value, digits: digits))
    }

    /// Nanoseconds as seconds, exactly: `0.000023456`.
    package static func seconds(_ nanoseconds: UInt64) -> String {
        withoutTrailingZeros(decimal(nanoseconds, scale: 1_000_000_000, digits: 9))
    }

    /// A short time for people: `850ns`, `23µs`, `1.42ms`, `2.1s`.
    package static func duration(_ nanoseconds: UInt64) -> String {
        significant(Double(nanoseconds), base: 1000, units: ["ns", "µs", "ms", "s"])
    }

    /// An amount of data for people, in powers of 1000: `512B`, `1.5kB`, `23.4MB`.
    package static func bytes(_ count: UInt64) -> String {
        bytes(Double(count))
    }

    package static func bytes(_ count: Double) -> String {
        significant(count, base: 1000, units: ["B", "kB", "MB", "GB", "TB", "PB"])
    }

    /// A count for people where the column is narrow: exact below 100,000, then `123k`, `4.56M`.
    package static func count(_ count: UInt64) -> String {
        count < 100_000 ? String(count) : significant(Double(count), base: 1000, units: ["", "k", "M", "G", "T"])
    }

    /// A rate per second for people: one decimal below 100, then whole.
    package static func rate(_ perSecond: Double) -> String {
        perSecond < 99.95 ? trimmed(perSecond, digits: 1) : fixed(perSecond, digits: 0)
    }

    /// A share for people: `0.4%`, `87%`; 1 is `100%`.
    package static func percent(_ share: Double) -> String {
        trimmed(share * 100, digits: abs(share) < 0.0995 ? 1 : 0) + "%"
    }

    /// A long time for people: `12.3s`, `2m 05s`, `1h 02m 03s`, `3d 04h 05m`.
    package static func uptime(_ nanoseconds: UInt64) -> String {
        let seconds = nanoseconds / 1_000_000_000
        if seconds < 60 { return trimmed(Double(nanoseconds / 100_000_000) / 10, digits: 1) + "s" }
        let (minutes, hours, days) = (seconds / 60 % 60, seconds / 3600 % 24, seconds / 86_400)
        if days > 0 { return "\(days)d \(twoDigits(hours))h \(twoDigits(minutes))m" }
        if hours > 0 { return "\(hours)h \(twoDigits(minutes))m \(twoDigits(seconds % 60))s" }
        return "\(minutes)m \(twoDigits(seconds % 60))s"
    }

    /// Three significant digits in the greatest unit that gives at least 1, without zeros at the end.
    private static func significant(_ value: Double, base: Double, units: [String]) -> String {
        guard value.isFinite, value > 0 else { return "0" + (units.first ?? "") }
        var scaled = value
        for (index, unit) in units.enumerated() {
            let digits = index == 0 || scaled >= 99.95 ? 0 : scaled >= 9.995 ? 1 : 2
            let isLast = index == units.count - 1
            if isLast || scaled < base - 0.5 { return trimmed(scaled, digits: digits) + unit }
            scaled /= base
        }
        return ""
    }

    private static func decimal(_ number: UInt64, scale: UInt64, digits: Int) -> String {
        guard digits > 0 else { return String(number) }
        let fraction = String(number % scale)
        return "\(number / scale)." + String(repeating: "0", count: max(0, digits - fraction.utf8.count)) + fraction
    }

    private static func withoutTrailingZeros(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: ".")) else { return text }
        var text = text
        while text.utf8.last == UInt8(ascii: "0") { text.removeLast() }
        if text.utf8.last == UInt8(ascii: ".") { text.removeLast() }
        return text
    }

    private static func twoDigits(_ number: UInt64) -> String {
        number < 10 ? "0\(number)" : String(number)
    }

    private static func limit(negative: Bool) -> String {
        (negative ? "-" : "") + String(UInt64.max)
    }

    private static let powersOfTen: [UInt64] = [
        1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000,
    ]
}
