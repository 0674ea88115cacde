// The containers through which a type reads itself from a message: keyed, unkeyed, single value.
// Used by master and workers, through WireDecoder. One line for each standard type, as the protocols demand.

/// Entries are looked up from where the last one was found, so a type that reads them in the order in which they were
/// written finds each at once.
final class WireKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let decoder: WireValueDecoder
    private let contents: Range<Int>
    private var cursor: Int

    /// Looks at all entries first: `contains` and `allKeys` can't throw, and must not take a damaged entry for a missing one.
    init(decoder: WireValueDecoder, contents: Range<Int>) throws {
        self.decoder = decoder
        self.contents = contents
        cursor = contents.lowerBound
        var offset = contents.lowerBound
        while offset < contents.upperBound {
            let entry = try entry(at: offset)
            try decoder.reading { try $0.checkText(in: entry.key) }
            offset = entry.end
        }
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        var keys: [Key] = []
        var offset = contents.lowerBound
        while offset < contents.upperBound, let entry = try? entry(at: offset) {
            if let text = try? decoder.input.text(in: entry.key), let key = Key(stringValue: text) { keys.append(key) }
            offset = entry.end
        }
        return keys
    }

    private struct Entry {
        let key: Range<Int>
        let value: Int
        let end: Int
    }

    private func entry(at offset: Int) throws -> Entry {
        try decoder.reading { input in
            var next = offset
            let key = try input.range(at: &next, end: contents.upperBound)
            return Entry(key: key, value: next, end: try input.skip(from: next, end: contents.upperBound))
        }
    }

    /// The value's range, or nil when there is no such key.
    private func find(_ key: any CodingKey) throws -> Range<Int>? {
        let name = key.stringValue.utf8
        let start = cursor
        var wrapped = false
        while true {
            if cursor >= contents.upperBound {
                if wrapped { return nil }
                wrapped = true
                cursor = contents.lowerBound
            }
            if wrapped, cursor >= start { return nil }
            let entry = try entry(at: cursor)
            if entry.key.count == name.count, decoder.input.bytes[entry.key].elementsEqual(name) {
                return entry.value..<entry.end
            }
            cursor = entry.end
        }
    }

    private func value(_ key: any CodingKey) throws -> WireValueDecoder {
        guard let range = try find(key) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "the message has no such entry"))
        }
        return decoder.nested(at: range.lowerBound, end: range.upperBound, key: key)
    }

    func contains(_ key: Key) -> Bool { (try? find(key)) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try value(key).isNil }
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try value(key).bool() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try value(key).string() }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { try value(key).float() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try value(key).double() }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try value(key).integer(type) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try value(key).integer(type) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try value(key).integer(type) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try value(key).integer(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try value(key).integer(type) }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try value(key).integer(type) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try value(key).integer(type) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try value(key).integer(type) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try value(key).integer(type) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try value(key).integer(type) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try value(key).integer(type) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try value(key).integer(type) }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try value(key).decodeWhole(type)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try value(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try value(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder { try value(SuperKey()) }
    func superDecoder(forKey key: Key) throws -> any Decoder { try value(key) }
}

struct WireUnkeyedDecoding: UnkeyedDecodingContainer {
    private let decoder: WireValueDecoder
    private let contents: Range<Int>
    private var offset: Int
    private(set) var currentIndex = 0

    init(decoder: WireValueDecoder, contents: Range<Int>) {
        self.decoder = decoder
        self.contents = contents
        offset = contents.lowerBound
    }

    var codingPath: [any CodingKey] { decoder.codingPath }
    /// Not known without a walk through the elements.
    var count: Int? { nil }
    var isAtEnd: Bool { offset >= contents.upperBound }

    /// The next element; the container moves behind it when `read` has not thrown.
    private mutating func next<Value>(_ read: (WireValueDecoder) throws -> Value) throws -> Value {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Value.self, .init(codingPath: codingPath, debugDescription: "the container has no more elements"))
        }
        let end = try decoder.reading { try $0.skip(from: offset, end: contents.upperBound) }
        let value = try read(decoder.nested(at: offset, end: end, key: IndexKey(currentIndex)))
        offset = end
        currentIndex += 1
        return value
    }

    mutating func decodeNil() throws -> Bool {
        var ahead = self
        guard try ahead.next({ try $0.isNil }) else { return false }
        self = ahead
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.bool() } }
    mutating func decode(_ type: String.Type) throws -> String { try next { try $0.string() } }
    mutating func decode(_ type: Float.Type) throws -> Float { try next { try $0.float() } }
    mutating func decode(_ type: Double.Type) throws -> Double { try next { try $0.double() } }
    mutating func decode(_ type: Int.Type) throws -> Int { try next { try $0.integer(type) } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next { try $0.integer(type) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next { try $0.integer(type) } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next { try $0.integer(type) } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next { try $0.integer(type) } }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try next { try $0.integer(type) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next { try $0.integer(type) } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next { try $0.integer(type) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next { try $0.integer(type) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next { try $0.integer(type) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next { try $0.integer(type) } }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try next { try $0.integer(type) } }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try next { try $0.decodeWhole(type) }
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try next { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try next { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try next { $0 } }
}

struct WireSingleDecoding: SingleValueDecodingContainer {
    let decoder: WireValueDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { (try? decoder.isNil) ?? false }
    func decode(_ type: Bool.Type) throws -> Bool { try decoder.bool() }
    func decode(_ type: String.Type) throws -> String { try decoder.string() }
    func decode(_ type: Float.Type) throws -> Float { try decoder.float() }
    func decode(_ type: Double.Type) throws -> Double { try decoder.double() }
    func decode(_ type: Int.Type) throws -> Int { try decoder.integer(type) }
    func decode(_ type: Int8.Type) throws -> Int8 { try decoder.integer(type) }
    func decode(_ type: Int16.Type) throws -> Int16 { try decoder.integer(type) }
    func decode(_ type: Int32.Type) throws -> Int32 { try decoder.integer(type) }
    func decode(_ type: Int64.Type) throws -> Int64 { try decoder.integer(type) }
    func decode(_ type: Int128.Type) throws -> Int128 { try decoder.integer(type) }
    func decode(_ type: UInt.Type) throws -> UInt { try decoder.integer(type) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try decoder.integer(type) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try decoder.integer(type) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try decoder.integer(type) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try decoder.integer(type) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try decoder.integer(type) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try decoder.nested(at: decoder.offset, end: decoder.end, key: nil).decodeWhole(type)
    }
}
