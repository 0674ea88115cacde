// The report's bytes, and the refusal of bytes that are no report.

import EverycoreStatistics
import Testing

@Suite struct ReportTests {
    private var golden: Report {
        var figures = FigureSnapshot()
        figures[.requests] = 0x0102
        figures[.responses2xx] = 0x0100
        figures[.responses5xx] = 2
        figures[.residentBytes] = 0x0040_0000
        figures.histogram.record(nanoseconds: 40, count: 3)
        figures.histogram.record(nanoseconds: 1 << 36)
        return Report(
            slot: 2, generation: 3, sequence: 0x1122, pid: 0x0A0B_0C, uptimeNanoseconds: 0x0102_0304_0506_0708,
            monotonicNanoseconds: 0x1112_1314_1516_1718, figures: figures)
    }

    private static func word(_ low: UInt8, _ second: UInt8 = 0, _ third: UInt8 = 0) -> [UInt8] {
        [low, second, third, 0, 0, 0, 0, 0]
    }

    private var goldenBytes: [UInt8] {
        let word = Self.word
        var bytes: [UInt8] = [0x45, 0x43, 0x52, 0x50]  // "ECRP"
        bytes += [5, 0]  // layout version
        bytes += [1, 0]  // kind
        bytes += [2, 0, 0, 0]  // slot
        bytes += [3, 0, 0, 0]  // generation
        bytes += [42, 0]  // counters
        bytes += [2, 0]  // bucket entries
        bytes += word(0x22, 0x11, 0)  // sequence
        bytes += [0x0C, 0x0B, 0x0A, 0]  // pid
        bytes += [8, 7, 6, 5, 4, 3, 2, 1]  // uptime
        bytes += [0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11]  // monotonic clock
        bytes += [26, 86, 171, 61, 71, 83, 209, 218]  // checksum
        bytes += word(2, 1, 0)  // requests
        bytes += word(0, 0, 0)  // 1xx
        bytes += word(0, 1, 0)  // 2xx
        bytes += word(0, 0, 0)  // 3xx
        bytes += word(0, 0, 0)  // 4xx
        bytes += word(2, 0, 0)  // 5xx
        for _ in 6..<12 { bytes += word(0, 0, 0) }  // bytes in and out, connections accepted, handed over, returned and open
        bytes += [0x78, 0, 0, 0, 0x10, 0, 0, 0]  // latency sum
        bytes += [0, 0, 0, 0, 0x10, 0, 0, 0]  // latency maximum
        for _ in 14..<40 { bytes += word(0, 0, 0) }  // refused reports … lines of the access log that were lost
        bytes += word(0, 0, 0x40)  // resident bytes
        bytes += word(0, 0, 0)  // started at
        bytes += [1, 0] + word(3, 0, 0)  // 32…63 ns
        bytes += [0x60, 0x03] + word(1, 0, 0)  // overflow
        return bytes
    }

    @Test func `the layout is these bytes`() {
        #expect(golden.encoded() == goldenBytes)
        #expect(Report.layoutVersion == 5)
    }

    @Test func `these bytes are that report`() throws {
        #expect(try decode(goldenBytes) == golden)
    }

    @Test func `a full report survives the wire and keeps to its maximum`() throws {
        var figures = FigureSnapshot()
        for bucket in 0..<LatencyHistogram.bucketCount { figures.histogram.setBucket(bucket, to: UInt64(bucket) + 1) }
        for counter in Counter.allCases { figures[counter] = .max - UInt64(counter.rawValue) }
        let report = Report(
            slot: 1023, generation: 7, sequence: .max, pid: -1, uptimeNanoseconds: 0, monotonicNanoseconds: .max,
            figures: figures)
        #expect(report.encoded().count == Report.maximumByteCount)
        #expect(try decode(report.encoded()) == report)
    }

    @Test func `every truncation is short`() {
        for count in 0..<goldenBytes.count {
            let error = #expect(throws: ReportError.self) { try decode(Array(goldenBytes[..<count])) }
            #expect(error == .short(byteCount: count))
        }
    }

    @Test func `every changed byte is noticed`() {
        for index in goldenBytes.indices {
            for bit in 0..<8 {
                var bytes = goldenBytes
                bytes[index] ^= 1 << UInt8(bit)
                #expect(throws: ReportError.self) { try decode(bytes) }
            }
        }
    }

    @Test func `a datagram that goes on behind its end is refused`() {
        #expect(throws: ReportError.badLength(byteCount: goldenBytes.count + 1)) { try decode(goldenBytes + [0]) }
    }

    @Test func `another magic, version or kind is named`() {
        var bytes = goldenBytes
        bytes[4] = 2
        #expect(throws: ReportError.foreignVersion(2)) { try decode(bytes) }
        bytes = goldenBytes
        bytes[6] = 9
        #expect(throws: ReportError.unknownKind(9)) { try decode(bytes) }
        bytes = goldenBytes
        bytes[0] = 0
        #expect(throws: ReportError.badMagic(0x5052_4300)) { try decode(bytes) }
    }

    @Test func `a slot beyond the limit is refused`() {
        var report = golden
        report.slot = 1024
        #expect(throws: ReportError.badSlot(1024)) { try decode(report.encoded()) }
    }

    @Test func `errors say what is wrong`() {
        let errors: [ReportError] = [
            .short(byteCount: 3), .badMagic(1), .foreignVersion(3), .unknownKind(3), .badLength(byteCount: 4),
            .badChecksum, .badSlot(5000), .badHistogram,
        ]
        for error in errors { #expect(error.description.count > 20) }
        #expect(ReportError.foreignVersion(2).description == "a report of layout 2; this is layout 5")
    }

    private func decode(_ bytes: [UInt8]) throws(ReportError) -> Report {
        try bytes.withRawSpan { span throws(ReportError) in try Report(decoding: span) }
    }
}
