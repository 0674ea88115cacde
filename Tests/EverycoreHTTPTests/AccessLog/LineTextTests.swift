// No text of a client ends a line or a field, reaches the terminal of its reader, or makes a line longer than it may be.

import EverycoreHTTP
import Foundation
import TestSupport
import Testing

@Suite struct LineTextTests {
    private func escaped(_ bytes: [UInt8], limit: Int = 1000, as escape: LineEscape) -> String {
        var text = LineText()
        unsafe bytes.withUnsafeBytes { unsafe text.append($0, limit: limit, as: escape) }
        return unsafe String(decoding: text.line, as: UTF8.self)
    }

    private static let hostile: [(bytes: [UInt8], text: String, json: String)] = [
        (Array("/plain?a=b&c=%20".utf8), "/plain?a=b&c=%20", "/plain?a=b&c=%20"),
        (Array("a\nb".utf8), #"a\x0ab"#, #"a\u000ab"#),
        (Array("a\r\n127.0.0.1 - -".utf8), #"a\x0d\x0a127.0.0.1 - -"#, #"a\u000d\u000a127.0.0.1 - -"#),
        (Array(#"say "x\""#.utf8), #"say \"x\\\""#, #"say \"x\\\""#),
        ([0, 0x1F, 0x7F, 0x1B, 0x5B], #"\x00\x1f\x7f\x1b["#, #"\u0000\u001f\u007f\u001b["#),
        (Array("é".utf8), #"\xc3\xa9"#, #"\u00e9"#),
        (Array("日本".utf8), #"\xe6\x97\xa5\xe6\x9c\xac"#, #"\u65e5\u672c"#),
        (Array("\u{1F600}".utf8), #"\xf0\x9f\x98\x80"#, #"\ud83d\ude00"#),
        (Array("\u{9B}\u{202E}".utf8), #"\xc2\x9b\xe2\x80\xae"#, #"\u009b\u202e"#),
        ([0xFF, 0xFE, 0x41], #"\xff\xfeA"#, #"\ufffd\ufffdA"#),
        // Too long a form of the slash, a surrogate, one beyond the last scalar, a sequence that is cut.
        ([0xC0, 0xAF], #"\xc0\xaf"#, #"\ufffd\ufffd"#),
        ([0xED, 0xA0, 0x80], #"\xed\xa0\x80"#, #"\ufffd\ufffd\ufffd"#),
        ([0xF4, 0x90, 0x80, 0x80], #"\xf4\x90\x80\x80"#, #"\ufffd\ufffd\ufffd\ufffd"#),
        ([0x41, 0xE2, 0x82], #"A\xe2\x82"#, #"A\ufffd\ufffd"#),
        ([0x22], #"\""#, #"\""#),
        (Array("12345678\"".utf8), #"12345678\""#, #"12345678\""#),
        (Array("\"2345678".utf8), #"\"2345678"#, #"\"2345678"#),
        ([], "", ""),
    ]

    @Test(arguments: hostile.indices)
    func `hostile text is escaped`(_ index: Int) throws {
        let (bytes, text, json) = Self.hostile[index]
        #expect(escaped(bytes, as: .text) == text)
        #expect(escaped(bytes, as: .json) == json)
        let back = try JSONDecoder().decode([String].self, from: Data("[\"\(escaped(bytes, as: .json))\"]".utf8))
        #expect(back == [String(decoding: bytes, as: UTF8.self)] || bytes.contains(0xED) || bytes.contains(0xE2))
    }

    @Test func `each byte alone, at each place of a word, is printable ASCII afterwards`() {
        for byte in UInt8.min...UInt8.max {
            for place in 0..<9 {
                var bytes = [UInt8](repeating: 0x61, count: 9)
                bytes[place] = byte
                for escape in [LineEscape.text, .json] {
                    let line = escaped(bytes, as: escape)
                    #expect(line.utf8.allSatisfy { (0x20..<0x7F).contains($0) })
                    let isPlain = (0x20..<0x7F).contains(byte) && byte != 0x22 && byte != 0x5C
                    #expect((line.utf8.count == 9) == isPlain, "\(byte) at \(place)")
                }
            }
        }
    }

    @Test func `text that is too long is cut, never in the middle of an escape`() {
        #expect(escaped(Array("abcdefghij".utf8), limit: 10, as: .text) == "abcdefghij")
        #expect(escaped(Array("abcdefghijk".utf8), limit: 10, as: .text) == "abcdefg...")
        #expect(escaped([0x61, 0x0A, 0x0A, 0x0A], limit: 10, as: .text) == #"a\x0a..."#)
        #expect(escaped([0x0A, 0x0A], limit: 8, as: .text) == #"\x0a\x0a"#)
        #expect(escaped(Array("\u{1F600}\u{1F600}".utf8), limit: 15, as: .json) == #"\ud83d\ude00..."#)
        for limit in 0...64 {
            for escape in [LineEscape.text, .json] {
                let line = escaped([UInt8](repeating: 0x0A, count: 64), limit: limit, as: escape)
                #expect(line.utf8.count <= limit)
            }
        }
    }

    @Test func `random bytes give valid JSON, in bounds`() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            let line = escaped(bytes, limit: 200, as: .json)
            #expect(line.utf8.count <= 200)
            _ = try JSONDecoder().decode([String].self, from: Data("[\"\(line)\"]".utf8))
        }
    }

    @Test func `a line has a bound, and always its end`() {
        var text = LineText()
        let much = [UInt8](repeating: 0x61, count: 3000)
        for _ in 0..<4 { unsafe much.withUnsafeBytes { unsafe text.append($0, limit: 10_000, as: .text) } }
        text.endLine()
        let line = unsafe Array(text.line)
        #expect(line.count <= LineText.longest && line.last == 0x0A)
    }
}
