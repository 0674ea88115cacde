// Bytes as values, and bytes that are damaged.

import Cluster
import Foundation
import TestSupport
import Testing

@Suite struct WireBytesTests {
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
        var random = SeededGenerator.printingSeed(12)
        for length in 0..<good.count { _ = try? WireDecoder().decode(Everything.self, from: Array(good[..<length])) }
        for _ in 0..<3000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            _ = try? WireDecoder().decode(Everything.self, from: bytes)
        }
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
            _ = try? WireDecoder().decode(Everything.self, from: bytes)
            _ = try? WireDecoder().decode([Shape].self, from: bytes)
        }
    }
}
