// What the tests of the coder encode and decode.

import Cluster
import Foundation

func roundTrip<Value: Codable>(_ value: Value) throws -> Value {
    try WireDecoder().decode(Value.self, from: WireEncoder(sizeLimit: 1 << 20).encode(value))
}

struct Everything: Codable, Equatable {
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

struct Void2: Codable, Equatable {}

indirect enum Shape: Codable, Equatable {
    case circle(radius: Double)
    case line(String, to: String)
    case group([Shape])
    case nothing
}

final class Linked: Codable {
    var next: Linked?
    init(_ next: Linked?) { self.next = next }
}

class Base: Codable {
    var a = 1
    init() {}
}

final class Derived: Base {
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
struct Interleaved: Codable, Equatable {
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
