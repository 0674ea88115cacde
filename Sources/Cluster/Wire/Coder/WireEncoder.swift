// Turns an Encodable value into the compact bytes of a message (layout: WireTag.swift).
// Used by master and workers. Values are written in one pass; only containers that a type opens for itself
// (`nestedContainer`, `superEncoder`) are written apart first, since they may be filled in any order.

package struct WireEncoder {
    private let sizeLimit: Int

    /// - Parameter sizeLimit: bytes; a value that takes more is refused with `MessageError.tooLarge`.
    package init(sizeLimit: Int) { self.sizeLimit = sizeLimit }

    package func encode(_ value: some Encodable) throws -> [UInt8] {
        let output = WireOutput(sizeLimit: sizeLimit)
        try encode(value, into: output)
        return output.bytes
    }

    /// - Parameter output: empty.
    func encode(_ value: some Encodable, into output: WireOutput) throws {
        try WireValueEncoder(output: output, parent: nil, key: nil).encodeWhole(value)
    }
}

/// Writes one value. Its type decides by the container that it asks for which kind of value it becomes.
final class WireValueEncoder: Encoder {
    private enum Shape { case none, single, keyed, unkeyed }

    let output: WireOutput
    var userInfo: [CodingUserInfoKey: Any] { [:] }
    private(set) var elementCount = 0
    private let start: Int
    private let depth: Int
    private let parent: WireValueEncoder?
    private let key: (any CodingKey)?
    private var shape = Shape.none
    private var failure: (any Error)?
    /// Stands for everything beyond the deepest level, of which nothing is kept.
    private let isBeyond: Bool

    init(output: WireOutput, parent: WireValueEncoder?, key: (any CodingKey)?) {
        self.output = output
        self.parent = parent
        self.key = key
        start = output.count
        depth = (parent?.depth ?? -1) + 1
        isBeyond = depth > WireTag.depthLimit
    }

    var codingPath: [any CodingKey] {
        (parent?.codingPath ?? []) + (key.map { [$0] } ?? [])
    }

    func encodeWhole<Value: Encodable>(_ value: Value) throws {
        if isBeyond { throw tooDeep }
        let isBytes = try unsafe WireBytes.with(value) { bytes in
            shape = .single
            try output.append(WireTag.bytes)
            try unsafe output.append(lengthAndBytes: bytes)
        }
        if !isBytes {
            try value.encode(to: self)
            try finish()
        }
    }

    private var tooDeep: EncodingError {
        .invalidValue(self, .init(codingPath: [], debugDescription: "more than \(WireTag.depthLimit) levels of nesting"))
    }

    /// Completes the value. A type that wrote nothing at all becomes an empty keyed container.
    func finish() throws {
        if let failure { throw failure }
        if shape == .none { try begin(.keyed) }
        if shape == .single {
            try output.collectDetached(from: start)
        } else {
            try output.endContainer(at: start)
        }
    }

    /// A type may ask for the same kind of container again, as a subclass does that shares its superclass's encoder.
    private func begin(_ wanted: Shape) throws {
        if isBeyond { throw tooDeep }
        guard shape != wanted || wanted == .single else { return }
        guard shape == .none else {
            throw EncodingError.invalidValue(
                self, .init(codingPath: codingPath, debugDescription: "two kinds of containers for one value"))
        }
        if wanted == .keyed { try output.beginContainer(WireTag.keyed) }
        if wanted == .unkeyed { try output.beginContainer(WireTag.unkeyed) }
        shape = wanted
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        attempt { try begin(.keyed) }
        return KeyedEncodingContainer(WireKeyedEncoding<Key>(encoder: self))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        attempt { try begin(.unkeyed) }
        return WireUnkeyedEncoding(encoder: self)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { WireSingleEncoding(encoder: self) }

    func beginEntry(_ key: some CodingKey) throws {
        try begin(.keyed)
        try output.append(text: key.stringValue)
    }

    func beginElement() throws {
        try begin(.unkeyed)
        elementCount += 1
    }

    func beginSingle() throws { try begin(.single) }

    func encodeNested(_ value: some Encodable, key: (any CodingKey)?) throws {
        try WireValueEncoder(output: output, parent: self, key: key).encodeWhole(value)
    }

    /// For what can't throw: the error is kept until the value is finished.
    func attempt(_ step: () throws -> Void) {
        do { try step() } catch { failure = failure ?? error }
    }

    /// An encoder for a container that the type opens for itself. A level too deep it is one that takes nothing, and stands for all levels
    /// below: a chain of encoders would be released one within the other, on a stack that ends somewhere.
    func makeDetached(key: any CodingKey) -> WireValueEncoder {
        if isBeyond { return self }
        let encoder = WireValueEncoder(output: output.makeDetachedOutput(), parent: self, key: key)
        if encoder.isBeyond { attempt { throw encoder.tooDeep } } else { output.attach(encoder) }
        return encoder
    }
}

/// The position of an element, as a key for paths in errors.
struct IndexKey: CodingKey {
    let index: Int
    init(_ index: Int) { self.index = index }
    init?(stringValue: String) { nil }
    init?(intValue: Int) { index = intValue }
    var stringValue: String { "\(index)" }
    var intValue: Int? { index }
}

/// The key of a superclass's part.
struct SuperKey: CodingKey {
    init() {}
    init?(stringValue: String) { nil }
    init?(intValue: Int) { nil }
    var stringValue: String { "super" }
    var intValue: Int? { nil }
}
