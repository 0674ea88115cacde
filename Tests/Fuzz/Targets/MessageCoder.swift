// The coder of messages between processes, on arbitrary bytes and a type that asks for every kind of value and container.
// The first byte picks a type, the rest is the payload. What decodes must survive another round unchanged.

import Cluster

private struct Everything: Codable, Equatable {
    var bool = true
    var int = -42
    var i8 = Int8.min, i16 = Int16.min, i32 = Int32.min, i64 = Int64.min, i128 = Int128.min
    var u8 = UInt8.max, u16 = UInt16.max, u32 = UInt32.max, u64 = UInt64.max, u128 = UInt128.max
    var float = Float.pi, double = 1.5
    var string = "Grüße"
    var some: Int? = 7, none: Int?
    var nested: [[String?]] = [["a", nil], []]
    var byName = ["x": [1, 2], "y": []]
    var byNumber = [1: "one", -2: "two"]
    var shapes: [Shape] = [.circle(radius: 2), .line("a", to: "b"), .nothing]
    var bytes: [UInt8] = [0, 127, 128, 255]
    var set: Set<Int> = [1, 2, 3]
    var range = 3..<9
    var duration = Duration.milliseconds(1234)
}

private indirect enum Shape: Codable, Equatable {
    case circle(radius: Double), line(String, to: String), group([Shape]), nothing
}

private final class Linked: Codable, Equatable {
    var next: Linked?
    static func == (left: Linked, right: Linked) -> Bool { left.next == right.next }
}

/// Opens containers by hand, in another order than they were written in, and asks for what isn't there.
private struct Probing: Codable, Equatable {
    var keys: [String] = []
    var values: [String] = []

    struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        keys = container.allKeys.map(\.stringValue)
        for key in container.allKeys.reversed() {
            check(container.contains(key), "a key is listed and not found")
            values.append(Self.name(of: key, in: container))
        }
        _ = try? container.superDecoder()
        check(!container.contains(Key(stringValue: "no\u{0}such")) || keys.contains("no\u{0}such"), "a key from nowhere")
    }

    private static func name(of key: Key, in container: KeyedDecodingContainer<Key>) -> String {
        if (try? container.decodeNil(forKey: key)) == true { return "null" }
        if let number = try? container.decode(Int128.self, forKey: key) { return "\(number)" }
        if let number = try? container.decode(Double.self, forKey: key) { return "\(number)" }
        if let text = try? container.decode(String.self, forKey: key) { return text }
        if let inner = try? container.nestedContainer(keyedBy: Key.self, forKey: key) { return "\(inner.allKeys.count) entries" }
        guard var list = try? container.nestedUnkeyedContainer(forKey: key) else { return "something" }
        var count = 0
        while !list.isAtEnd, (try? list.superDecoder()) != nil { count += 1 }
        return "\(count) elements"
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    guard count > 0 else { return 0 }
    let payload = unsafe Array(UnsafeRawBufferPointer(start: start + 1, count: count - 1))
    switch unsafe start[0] & 15 {
    case 0: decode([Shape].self, payload)
    case 1: decode(Linked.self, payload)
    case 2: decode([String: [Int: String?]].self, payload)
    case 3: decode([UInt8].self, payload)
    case 4: decode([Int128].self, payload)
    case 5: decode([Double].self, payload)
    case 6: decode([String].self, payload)
    case 7: _ = try? WireDecoder().decode(Probing.self, from: payload)
    default: decode(Everything.self, payload)
    }
    return 0
}

private func decode<Value: Codable & Equatable>(_ type: Value.Type, _ payload: [UInt8]) {
    let value: Value
    do {
        value = try WireDecoder().decode(type, from: payload)
    } catch {
        return check(error is DecodingError, "\(error)")
    }
    // A NaN equals nothing. Arrays of the same memory are equal without a look at what is in them, hence the second decoding.
    guard let twin = try? WireDecoder().decode(type, from: payload), twin == value else { return }
    do {
        let encoding = try WireEncoder(sizeLimit: 1 << 20).encode(value)
        check(try WireDecoder().decode(type, from: encoding) == value, "\(value) changed")
    } catch {
        check(false, "\(value) can't be sent again: \(error)")
    }
}
