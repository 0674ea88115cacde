// From a method and a path, as bytes, to the number of an endpoint.
//
// Built once before the fork, immutable afterwards, shared copy-on-write by all workers. It knows nothing of handlers:
// endpoints are numbers, in the order of registration. A path without parameters is found without allocating.

package import EverycoreHTTP
internal import HTTPTypes

package enum RouteMatch: Equatable {
    /// The captures are ranges of the path's bytes, still percent-encoded, in the order of the pattern's parameters.
    case found(endpoint: Int, captures: [Range<Int>])
    case notFound
    case methodNotAllowed(MethodSet)
}

package struct RouteTable: Sendable {
    /// Every method of every route: the answer to `OPTIONS *`.
    package let allMethods: MethodSet

    private let plainPaths: PathIndex
    private let trie: SegmentTrie
    /// One row per node of the trie, one column per method: the endpoint's number or -1. HEAD falls back to GET here.
    private let endpoints: [Int]
    private let allowed: [MethodSet]
    /// Methods that `Method` doesn't list: the endpoint by node.
    private let others: [(name: [UInt8], endpoints: [Int: Int])]

    /// `Method.offered.count`, as a constant that needs no initialisation at run time.
    private static var columns: Int { 7 }

    fileprivate init(_ builder: RouteTableBuilder) {
        trie = builder.trie
        plainPaths = PathIndex(builder.plainPaths)
        var endpoints: [Int] = []
        var allowed: [MethodSet] = []
        var all = MethodSet()
        for (node, row) in builder.rows.enumerated() {
            var columns = row
            if columns[Method.head.column] < 0 { columns[Method.head.column] = row[Method.get.column] }
            var methods = MethodSet()
            for method in Method.offered where columns[method.column] >= 0 { methods.insert(method) }
            for (name, endpoints) in builder.others where endpoints[node] != nil { methods.insert(other: name) }
            if !methods.isEmpty { methods.insert(.options) }
            endpoints += columns
            allowed.append(methods)
            all.formUnion(methods)
        }
        all.insert(.options)
        self.endpoints = endpoints
        self.allowed = allowed
        others = builder.others.map { (Array($0.key.utf8), $0.value) }
        allMethods = all
    }

    /// The endpoint for a path as it stands in the request target, without the query.
    package func match(_ method: Method, _ path: borrowing RawSpan) -> RouteMatch {
        let endpoint = plainEndpoint(method, path)
        return endpoint >= 0 ? .found(endpoint: endpoint, captures: []) : search(method, path)
    }

    /// The endpoint of a route without parameters whose pattern is the path as it is spelled, or -1: most requests need
    /// no more than this, and it allocates nothing.
    @inline(__always)
    func plainEndpoint(_ method: Method, _ path: borrowing RawSpan) -> Int {
        guard method.column < Self.columns else { return -1 }
        let node = plainPaths.node(for: path)
        return node < 0 ? -1 : endpoints[node &* Self.columns &+ method.column]
    }

    /// All methods that some route offers at this path.
    package func allowedMethods(_ path: borrowing RawSpan) -> MethodSet {
        var methods = MethodSet()
        _ = trie.search(path) { node in
            methods.formUnion(allowed[node])
            return -1
        }
        return methods
    }

    @inline(never)
    func search(_ method: Method, _ path: borrowing RawSpan) -> RouteMatch {
        let column = method.column
        return search(path) { node in column < Self.columns ? endpoints[node &* Self.columns &+ column] : -1 }
    }

    /// The number of a method that some route has and `Method` doesn't list.
    package func otherMethod(named name: borrowing RawSpan) -> Int? {
        for (number, other) in others.enumerated() where other.name.count == name.byteCount {
            if unsafe name.withUnsafeBytes({ unsafe $0.elementsEqual(other.name) }) { return number }
        }
        return nil
    }

    /// - Parameter other: a number that `otherMethod` gave.
    package func search(other: Int, _ path: borrowing RawSpan) -> RouteMatch {
        search(path) { node in others[other].endpoints[node] ?? -1 }
    }

    private func search(_ path: borrowing RawSpan, _ endpoint: (_ node: Int) -> Int) -> RouteMatch {
        var offered = MethodSet()
        let match = trie.search(path) { node in
            offered.formUnion(allowed[node])
            return endpoint(node)
        }
        if match.endpoint >= 0 { return .found(endpoint: match.endpoint, captures: match.captures) }
        return offered.isEmpty ? .notFound : .methodNotAllowed(offered)
    }
}

/// Takes routes one by one, numbers them, and keeps what is wrong with them.
package struct RouteTableBuilder {
    fileprivate var trie = SegmentTrie()
    fileprivate var plainPaths: [(path: [UInt8], node: Int)] = []
    fileprivate var rows = [emptyRow]
    fileprivate var others: [String: [Int: Int]] = [:]
    private var patterns: [String] = []
    private var errors: [RouteError] = []

    private static let emptyRow = Array(repeating: -1, count: Method.offered.count)

    package init() {}

    /// Adds a route. One that yields is left out, without an error, if another route has its method and its paths.
    /// - Returns: the names of the pattern's parameters; nil when the route isn't part of the table.
    package mutating func add(_ methodName: String, _ pattern: String, yields: Bool = false) -> [String]? {
        do throws(RouteError.Reason) {
            let method = Method(offered: methodName)
            guard method != nil || Self.mayBeOffered(methodName) else { throw .methodNotOffered }
            let parsed = try RoutePattern(pattern)
            let node = trie.insert(parsed)
            while rows.count < trie.nodeCount { rows.append(Self.emptyRow) }
            let first = method.map { rows[node][$0.column] } ?? others[methodName]?[node] ?? -1
            if first >= 0 {
                if yields { return nil }
                throw .duplicate(of: patterns[first])
            }
            if let method {
                if rows[node] == Self.emptyRow, let path = parsed.plainPath { plainPaths.append((path, node)) }
                rows[node][method.column] = patterns.count
            } else {
                others[methodName, default: [:]][node] = patterns.count
            }
            patterns.append(pattern)
            return parsed.names
        } catch {
            errors.append(RouteError(method: methodName, pattern: pattern, reason: error))
            return nil
        }
    }

    /// Any token, except the methods that routes can't have.
    private static func mayBeOffered(_ name: String) -> Bool {
        HTTPRequest.Method(name) != nil && name != "CONNECT" && name != "TRACE"
    }

    /// The finished table, in which endpoints are numbered from 0 in the order in which they were added.
    package func table() throws(RouteErrors) -> RouteTable {
        guard errors.isEmpty else { throw RouteErrors(errors: errors) }
        return RouteTable(self)
    }
}
