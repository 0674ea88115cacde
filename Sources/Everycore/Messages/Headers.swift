// A response's header fields as text, in their order; they are checked where they are written on the wire.
//
// Made in the workers, by handlers. Text and not HTTPFields, for two reasons: HTTPFields turns a CR LF in a value into
// spaces, while this server logs it; and an empty array costs nothing, while an empty HTTPFields is an allocation.

internal import HTTPTypes

/// The header fields of a response. Names are compared without regard to case.
public struct Headers: Sendable {
    package private(set) var fields: [(name: String, value: String)] = []

    public init() {}

    public var isEmpty: Bool { fields.isEmpty }

    /// The first value under a name. Setting one replaces all of that name, nil removes them.
    public subscript(name: String) -> String? {
        get { fields.first { equalIgnoringCase($0.name, name) }?.value }
        set {
            if !fields.isEmpty { fields.removeAll { equalIgnoringCase($0.name, name) } }
            if let newValue { fields.append((name, newValue)) }
        }
    }

    /// One more field, next to others of its name (`Set-Cookie`).
    public mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

    var httpFields: HTTPFields {
        var result = HTTPFields()
        for (name, value) in fields {
            if let name = HTTPField.Name(name) { result.append(HTTPField(name: name, value: value)) }
        }
        return result
    }
}

/// Compares as field names are compared: ASCII letters without regard to case.
func equalIgnoringCase(_ left: String, _ right: String) -> Bool {
    left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lowercased($0) == lowercased($1) }
}

func lowercased(_ byte: UInt8) -> UInt8 {
    byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
}
