// The containers through which a type writes itself into a message: keyed, unkeyed, single value.
// Used by master and workers, through WireEncoder. One line for each standard type, as the protocols demand.

extension WireOutput {
    func append(_ value: Bool) throws { try append(value ? WireTag.yes : WireTag.no) }
    func append(_ value: Float) throws { try append(number: value.bitPattern, tag: WireTag.float) }
    func append(_ value: Double) throws { try append(number: value.bitPattern, tag: WireTag.double) }
    func append(_ value: String) throws {
        try append(WireTag.string)
        try append(text: value)
    }
}

struct WireKeyedEncoding<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let encoder: WireValueEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    private func entry(_ key: Key) throws -> WireOutput {
        try encoder.beginEntry(key)
        return encoder.output
    }

    /// A container can be asked for without a chance to throw; what went wrong then shows when the value is finished.
    private func detached(_ key: some CodingKey) -> WireValueEncoder {
        encoder.attempt { try encoder.beginEntry(key) }
        return encoder.makeDetached(key: key)
    }

    func encodeNil(forKey key: Key) throws { try entry(key).append(WireTag.null) }
    func encode(_ value: Bool, forKey key: Key) throws { try entry(key).append(value) }
    func encode(_ value: String, forKey key: Key) throws { try entry(key).append(value) }
    func encode(_ value: Float, forKey key: Key) throws { try entry(key).append(value) }
    func encode(_ value: Double, forKey key: Key) throws { try entry(key).append(value) }
    func encode(_ value: Int, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: Int8, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: Int16, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: Int32, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: Int64, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: Int128, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: UInt, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: UInt8, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: UInt16, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: UInt32, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: UInt64, forKey key: Key) throws { try entry(key).append(integer: value) }
    func encode(_ value: UInt128, forKey key: Key) throws { try entry(key).append(integer: value) }

    func encode(_ value: some Encodable, forKey key: Key) throws {
        try encoder.beginEntry(key)
        try encoder.encodeNested(value, key: key)
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        detached(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { detached(key).unkeyedContainer() }
    func superEncoder() -> any Encoder { detached(SuperKey()) }
    func superEncoder(forKey key: Key) -> any Encoder { detached(key) }
}

struct WireUnkeyedEncoding: UnkeyedEncodingContainer {
    let encoder: WireValueEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }
    var count: Int { encoder.elementCount }

    private func element() throws -> WireOutput {
        try encoder.beginElement()
        return encoder.output
    }

    private func detached() -> WireValueEncoder {
        encoder.attempt { try encoder.beginElement() }
        return encoder.makeDetached(key: IndexKey(count - 1))
    }

    func encodeNil() throws { try element().append(WireTag.null) }
    func encode(_ value: Bool) throws { try element().append(value) }
    func encode(_ value: String) throws { try element().append(value) }
    func encode(_ value: Float) throws { try element().append(value) }
    func encode(_ value: Double) throws { try element().append(value) }
    func encode(_ value: Int) throws { try element().append(integer: value) }
    func encode(_ value: Int8) throws { try element().append(integer: value) }
    func encode(_ value: Int16) throws { try element().append(integer: value) }
    func encode(_ value: Int32) throws { try element().append(integer: value) }
    func encode(_ value: Int64) throws { try element().append(integer: value) }
    func encode(_ value: Int128) throws { try element().append(integer: value) }
    func encode(_ value: UInt) throws { try element().append(integer: value) }
    func encode(_ value: UInt8) throws { try element().append(integer: value) }
    func encode(_ value: UInt16) throws { try element().append(integer: value) }
    func encode(_ value: UInt32) throws { try element().append(integer: value) }
    func encode(_ value: UInt64) throws { try element().append(integer: value) }
    func encode(_ value: UInt128) throws { try element().append(integer: value) }

    func encode(_ value: some Encodable) throws {
        try encoder.beginElement()
        try encoder.encodeNested(value, key: IndexKey(count - 1))
    }

    func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
        detached().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { detached().unkeyedContainer() }
    func superEncoder() -> any Encoder { detached() }
}

struct WireSingleEncoding: SingleValueEncodingContainer {
    let encoder: WireValueEncoder

    var codingPath: [any CodingKey] { encoder.codingPath }

    private func only() throws -> WireOutput {
        try encoder.beginSingle()
        return encoder.output
    }

    func encodeNil() throws { try only().append(WireTag.null) }
    func encode(_ value: Bool) throws { try only().append(value) }
    func encode(_ value: String) throws { try only().append(value) }
    func encode(_ value: Float) throws { try only().append(value) }
    func encode(_ value: Double) throws { try only().append(value) }
    func encode(_ value: Int) throws { try only().append(integer: value) }
    func encode(_ value: Int8) throws { try only().append(integer: value) }
    func encode(_ value: Int16) throws { try only().append(integer: value) }
    func encode(_ value: Int32) throws { try only().append(integer: value) }
    func encode(_ value: Int64) throws { try only().append(integer: value) }
    func encode(_ value: Int128) throws { try only().append(integer: value) }
    func encode(_ value: UInt) throws { try only().append(integer: value) }
    func encode(_ value: UInt8) throws { try only().append(integer: value) }
    func encode(_ value: UInt16) throws { try only().append(integer: value) }
    func encode(_ value: UInt32) throws { try only().append(integer: value) }
    func encode(_ value: UInt64) throws { try only().append(integer: value) }
    func encode(_ value: UInt128) throws { try only().append(integer: value) }

    func encode(_ value: some Encodable) throws {
        try encoder.beginSingle()
        try encoder.encodeNested(value, key: nil)
    }
}
