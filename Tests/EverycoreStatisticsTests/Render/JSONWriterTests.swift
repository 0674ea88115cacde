// JSON that every parser accepts.

import EverycoreStatistics
import Foundation
import Testing

@Suite struct JSONWriterTests {
    @Test func `members, objects and arrays are separated by commas`() {
        let text = JSONWriter.object { object in
            object.member("a", 1)
            object.object("empty") { _ in }
            object.object("inner") { inner in
                inner.member("b", true)
                inner.member("c", "x")
            }
            object.array("none", of: [Int]()) { _, _ in }
            object.array("list", of: [1, 2]) { $0.member("n", $1) }
            object.member("d", 1.25)
            object.member("e", seconds: 1_500)
        }
        #expect(
            text
                == #"{"a":1,"empty":{},"inner":{"b":true,"c":"x"},"none":[],"list":[{"n":1},{"n":2}],"d":1.25,"e":0.0000015}"#
        )
    }

    @Test func `every character survives a parser, as key and as value`() throws {
        var everything = "\u{2028}\u{2029}\u{7F}é€😀e\u{301}\r\n"
        for value in UInt8(0)..<128 { everything.unicodeScalars.append(Unicode.Scalar(value)) }
        let text = JSONWriter.object { $0.member(everything, everything) }
        #expect(text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x2028 && $0.value != 0x2029 })
        let parsed = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(parsed.first.map { Array($0.key.unicodeScalars) } == Array(everything.unicodeScalars))
        #expect(parsed.first.map { Array($0.value.unicodeScalars) } == Array(everything.unicodeScalars))
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity])
    func `what is no number is written as 0`(value: Double) {
        #expect(JSONWriter.object { $0.member("x", value) } == #"{"x":0}"#)
    }

    @Test func `numbers at the limits are whole`() {
        let text = JSONWriter.object { object in
            object.member("max", UInt64.max)
            object.member("min", Int64.min)
        }
        #expect(text == #"{"max":18446744073709551615,"min":-9223372036854775808}"#)
    }
}
