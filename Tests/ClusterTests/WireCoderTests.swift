// Codable values to bytes and back, golden bytes, and bytes that are damaged.

import Foundation
import Testing

import Cluster

private func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
    try WireDecoder().decode(Value.self, from: WireEncoder(sizeLimit: 1 << 20).encode(value))
}

private struct Everything: Codable, Equatable {
    var bool = true
    var int = -42
    var i8 = Int8.min, i16 = Int16.min, i32 = Int32.min, i64 = Int64.min, i128 = Int128.min
    var u8 = UInt8.max, u16 = UInt16.max, u32 = UInt32.max, u64 = UInt64.max, u128 = UInt128.max
    var float = Float.pi, double = -Double.leastNonzeroMagnitude
    var string = "Grüße 👋", empty = ""
    var some: Int? = 7, none: Int?
    var nested: [[String?]] = [["a", nil], []]
    var byName = ["x": [1, 2], "y": []]
    var byNumber = [1: "one", -2: "two"]
    var shapes: [Shape] = [.circle(radius: 2), .line("a", to: "b"), .nothing]
    var bytes: [UInt8] = [0, 127, 128, 255]
    var set: Set<Int> = [1, 2, 3]
    var range = 3..<9
    var duration = Duration.milliseconds(1234)
    var void = Void2()
}

private struct Void2: Codable, Equatable {}

private indirect enum Shape: Codable, Equatable {
    case circle(radius: Double)
    case line(String, to: String)
    case group([Shape])
    case nothing
}

private final class Linked: Codable {
    var next: Linked?
    init(_ next: Linked?) { self.next = next }
}

private class Base: Codable {
    var a = 1
    init() {}
}

private final class Derived: Base {
    var b = 2
    override init() { super.init() }
    enum Keys: String, CodingKey { case b }
    required init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        b = try container.decode(Int.self, forKey: .b)
        try super.init(from: container.superDecoder())
    }
    override func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(b, forKey: .b)
        try super.encode(to: container.superEncoder())
    }
}

/// Fills two containers in turns, which a one-pass encoder could not write in place.
private struct Interleaved: Codable, Equatable {
    var left = [1, 3], right = [2, 4]
    enum Keys: String, CodingKey { case left, right }
    init() {}
    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Keys.self)
        right = try container.decode([Int].self, forKey: .right)
        left = try container.decode([Int].self, forKey: .left)
    }
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Keys.self)
        var (l, r) = (container.nestedUnkeyedContainer(forKey: .left), container.nestedUnkeyedContainer(forKey: .right))
        for index in 0..<2 {
            try r.encode(right[index])
            try l.encode(left[index])
        }
    }
}

@Suite struct WireCoderTests {
    private struct Greeting: Codable, Equatable { var data: String; var count: Int }

