// Makes a Decodable value from the bytes of a message (layout: WireTag.swift).
// Used by master and workers. Malformed bytes throw DecodingError; they never trap, never recurse beyond
// WireTag.depthLimit, and cost no more memory than they have bytes.

package struct WireDecoder {
    package init() {}

    package func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        try decode(type, from: WireInput(bytes: bytes))
    }

    func decode<Value: Decodable>(_ type: Value.Type, from input: WireInput) throws -> Value {
        let decoder = WireValueDecoder(input: input, offset: input.start, end: input.end, parent: nil, key: nil)
        let value = try decoder.decodeWhole(type)
        guard try decoder.reading({ try $0.skip(from: input.start, end: input.end) }) == input.end else {
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
    let userInfo: [CodingUserInfoKey: Any] = [:]
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

    func nested(at offset: Int, end: Int, key: (any CodingKey)?) -> WireValueDecoder {
        WireValueDecoder(input: input, offset: offset, end: end, parent: self, key: key)
    }

    func decodeWhole<Value: Decodable>(_ type: Value.Type) throws -> Value {
        guard depth <= WireTag.depthLimit else {
            throw corrupted("more than \(WireTag.depthLimit) levels of nesting")
        }
        if type == [UInt8].self, try tag == WireTag.bytes, let bytes = try byteArray() as? Value { return bytes }
        return try type.init(from: self)
    }

    private func byteArray() throws -> [UInt8] {
        var next = offset + 1
        return try reading { Array($0.bytes[try $0.range(at: &next, end: end)]) }
    }

    // MARK: Containers

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard let contents = try reading({ try $0.contents(of: WireTag.keyed, at: offset, end: end) }) else {
            throw mismatch([String: Any].self)
        }
        return KeyedDecodingContainer(try WireKeyedDecoding<Key>(decoder: self, contents: contents))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard let contents = try reading({ try $0.contents(of: WireTag.unkeyed, at: offset, end: end) }) else {
            throw mismatch([Any].self)
        }
        return WireUnkeyedDecoding(decoder: self, contents: contents)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { WireSingleDecoding(decoder: self) }

    // MARK: Values

    private var tag: UInt8 {
        get throws { try reading { try $0.byte(at: offset, end: end) } }
    }

    var isNil: Bool {
        get throws { try tag == WireTag.null }
    }

    func integer<Number: FixedWidthInteger>(_ type: Number.Type) throws -> Number {
        guard let value = try reading({ try $0.integer(at: offset, end: end, as: type) }) else { throw mismatch(type) }
        return value
    }

    func bool() throws -> Bool {
        switch try tag {
        case WireTag.yes: return true
        case WireTag.no: return false
        default: throw mismatch(Bool.self)
        }
    }

    func float() throws -> Float {
        guard try tag == WireTag.float else { throw mismatch(Float.self) }
        return Float(bitPattern: try reading { try $0.number(at: offset + 1, end: end) })
    }

    func double() throws -> Double {
        guard try tag == WireTag.double else { return Double(try float()) }
        return Double(bitPattern: try reading { try $0.number(at: offset + 1, end: end) })
    }

    func string() throws -> String {
        guard try tag == WireTag.string else { throw mismatch(String.self) }
        var next = offset + 1
        return try reading { try $0.text(in: try $0.range(at: &next, end: end)) }
    }

    // MARK: Errors

    /// Gives malformed bytes the path that led to them.
    func reading<Value>(_ step: (WireInput) throws -> Value) throws -> Value {
        do {
            return try step(input)
        } catch let error as WireInput.Malformed {
            throw corrupted(error.description)
        }
    }

    func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: reason))
    }

    func mismatch(_ type: Any.Type) -> DecodingError {
        .typeMismatch(type, .init(codingPath: codingPath, debugDescription: "the message has another kind of value here"))
    }
}
