// Facts about the Range field.

import Everycore
import Testing

struct ByteRangesTests {
    @Test(
        arguments: [
            ("bytes=0-4", [0..<5]), ("bytes=5-", [5..<100]), ("bytes=-5", [95..<100]), ("bytes=-500", [0..<100]),
            ("bytes=0-0", [0..<1]), ("bytes=99-", [99..<100]), ("bytes=50-5000", [50..<100]), ("Bytes=0-4", [0..<5]),
            ("bytes=0-1,10-11", [0..<2, 10..<12]), ("bytes=10-11, 0-1", [10..<12, 0..<2]),
            ("bytes=0-4 , , 8-9,", [0..<5, 8..<10]), ("bytes=0-4,200-300", [0..<5]), ("bytes=200-,-5", [95..<100]),
            ("bytes=0-99999999999999999999999999", [0..<100]), ("bytes=-99999999999999999999999999", [0..<100]),
        ] as [(String, [Range<Int64>])])
    func `parts of a hundred bytes`(field: String, parts: [Range<Int64>]) {
        #expect(RangeSelection(field, size: 100) == .parts(parts))
    }

    @Test(
        arguments: [
            ("bytes=0-4,2-8", [0..<9]), ("bytes=0-4,5-8", [0..<9]), ("bytes=0-4,6-8", [0..<5, 6..<9]),
            ("bytes=20-29,0-9,5-24", [0..<30]), ("bytes=0-,-5", [0..<100]), ("bytes=5-6,5-6,5-6", [5..<7]),
            ("bytes=50-59,0-9,20-29,5-20", [50..<60, 0..<30]),
        ] as [(String, [Range<Int64>])])
    func `parts that overlap or touch are one`(field: String, parts: [Range<Int64>]) {
        #expect(RangeSelection(field, size: 100) == .parts(parts))
    }

    @Test(arguments: ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=-0,100-", "bytes=99999999999999999999-"])
    func `where no byte exists it is unsatisfiable`(field: String) {
        #expect(RangeSelection(field, size: 100) == .unsatisfiable)
    }

    @Test(arguments: [
        "", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-4,x", "bytes=0-4;5-6", "bytes 0-4",
        "bytes=0 -4", "bytes=+1-2", "bytes=0-4-5", "bytes=--5", "items=0-4", "bytes=0x0-4", "bytes =0-4", "bytes=0-4,5-4",
    ])
    func `another unit and bad syntax are ignored`(field: String) {
        #expect(RangeSelection(field, size: 100) == .whole)
    }

    @Test(arguments: ["bytes=0-", "bytes=0-499", "bytes=-5", "bytes=-0", "bytes=5-", "bytes=0-0,5-9"])
    func `nothing has no part but all of it`(field: String) {
        #expect(RangeSelection(field, size: 0) == .whole)
    }

    @Test func `too many parts are ignored`() {
        func field(_ count: Int) -> String { "bytes=" + (0..<count).map { "\($0 * 3)-\($0 * 3)" }.joined(separator: ",") }
        let bound = RangeSelection.maximumParts
        guard case .parts(let parts) = RangeSelection(field(bound), size: 1000) else {
            Issue.record("no parts")
            return
        }
        #expect(parts.count == bound)
        #expect(RangeSelection(field(bound + 1), size: 1000) == .whole)
    }

    @Test func `the largest file there can be has an end`() {
        #expect(RangeSelection("bytes=-1", size: .max) == .parts([Int64.max - 1..<Int64.max]))
        #expect(RangeSelection("bytes=0-9223372036854775807", size: .max) == .parts([0..<Int64.max]))
    }
}