    @Test func bytesAreAsTheLayoutSays() throws {
        let bytes = try WireEncoder(sizeLimit: 1000).encode(Greeting(data: "Hi", count: 300))
        #expect(bytes == [
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

    private struct Blob<Bytes: Codable & Equatable>: Codable, Equatable { var bytes: Bytes; var more: [Bytes?] }

    private func checkBytes<Bytes: Codable & Equatable>(_ make: ([UInt8]) -> Bytes) throws {
        let content: [UInt8] = (0..<1000).map { UInt8(truncatingIfNeeded: $0 * 7) }
        let value = make(content)
        let encoded = try WireEncoder(sizeLimit: 1 << 20).encode(value)
        #expect(try encoded == WireEncoder(sizeLimit: 1 << 20).encode(content), "\(Bytes.self)")
        #expect(try WireDecoder().decode(Bytes.self, from: encoded) == value)
        #expect(try WireDecoder().decode([UInt8].self, from: encoded) == content)
        let blob = Blob(bytes: value, more: [nil, make([]), make([0x80])])
        #expect(try roundTrip(blob) == blob)
    }

    @Test func bytesAreSentAsSuchWhateverHoldsThem() throws {
        let before: [UInt8] = [1, 2]
        try checkBytes { (bytes: [UInt8]) -> [UInt8] in bytes }
        try checkBytes { (bytes: [UInt8]) -> ContiguousArray<UInt8> in ContiguousArray(bytes) }
        try checkBytes { (bytes: [UInt8]) -> Data in Data(bytes) }
        try checkBytes { (bytes: [UInt8]) -> Data in Data(before + bytes).dropFirst(2) }
    }

    @Test func dataCostsAboutWhatBytesCost() throws {
        let content = [UInt8](repeating: 200, count: 8 << 20)
        let clock = ContinuousClock()
        let bytes = try clock.measure { _ = try WireDecoder().decode([UInt8].self, from: WireEncoder(sizeLimit: 1 << 24).encode(content)) }
        let data = try clock.measure { _ = try WireDecoder().decode(Data.self, from: WireEncoder(sizeLimit: 1 << 24).encode(Data(content))) }
        #expect(data < bytes * 5 + Duration.milliseconds(100), "\(data), \(bytes)")
    }

    /// A collection of bytes that has its own way to be coded.
    private struct Own: RangeReplaceableCollection, Codable, Equatable {
        var content: [UInt8] = []
        init() {}
        init(from decoder: any Decoder) throws { content = Array(try decoder.singleValueContainer().decode(String.self).utf8) }
        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(String(decoding: content, as: UTF8.self))
        }
        var startIndex: Int { content.startIndex }
        var endIndex: Int { content.endIndex }
        func index(after index: Int) -> Int { index + 1 }
        subscript(position: Int) -> UInt8 { content[position] }
        mutating func replaceSubrange(_ range: Range<Int>, with elements: some Collection<UInt8>) { content.replaceSubrange(range, with: elements) }
    }

    @Test func otherCollectionsOfBytesCodeThemselves() throws {
        var own = Own()
        own.append(contentsOf: "Hi".utf8)
        #expect(try WireEncoder(sizeLimit: 99).encode(own) == [0x07, 2, 0x48, 0x69])
        #expect(try roundTrip(own) == own)
    }

    @Test func lengthsBeyondTheInputAreRefused() {
        for bytes: [UInt8] in [
            [], [0x07], [0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], [0x07, 5, 0x61], [0x08, 0x80],
            [0x07, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF], [0x0A, 1, 0],
            [0x09, 2, 0, 0, 0, 9, 9], [0x06, 1], [0x0B], [0x42], [0x07, 1, 0xFF], [0x85, 0x85],
        ] {
            #expect(throws: DecodingError.self) { try WireDecoder().decode(String.self, from: bytes) }
            #expect(throws: DecodingError.self) { try WireDecoder().decode([UInt8].self, from: bytes) }
            #expect(throws: DecodingError.self) { try WireDecoder().decode(Everything.self, from: bytes) }
        }
    }

    @Test func aDamagedEntryIsNeitherAMissingOneNorTheLast() throws {
        struct Lenient: Codable, Equatable { var a: Int?; var b: Int? }
        let (a, b): ([UInt8], [UInt8]) = ([1, 0x61, 0x81], [1, 0x62, 0x82])
        func container(_ entries: [UInt8]) -> [UInt8] { [0x09, UInt8(entries.count), 0, 0, 0] + entries }
        #expect(try WireDecoder().decode(Lenient.self, from: container(a + b)) == Lenient(a: 1, b: 2))
        // A value of unknown kind, a key that is too long, and one that isn't UTF-8, in front and behind.
        for damaged: [UInt8] in [[1, 0x63, 0x42], [9, 0x63, 0x81], [1, 0xFF, 0x81]] {
            for entries in [damaged + b, b + damaged] {
                #expect(throws: DecodingError.self) { try WireDecoder().decode(Lenient.self, from: container(entries)) }
                #expect(throws: DecodingError.self) { try WireDecoder().decode([String: Int].self, from: container(entries)) }
            }
        }
    }

    @Test func damagedBytesThrowOrDecodeButNeverTrap() throws {
        let good = try WireEncoder(sizeLimit: 1 << 20).encode(Everything())
        var random = SystemRandomNumberGenerator()
        for length in 0..<good.count { _ = try? WireDecoder().decode(Everything.self, from: Array(good[..<length])) }
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? WireDecoder().decode(Everything.self, from: bytes)
        }
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40)).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try? WireDecoder().decode(Everything.self, from: bytes)
            _ = try? WireDecoder().decode([Shape].self, from: bytes)
        }
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
