// Dates as clients send them back, in the three forms that HTTP has had (RFC 9110 §5.6.7). The one form that is sent is made
// by HTTP's DateLine.
//
// Pure; runs in the workers, when a conditional field has a date.

package enum HTTPDate {
    /// Seconds since 1970, or nil for what is no HTTP date. The name of the weekday has to be one, not the right one.
    ///
    ///     Sun, 06 Nov 1994 08:49:37 GMT
    ///     Sunday, 06-Nov-94 08:49:37 GMT
    ///     Sun Nov  6 08:49:37 1994
    ///
    /// - Parameter now: decides the century of a year of two digits: never more than 50 years ahead.
    package static func parse(_ text: String, now: Int64) -> Int64? {
        let comma = text.utf8.firstIndex(of: UInt8(ascii: ","))
        switch comma.map({ text.utf8.distance(from: text.utf8.startIndex, to: $0) }) {
        case nil: return asctime(text)
        case 3: return fixdate(text)
        default: return rfc850(text, now: now)
        }
    }

    private static func fixdate(_ text: String) -> Int64? {
        var reader = ByteReader(text)
        guard reader.takeName(of: shortDays) != nil, reader.take(", "),
            let day = reader.digits(2), reader.take(" "), let month = reader.takeName(of: months), reader.take(" "),
            let year = reader.digits(4), reader.take(" "), let time = reader.takeTime(), reader.take(" GMT"), reader.isAtEnd
        else { return nil }
        return seconds(year, month, day, time)
    }

    private static func rfc850(_ text: String, now: Int64) -> Int64? {
        var reader = ByteReader(text)
        guard reader.takeName(of: longDays) != nil, reader.take(", "),
            let day = reader.digits(2), reader.take("-"), let month = reader.takeName(of: months), reader.take("-"),
            let shortYear = reader.digits(2), reader.take(" "), let time = reader.takeTime(), reader.take(" GMT"),
            reader.isAtEnd
        else { return nil }
        let thisYear = 1970 + Int(max(0, min(now, 253_402_300_799)) / 31_556_952)
        var year = thisYear / 100 * 100 + shortYear
        if year > thisYear + 50 { year -= 100 }
        return seconds(year, month, day, time)
    }

    private static func asctime(_ text: String) -> Int64? {
        var reader = ByteReader(text)
        guard reader.takeName(of: shortDays) != nil, reader.take(" "),
            let month = reader.takeName(of: months), reader.take(" "),
            let day = reader.take(" ") ? reader.digits(1) : reader.digits(2), reader.take(" "),
            let time = reader.takeTime(), reader.take(" "), let year = reader.digits(4), reader.isAtEnd
        else { return nil }
        return seconds(year, month, day, time)
    }

    /// Days since 1970 by Howard Hinnant's `days_from_civil`.
    private static func seconds(_ year: Int, _ month: Int, _ day: Int, _ time: Int) -> Int64? {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard lengths.indices.contains(month), (1...lengths[month]).contains(day) else { return nil }
        let shifted = month < 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * ((month + 10) % 12) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return Int64(era * 146_097 + dayOfEra - 719_468) * 86_400 + Int64(time)
    }

    fileprivate static let shortDays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    fileprivate static let longDays = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
    fileprivate static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}

extension ByteReader {
    /// The index of the name that is next.
    fileprivate mutating func takeName(of names: [String]) -> Int? {
        for (index, name) in names.enumerated() where take(name) { return index }
        return nil
    }

    /// `08:49:37` as seconds of the day. The 60th second is a leap second.
    fileprivate mutating func takeTime() -> Int? {
        guard let hour = digits(2), take(":"), let minute = digits(2), take(":"), let second = digits(2),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }
}
