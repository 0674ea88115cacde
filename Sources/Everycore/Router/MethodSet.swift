// The methods that a table of routes knows, as small numbers and as sets of them for the Allow field.
//
// Fixed before the fork, read in the workers. The standard methods have fixed numbers; methods of the
// application's own (PURGE, REPORT) are numbered behind them in the order of registration.

/// A method's number within one table of routes.
package struct MethodNumber: Equatable, Sendable {
    package let rawValue: Int
    package init(_ rawValue: Int) { self.rawValue = rawValue }

    package static let get = MethodNumber(0)
    package static let head = MethodNumber(1)
    package static let post = MethodNumber(2)
    package static let put = MethodNumber(3)
    package static let patch = MethodNumber(4)
    package static let delete = MethodNumber(5)
    package static let options = MethodNumber(6)
    package static let standard: [StaticString] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    package static let limit = 64
}

package struct MethodSet: Equatable, Sendable {
    package private(set) var bits: UInt64 = 0

    package var isEmpty: Bool { bits == 0 }
    package func contains(_ method: MethodNumber) -> Bool { bits & Self.bit(method) != 0 }
    package mutating func insert(_ method: MethodNumber) { bits |= Self.bit(method) }
    package mutating func formUnion(_ other: MethodSet) { bits |= other.bits }

    private static func bit(_ method: MethodNumber) -> UInt64 { 1 << UInt64(truncatingIfNeeded: method.rawValue) }
}

/// The names of a table's methods: the standard ones, then the application's own.
package struct MethodNames: Equatable, Sendable {
    package private(set) var names: [String] = MethodNumber.standard.map(\.description)

    /// The number of a method, given on its first appearance.
    package mutating func number(for name: String) throws(RouteError.Reason) -> MethodNumber {
        if let position = names.firstIndex(of: name) { return MethodNumber(position) }
        guard !name.isEmpty, name.utf8.allSatisfy(isTokenCharacter) else { throw .malformedMethod }
        guard name != "CONNECT", name != "TRACE" else { throw .methodNotOffered }
        guard names.count < MethodNumber.limit else { throw .tooManyMethods }
        names.append(name)
        return MethodNumber(names.count - 1)
    }

    /// The application's own method of this name.
    package func ownMethod(named name: String) -> MethodNumber? {
        guard names.count > MethodNumber.standard.count else { return nil }
        return names.firstIndex(of: name).map(MethodNumber.init)
    }

    /// The value of an Allow field (RFC 9110 §10.2.1).
    package func list(_ methods: MethodSet) -> String {
        var text = ""
        for (position, name) in names.enumerated() where methods.contains(MethodNumber(position)) {
            if !text.isEmpty { text += ", " }
            text += name
        }
        return text
    }
}

/// RFC 9110 §5.6.2: the characters of methods and field names.
func isTokenCharacter(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
    case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
        UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
        UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
        true
    default: false
    }
}
