// Makes a Decodable value from the bytes of a message (layout: WireTag.swift).
// Used by master and workers. Malformed bytes throw DecodingError; they never trap, never recurse beyond
// WireTag.depthLimit, and cost no more memory than they have bytes.

package struct WireDecoder {
    package init() {}

    package func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try decode(type, from: WireInput(ByteStorage(copying: bytes)))
    }

    func decode<Value: Decodable>(_ type: Value.Type, from input: WireInput) throws -> Value {
        let decoder = WireValueDecoder(input: input, offset: input.start, end: input.end, parent: nil, key: nil)
        let value = try decoder.decodeWhole(type)
        guard try decoder.reading({ input throws(WireInput.Malformed) in try input.skip(from: input.start, end: input.end) }) == input.end else {
            throw decoder.corrupted("more bytes follow the value")
        }
        return value
    }
}

/// Reads the one value at `offset`.
final class WireValueDecoder: Decoder {
    let input: WireInput
    let offset: Int
    let end: Int
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    /// Where a keyed container looks for the next key first.
    var cursor = 0
    private let depth: Int
    private let parent: WireValueDecoder?
    private let key: (any CodingKey)?

    init(input: WireInput, offset: Int, end: Int, parent: WireValueDecoder?, key: (any CodingKey)?) {
        self.input = input
        self.offset = offset
        self.end = end
        self.parent = parent
        self.key = key
        depth = (parent?.depth ?? -1) + 1
    }

    var codingPath: [any CodingKey] {
        (parent?.codingPath ?? []) + (key.map { [$0] } ?? [])
    }

    /// Bounded in depth, however a type goes down: by values or by containers that it opens for itself.
    func nested(at offset: Int, end: Int, key: (any CodingKey)?) throws -> WireValueDecoder {
        guard depth < WireTag.depthLimit else { throw corrupted("more than \(WireTag.depthLimit) levels of nesting") }
        return WireValueDecoder(input: input, offset: offset, end: end, parent: self, key: key)
    }

    func decodeWhole<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if try tag == WireTag.bytes, let value = try WireBytes.make(type, of: byteArray) { return value }
        return try type.init(from: self)
    }

    private func byteArray() throws -> [UInt8] {
        var next = offset + 1
        return try reading { input throws(WireInput.Malformed) in input.bytes.array(try input.range(at: &next, end: end)) }
    }

    // MARK: Containers

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let contents = try reading({ input throws(WireInput.Malformed) in try input.contents(of: WireTag.keyed, at: offset, end: end) }) else {
            throw mismatch([String: Any].self)
        }
        return KeyedDecodingContainer(try WireKeyedDecoding<Key>(decoder: self, contents: contents))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let contents = try reading({ input throws(WireInput.Malformed) in try input.contents(of: WireTag.unkeyed, at: offset, end: end) }) else {
            throw mismatch([Any].self)
        }
        return WireUnkeyedDecoding(decoder: self, contents: contents)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { WireSingleDecoding(decoder: self) }

    // MARK: Values

    private var tag: UInt8 {
        get throws { try tag(at: offset, end: end) }
    }

    @inline(__always)
    func tag(at offset: Int, end: Int) throws -> UInt8 {
        try reading { input throws(WireInput.Malformed) in try input.byte(at: offset, end: end) }
    }

    // The value of a key or an element is read without a decoder of its own; `key` makes the path when it is wrong.

    @inline(__always)
    func isNil(at offset: Int, end: Int) throws -> Bool { try tag(at: offset, end: end) == WireTag.null }

    @inline(__always)
    func integer<Number: FixedWidthInteger>(
        _ type: Number.Type, at offset: Int, end: Int, key: (any CodingKey)? = nil
    ) throws -> Number {
        let tag = try tag(at: offset, end: end)
        if tag >= WireTag.small, let value = Number(exactly: tag & 0x7F) { return value }
        guard let value = try reading({ input throws(WireInput.Malformed) in try input.integer(at: offset, end: end, as: type) })
        else { throw mismatch(type, key) }
        return value
    }

    func bool(at offset: Int, end: Int, key: (any CodingKey)? = nil) throws -> Bool {
        switch try tag(at: offset, end: end) {
        case WireTag.yes: return true
        case WireTag.no: return false
        default: throw mismatch(Bool.self, key)
        }
    }

    func float(at offset: Int, end: Int, key: (any CodingKey)? = nil) throws -> Float {
        guard try tag(at: offset, end: end) == WireTag.float else { throw mismatch(Float.self, key) }
        return Float(bitPattern: try reading { input throws(WireInput.Malformed) in try input.number(at: offset + 1, end: end) })
    }

    func double(at offset: Int, end: Int, key: (any CodingKey)? = nil) throws -> Double {
        guard try tag(at: offset, end: end) == WireTag.double else { return Double(try float(at: offset, end: end, key: key)) }
        return Double(bitPattern: try reading { input throws(WireInput.Malformed) in try input.number(at: offset + 1, end: end) })
    }

    func string(at offset: Int, end: Int, key: (any CodingKey)? = nil) throws -> String {
        guard try tag(at: offset, end: end) == WireTag.string else { throw mismatch(String.self, key) }
        var next = offset + 1
        return try reading { input throws(WireInput.Malformed) in
            try input.text(in: try input.range(at: &next, end: end))
        }
    }

    // MARK: Errors

    /// Gives malformed bytes the path that led to them.
    @inline(__always)
    func reading<Value>(_ step: (WireInput) throws(WireInput.Malformed) -> Value) throws -> Value {
        do throws(WireInput.Malformed) {
            return try step(input)
        } catch {
            throw corrupted(error.description)
        }
    }

    func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: reason))
    }

    func mismatch(_ type: Any.Type, _ last: (any CodingKey)? = nil) -> DecodingError {
        let path = codingPath + (last.map { [$0] } ?? [])
        return .typeMismatch(type, .init(codingPath: path, debugDescription: "the message has another kind of value here"))
    }
}
