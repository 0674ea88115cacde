// The methods that routes can have, and sets of them for the Allow field.
//
// Constants and plain values. CONNECT and TRACE belong to no set: this server offers them nowhere. Every other token may be a route's
// method (QUERY, PURGE, REPORT); those that `Method` doesn't list are kept by name.

package import EverycoreHTTP

extension Method {
    /// The methods that a route can have, in the order in which Allow lists them; their raw values count from 0.
    static let offered: [Method] = [.get, .head, .post, .put, .delete, .patch, .options]

    /// The method of this name, where it is one of these.
    init?(offered name: String) {
        guard let method = Self.offered.first(where: { $0.name.description == name }) else { return nil }
        self = method
    }

    /// This method's column in the table of routes.
    var column: Int { Int(rawValue) }
}

package struct MethodSet: Equatable, Sendable, CustomStringConvertible {
    private var bits: UInt16 = 0
    /// In the order of their names.
    private var others: [String] = []

    package init() {}

    package var isEmpty: Bool { bits == 0 && others.isEmpty }
    package func contains(_ method: Method) -> Bool { bits & 1 << UInt16(method.rawValue) != 0 }
    package mutating func insert(_ method: Method) { bits |= 1 << UInt16(method.rawValue) }
    /// Adds a method that isn't one of `Method.offered`.
    package mutating func insert(other name: String) {
        guard !others.contains(name) else { return }
        others.append(name)
        others.sort()
    }
    package mutating func formUnion(_ other: MethodSet) {
        bits |= other.bits
        for name in other.others { insert(other: name) }
    }
    package func union(_ other: MethodSet) -> MethodSet {
        var both = self
        both.formUnion(other)
        return both
    }

    /// The value of an Allow field (RFC 9110 §10.2.1).
    package var description: String {
        (Method.offered.filter(contains).map(\.name.description) + others).joined(separator: ", ")
    }
}
