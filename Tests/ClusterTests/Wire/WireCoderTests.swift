// Codable values to bytes and back, and golden bytes.

import Cluster
import Foundation
import Testing

@Suite struct WireCoderTests {
    private struct Greeting: Codable, Equatable { var data: String; var count: Int }

    @Test func bytesAreAsTheLayoutSays() throws {
        let bytes = try WireEncoder(sizeLimit: 1000).encode(Greeting(data: "Hi", count: 300))
        #expect(
            bytes
                == [
                    0x09, 19, 0, 0, 0,
                    4, 0x64, 0x61, 0x74, 0x61, 0x07, 2, 0x48, 0x69,
                    5, 0x63, 0x6F, 0x75, 0x6E, 0x74, 0x03, 0xAC, 0x02,
                ].withCount(19))
        #expect(try WireEncoder(sizeLimit: 9).encode(5) == [0x85])
        #expect(try WireEncoder(sizeLimit: 99).encode(-1) == [0x04, 0x00])
        #expect(try WireEncoder(sizeLimit: 99).encode([true, false]) == [0x0A, 2, 0, 0, 0, 0x02, 0x01])
        #expect(try WireEncoder(sizeLimit: 99).encode([nil, 1.5] as [Float?]) == [0x0A, 6, 0, 0, 0, 0x00, 0x05, 0, 0, 0xC0, 0x3F])
        #expect(try WireEncoder(sizeLimit: 99).encode([1, 200] as [UInt8]) == [0x08, 2, 1, 200])
    }

    @Test func everyStandardTypeSurvives() throws { #expect(try roundTrip(Everything()) == Everything()) }

    @Test func valuesSurviveAtTheTop() throws {
        #expect(try roundTrip("x") == "x")
        #expect(try roundTrip(Int?.none) == nil)
        #expect(try roundTrip([Int]()) == [])
        #expect(try roundTrip(Shape.group([.nothing, .group([.circle(radius: 1)])])) == .group([.nothing, .group([.circle(radius: 1)])]))
        #expect(try roundTrip(Double.infinity) == .infinity)
        #expect(try roundTrip(Double.nan).isNaN)
    }

    @Test func containersMayBeFilledInTurns() throws { #expect(try roundTrip(Interleaved()) == Interleaved()) }

    @Test func superclassesHaveAPlaceOfTheirOwn() throws {
        let value = Derived()
        (value.a, value.b) = (5, 6)
        let copy = try roundTrip(value)
        #expect((copy.a, copy.b) == (5, 6))
    }

    @Test func entriesAreFoundInAnyOrderAndUnknownOnesAreSkipped() throws {
        struct New: Codable { var z = 1; var count = 2; var extra = ["deep": [1, 2, 3]]; var data = "d" }
        let bytes = try WireEncoder(sizeLimit: 1000).encode(New())
        #expect(try WireDecoder().decode(Greeting.self, from: bytes) == Greeting(data: "d", count: 2))
    }

    @Test func integersAreReadAsAnyTypeThatHoldsThem() throws {
        let bytes = try WireEncoder(sizeLimit: 99).encode(200)
        #expect(try WireDecoder().decode(UInt8.self, from: bytes) == 200)
        #expect(throws: DecodingError.self) { try WireDecoder().decode(Int8.self, from: bytes) }
        #expect(throws: DecodingError.self) { try WireDecoder().decode(String.self, from: bytes) }
        #expect(throws: DecodingError.self) { try WireDecoder().decode(UInt.self, from: [0x04, 0x00]) }
    }

    @Test func aMissingEntryIsNamedWithItsPath() throws {
        struct Outer<Inner: Codable>: Codable { var list: [Inner] }
        struct Small: Codable { var a = 1 }
        struct Large: Codable { var a = 1; var b = 2 }
        let bytes = try WireEncoder(sizeLimit: 999).encode(Outer(list: [Small()]))
        do {
            _ = try WireDecoder().decode(Outer<Large>.self, from: bytes)
            Issue.record("decoded")
        } catch DecodingError.keyNotFound(let key, let context) {
            #expect(key.stringValue == "b")
            #expect(context.codingPath.map(\.stringValue) == ["list", "0"])
        }
    }

    @Test func whatIsTooLargeIsRefused() {
        #expect(throws: MessageError.tooLarge(limit: 100)) {
            try WireEncoder(sizeLimit: 100).encode([String](repeating: "0123456789", count: 20))
        }
        #expect(throws: MessageError.tooLarge(limit: 100)) {
            try WireEncoder(sizeLimit: 100).encode([Shape](repeating: .circle(radius: 1), count: 20))
        }
    }

    @Test func whatIsTooDeepIsRefusedOnBothSides() {
        var list: Linked?
        for _ in 0..<1000 { list = Linked(list) }
        #expect(throws: EncodingError.self) { try WireEncoder(sizeLimit: 1 << 20).encode(list) }
        var bytes: [UInt8] = [0x85]
        for _ in 0..<1000 {
            let count = UInt32(bytes.count + 5)
            bytes = [0x09] + (0..<4).map { UInt8(truncatingIfNeeded: count >> (8 * $0)) } + [4] + Array("next".utf8) + bytes
        }
        #expect(throws: DecodingError.self) { try WireDecoder().decode(Linked.self, from: bytes) }
    }

    /// Goes down by containers that it opens for itself, of one kind or the other.
    private struct Deep: Codable {
        enum Way: CaseIterable { case unkeyed, keyed, superUnkeyed, superKeyed }
        enum Key: String, CodingKey { case key }
        var depth = 0
        var way = Way.unkeyed
        var encodesAtTheEnd = true

        init(_ depth: Int, _ way: Way, encodesAtTheEnd: Bool = true) { (self.depth, self.way, self.encodesAtTheEnd) = (depth, way, encodesAtTheEnd) }

        func encode(to encoder: any Encoder) throws {
            var encoder = encoder
            var unkeyed = encoder.unkeyedContainer()
            if way == .keyed {
                var keyed = unkeyed.nestedContainer(keyedBy: Key.self)
                for _ in 0..<depth { keyed = keyed.nestedContainer(keyedBy: Key.self, forKey: .key) }
                if encodesAtTheEnd { try keyed.encode(1, forKey: .key) }
                return
            }
            for _ in 0..<depth {
                switch way {
                case .unkeyed: unkeyed = unkeyed.nestedUnkeyedContainer()
                case .superUnkeyed:
                    encoder = unkeyed.superEncoder()
                    unkeyed = encoder.unkeyedContainer()
                case .superKeyed, .keyed:
                    var keyed = unkeyed.superEncoder().container(keyedBy: Key.self)
                    encoder = keyed.superEncoder(forKey: .key)
                    unkeyed = encoder.unkeyedContainer()
                }
            }
            if encodesAtTheEnd { try unkeyed.encode(1) }
        }

        init(from decoder: any Decoder) throws {
            var container = try decoder.unkeyedContainer()
            while true {
                container = try container.nestedUnkeyedContainer()
                depth += 1
            }
        }
    }

    @Test(arguments: [1, 100, 300, 100_000], [true, false])
    func containersThatATypeOpensForItselfAreBoundedToo(depth: Int, encodesAtTheEnd: Bool) throws {
        for way in Deep.Way.allCases {
            let deep = Deep(depth, way, encodesAtTheEnd: encodesAtTheEnd)
            if depth <= 100 {
                #expect(try WireEncoder(sizeLimit: 1 << 20).encode(deep).count > depth)
            } else {
                #expect(throws: EncodingError.self) { try WireEncoder(sizeLimit: 1 << 20).encode(deep) }
            }
        }
    }

    @Test func aPayloadThatNestsContainersIsBounded() {
        var headers: [UInt8] = []
        let depth = 200_000
        for level in 0..<depth {
            let count = UInt32((depth - level - 1) * 5)
            headers.append(0x0A)
            for shift in 0..<UInt32(4) { headers.append(UInt8(truncatingIfNeeded: count >> (8 * shift))) }
        }
        #expect(throws: DecodingError.self) { try WireDecoder().decode(Deep.self, from: headers) }
    }
}

extension [UInt8] {
    /// The container's length is what follows its header.
    fileprivate func withCount(_ ignored: Int) -> [UInt8] {
        var copy = self
        copy[1] = UInt8(count - 5)
        return copy
    }
}
