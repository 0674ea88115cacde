// The containers through which a type reads itself from a message: keyed, unkeyed, single value.
// Used by master and workers, through WireDecoder. One line for each standard type, as the protocols demand.

/// Entries are looked up from where the last one was found, so a type that reads them in the order in which they were
/// written finds each at once.
struct WireKeyedDecoding<Key: CodingKey>: KeyedDecodingContainerProtocol {
    private let decoder: WireValueDecoder
    private let contents: Range<Int>

    /// Looks at all entries first: `contains` and `allKeys` can't throw, and must not take a damaged entry for a missing one.
    init(decoder: WireValueDecoder, contents: Range<Int>) throws {
        self.decoder = decoder
        self.contents = contents
        try decoder.checkEntries(contents)
    }

    var codingPath: [any CodingKey] { decoder.codingPath }

    var allKeys: [Key] {
        var keys: [Key] = []
        var offset = contents.lowerBound
        while offset < contents.upperBound, let entry = try? decoder.entry(at: offset, end: contents.upperBound) {
            if let text = try? decoder.input.text(in: entry.key), let key = Key(stringValue: text) { keys.append(key) }
            offset = entry.end
        }
        return keys
    }

    @inline(__always)
    private func find(_ key: Key) throws -> Range<Int> {
        guard let range = try decoder.find(key.stringValue, in: contents) else { throw missing(key) }
        return range
    }

    @inline(never)
    private func missing(_ key: any CodingKey) -> DecodingError {
        .keyNotFound(key, .init(codingPath: codingPath, debugDescription: "the message has no such entry"))
    }

    private func value(_ key: Key) throws -> WireValueDecoder {
        let range = try find(key)
        return try decoder.nested(at: range.lowerBound, end: range.upperBound, key: key)
    }

    func contains(_ key: Key) -> Bool { (try? decoder.find(key.stringValue, in: contents)) != nil }

    func decodeNil(forKey key: Key) throws -> Bool {
        let range = try find(key)
        return try decoder.isNil(at: range.lowerBound, end: range.upperBound)
    }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        let range = try find(key)
        return try decoder.bool(at: range.lowerBound, end: range.upperBound, key: key)
    }

    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        let range = try find(key)
        return try decoder.string(at: range.lowerBound, end: range.upperBound, key: key)
    }

    func decode(_ type: Float.Type, forKey key: Key) throws -> Float {
        let range = try find(key)
        return try decoder.float(at: range.lowerBound, end: range.upperBound, key: key)
    }

    func decode(_ type: Double.Type, forKey key: Key) throws -> Double {
        let range = try find(key)
        return try decoder.double(at: range.lowerBound, end: range.upperBound, key: key)
    }

    @inline(__always)
    private func integer<Number: FixedWidthInteger>(_ type: Number.Type, _ key: Key) throws -> Number {
        let range = try find(key)
        return try decoder.integer(type, at: range.lowerBound, end: range.upperBound, key: key)
    }

    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try integer(type, key) }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try integer(type, key) }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try integer(type, key) }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try integer(type, key) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try integer(type, key) }
    func decode(_ type: Int128.Type, forKey key: Key) throws -> Int128 { try integer(type, key) }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try integer(type, key) }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try integer(type, key) }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try integer(type, key) }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try integer(type, key) }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try integer(type, key) }
    func decode(_ type: UInt128.Type, forKey key: Key) throws -> UInt128 { try integer(type, key) }

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

    func superDecoder() throws -> any Decoder {
        guard let range = try decoder.find(SuperKey().stringValue, in: contents) else { throw missing(SuperKey()) }
        return try decoder.nested(at: range.lowerBound, end: range.upperBound, key: SuperKey())
    }

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

    /// The next element's range; the container moves behind it when `read` has not thrown.
    @inline(__always)
    private mutating func next<Value>(_ read: (WireValueDecoder, Int, Int, IndexKey) throws -> Value) throws -> Value {
        guard !isAtEnd else {
            throw DecodingError.valueNotFound(
                Value.self, .init(codingPath: codingPath, debugDescription: "the container has no more elements"))
        }
        let (offset, limit) = (offset, contents.upperBound)
        let end = try decoder.reading { input throws(WireInput.Malformed) in try input.skip(from: offset, end: limit) }
        let value = try read(decoder, offset, end, IndexKey(currentIndex))
        self.offset = end
        currentIndex += 1
        return value
    }

    /// As above, with a decoder for the element.
    private mutating func nextValue<Value>(_ read: (WireValueDecoder) throws -> Value) throws -> Value {
        try next { decoder, offset, end, key in try read(decoder.nested(at: offset, end: end, key: key)) }
    }

    mutating func decodeNil() throws -> Bool {
        var ahead = self
        guard try ahead.next({ decoder, offset, end, _ in try decoder.isNil(at: offset, end: end) }) else { return false }
        self = ahead
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try next { try $0.bool(at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: String.Type) throws -> String { try next { try $0.string(at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Float.Type) throws -> Float { try next { try $0.float(at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Double.Type) throws -> Double { try next { try $0.double(at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: Int128.Type) throws -> Int128 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }
    mutating func decode(_ type: UInt128.Type) throws -> UInt128 { try next { try $0.integer(type, at: $1, end: $2, key: $3) } }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try nextValue { try $0.decodeWhole(type) }
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try nextValue { try $0.container(keyedBy: type) }
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try nextValue { try $0.unkeyedContainer() }
    }

    mutating func superDecoder() throws -> any Decoder { try nextValue { $0 } }
}

struct WireSingleDecoding: SingleValueDecodingContainer {
    let decoder: WireValueDecoder

    var codingPath: [any CodingKey] { decoder.codingPath }

    func decodeNil() -> Bool { (try? decoder.isNil(at: decoder.offset, end: decoder.end)) ?? false }
    func decode(_ type: Bool.Type) throws -> Bool { try decoder.bool(at: decoder.offset, end: decoder.end) }
    func decode(_ type: String.Type) throws -> String { try decoder.string(at: decoder.offset, end: decoder.end) }
    func decode(_ type: Float.Type) throws -> Float { try decoder.float(at: decoder.offset, end: decoder.end) }
    func decode(_ type: Double.Type) throws -> Double { try decoder.double(at: decoder.offset, end: decoder.end) }
    func decode(_ type: Int.Type) throws -> Int { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: Int8.Type) throws -> Int8 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: Int16.Type) throws -> Int16 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: Int32.Type) throws -> Int32 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: Int64.Type) throws -> Int64 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: Int128.Type) throws -> Int128 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: UInt.Type) throws -> UInt { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }
    func decode(_ type: UInt128.Type) throws -> UInt128 { try decoder.integer(type, at: decoder.offset, end: decoder.end) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        try decoder.nested(at: decoder.offset, end: decoder.end, key: nil).decodeWhole(type)
    }
}
