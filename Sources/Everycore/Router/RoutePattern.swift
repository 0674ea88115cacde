// A route's pattern, taken apart: `/users/:id/files/*rest` is a literal, a parameter, a literal and a catch-all.
//
// Runs before the fork, while the routes are registered. Literals are plain text: they are compared with the
// percent-decoded segments of a request's path (RFC 3986 §6.2.2.2).

/// The reason for which a route can't be registered.
public struct RouteError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        /// The pattern doesn't begin with a slash.
        case noLeadingSlash
        /// The pattern contains `?` or `#`: a route matches paths, not queries or fragments.
        case queryOrFragment
        /// A `:` or `*` without a name after it.
        case unnamedParameter
        /// Two parameters of this name in one pattern.
        case repeatedParameter(String)
        /// A `*rest` that isn't the last segment.
        case catchAllNotLast
        /// Another route has this method and matches the same paths.
        case duplicate(of: String)
        /// No method that a route can have: `CONNECT`, `TRACE`, and what is no token (RFC 9110 §9.1).
        case methodNotOffered
    }

    public let method: String
    public let pattern: String
    public let reason: Reason

    public var description: String {
        let problem =
            switch reason {
            case .noLeadingSlash: "a pattern begins with a slash"
            case .queryOrFragment: "a pattern has neither query nor fragment"
            case .unnamedParameter: "a parameter needs a name, as in :id or *rest"
            case .repeatedParameter(let name): "the parameter \(name) appears twice"
            case .catchAllNotLast: "a catch-all is the last segment of its pattern"
            case .duplicate(let other):
                other == pattern ? "registered twice" : "matches the same paths as \(other)"
            case .methodNotOffered: "no route can have this method"
            }
        return "route \(method) \(pattern): \(problem)"
    }
}

/// Everything that is wrong with a set of routes, in the order of their registration.
public struct RouteErrors: Error, Equatable, Sendable, CustomStringConvertible {
    public let errors: [RouteError]
    public var description: String { errors.map(\.description).joined(separator: "\n") }
}

struct RoutePattern: Equatable {
    enum Segment: Equatable {
        case literal([UInt8])
        case parameter
        case catchAll
    }

    let segments: [Segment]
    let names: [String]

    /// The bytes with which a path must agree as a whole, where a request can spell them without an escape;
    /// nil for patterns with parameters, and for literals with a percent sign, which only an escape can spell.
    var plainPath: [UInt8]? {
        var path: [UInt8] = []
        for segment in segments {
            guard case .literal(let bytes) = segment, !bytes.contains(UInt8(ascii: "%")) else { return nil }
            path.append(UInt8(ascii: "/"))
            path += bytes
        }
        return path
    }

    init(_ text: String) throws(RouteError.Reason) {
        let bytes = Array(text.utf8)
        guard bytes.first == UInt8(ascii: "/") else { throw .noLeadingSlash }
        guard !bytes.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) else {
            throw .queryOrFragment
        }
        let parts = bytes.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        var segments: [Segment] = []
        var names: [String] = []
        for (position, part) in parts.enumerated() {
            guard let mark = part.first, mark == UInt8(ascii: ":") || mark == UInt8(ascii: "*") else {
                segments.append(.literal(Array(part)))
                continue
            }
            let name = String(decoding: part.dropFirst(), as: UTF8.self)
            guard !name.isEmpty else { throw .unnamedParameter }
            guard !names.contains(name) else { throw .repeatedParameter(name) }
            names.append(name)
            if mark == UInt8(ascii: ":") {
                segments.append(.parameter)
            } else {
                guard position == parts.count - 1 else { throw .catchAllNotLast }
                segments.append(.catchAll)
            }
        }
        self.segments = segments
        self.names = names
    }
}

extension RouteError.Reason: Error {}
