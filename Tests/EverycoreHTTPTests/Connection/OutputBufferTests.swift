// The output buffer keeps what is appended, in order, through growth, consumption and moves.

import EverycoreHTTP
import TestSupport
import Testing

extension OutputBuffer {
    var text: String { unsafe withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) } }
}

@Suite struct OutputBufferTests {
    @Test func appendsEveryKind() {
        var buffer = OutputBuffer()
        #expect(buffer.isEmpty && buffer.capacity == 0 && buffer.text == "")
        buffer.append("static ")
        buffer.append(utf8: "string é ")
        buffer.append(Array("array ".utf8))
        buffer.append(byte: 0x21)
        buffer.append(decimal: 0)
        buffer.append(byte: 0x20)
        buffer.append(decimal: .max)
        buffer.append(byte: 0x20)
        buffer.append(hexadecimal: 0xDEAD_BEEF_0123_4567)
        buffer.append([])
        buffer.append("" as StaticString)
        #expect(buffer.text == "static string é array !0 18446744073709551615 deadbeef01234567")
    }

    @Test func keepsTheOrderThroughGrowthAndConsumption() {
        var buffer = OutputBuffer()
        var random = SeededGenerator.printingSeed(3)
        var expected: [UInt8] = []
        for _ in 0..<5000 {
            let piece = (0..<Int.random(in: 0...90, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            buffer.append(piece)
            expected += piece
            let eaten = Int.random(in: 0...80, using: &random)
            buffer.consume(eaten)
            expected.removeFirst(min(eaten, expected.count))
            #expect(buffer.count == expected.count)
        }
        #expect(unsafe buffer.withUnsafeBytes { unsafe Array($0) } == expected)
    }

    @Test func consumesNoMoreThanThereIs() {
        var buffer = OutputBuffer()
        buffer.append("abc")
        buffer.consume(-1)
        #expect(buffer.text == "abc")
        buffer.consume(2)
        #expect(buffer.text == "c")
        buffer.consume(.max)
        #expect(buffer.count == 0)
    }

    @Test func givesBackMemoryBeyondItsBoundWhenEmpty() {
        var buffer = OutputBuffer(keptCapacity: 1024)
        buffer.append([UInt8](repeating: 1, count: 600))
        buffer.removeAll()
        #expect(buffer.capacity >= 600)
        buffer.append([UInt8](repeating: 1, count: 5000))
        buffer.consume(4999)
        #expect(buffer.capacity >= 5000)
        buffer.consume(1)
        #expect(buffer.capacity == 0)
    }

    @Test func reusesItsMemoryWhileItIsDrained() {
        var buffer = OutputBuffer()
        buffer.append([UInt8](repeating: 1, count: 400))
        let capacity = buffer.capacity
        for _ in 0..<1000 {
            buffer.consume(100)
            buffer.append([UInt8](repeating: 2, count: 100))
        }
        #expect(buffer.count == 400 && buffer.capacity <= capacity * 2)
    }

    @Test func movesAnothersBytesToItsEnd() {
        var first = OutputBuffer()
        var second = OutputBuffer()
        first.append("a")
        second.append("xb")
        second.consume(1)
        first.append(moving: &second)
        #expect(first.text == "ab" && second.isEmpty)
    }
}
