// What is quarantined, as it is shown and as it travels to the admin worker. A plain value, made by the master.
// Process: master and admin worker · Thread: loop
//
// On the wire, after the exits, little-endian: UInt8 number; each: text (route), UInt8 1 when only one path is: text (request), else 0;
// UInt64 deaths, UInt64 age, UInt64 remaining. Texts are those of ExitRecord+Wire.swift.

package struct QuarantineRecord: Equatable, Sendable {
    /// There are never more.
    package static let limit = 64
    static let maximumWireByteCount = 1 + limit * (2 * (ExitRecord.textByteCount + 1) + 32)

    /// Such as `GET /item/:id`.
    package let route: String
    /// A request as it looked, where only its path is quarantined; nil where the whole route is.
    package let request: String?
    package let deaths: UInt64
    package let ageNanoseconds: UInt64
    /// Until it ends, unless another worker dies.
    package let remainingNanoseconds: UInt64

    package init(route: String, request: String?, deaths: UInt64, ageNanoseconds: UInt64, remainingNanoseconds: UInt64) {
        self.route = ExitRecord.plain(route)
        self.request = request.map(ExitRecord.plain)
        self.deaths = deaths
        self.ageNanoseconds = ageNanoseconds
        self.remainingNanoseconds = remainingNanoseconds
    }

    static func write(_ records: [QuarantineRecord], to writer: inout ByteWriter) {
        writer.append(UInt8(truncatingIfNeeded: min(records.count, limit)))
        for record in records.prefix(limit) {
            ExitRecord.write(record.route, to: &writer)
            writer.append(UInt8(record.request == nil ? 0 : 1))
            if let request = record.request { ExitRecord.write(request, to: &writer) }
            for number in [record.deaths, record.ageNanoseconds, record.remainingNanoseconds] { writer.append(number) }
        }
    }

    /// Nil when the bytes end early or hold what no master writes.
    static func read(_ bytes: RawSpan, at offset: inout Int) -> [QuarantineRecord]? {
        guard let count = bytes.next(UInt8.self, &offset), Int(count) <= limit else { return nil }
        var records: [QuarantineRecord] = []
        for _ in 0..<count {
            guard let route = ExitRecord.text(bytes, &offset), let hasRequest = bytes.next(UInt8.self, &offset), hasRequest <= 1
            else { return nil }
            var request: String?
            if hasRequest == 1 {
                guard let text = ExitRecord.text(bytes, &offset) else { return nil }
                request = text
            }
            guard let deaths = bytes.next(UInt64.self, &offset), let age = bytes.next(UInt64.self, &offset),
                let remaining = bytes.next(UInt64.self, &offset)
            else { return nil }
            records.append(
                QuarantineRecord(
                    route: route, request: request, deaths: deaths, ageNanoseconds: age, remainingNanoseconds: remaining))
        }
        return records
    }
}
