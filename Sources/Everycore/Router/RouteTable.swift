// From a method and a path, as bytes, to the number of an endpoint.
//
// Built once before the fork, immutable afterwards, shared copy-on-write by all workers. It knows nothing of handlers:
// endpoints are numbers, in the order of registration. A path without parameters is found without allocating.

package import EverycoreHTTP

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

    /// `Method.offered.count`, as a constant that needs no initialisation at run time.
    private static var columns: Int { 7 }

    fileprivate init(_ builder: RouteTableBuilder) {
        trie = builder.trie
        plainPaths = PathIndex(builder.plainPaths)
        var endpoints: [Int] = []
        var allowed: [MethodSet] = []
        var all = MethodSet()
        for row in builder.rows {
            var columns = row
            if columns[Method.head.column] < 0 { columns[Method.head.column] = row[Method.get.column] }
            var methods = MethodSet()
            for method in Method.offered where columns[method.column] >= 0 { methods.insert(method) }
            if !methods.isEmpty { methods.insert(.options) }
            endpoints += columns
            allowed.append(methods)
            all.formUnion(methods)
        }
        all.insert(.options)
        self.endpoints = endpoints
        self.allowed = allowed
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
        guard method.column < Self.columns else { return .notFound }
        var offered = MethodSet()
        let match = trie.search(path) { node in
            offered.formUnion(allowed[node])
            return endpoints[node &* Self.columns &+ method.column]
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
    private var patterns: [String] = []
    private var errors: [RouteError] = []

    private static let emptyRow = Array(repeating: -1, count: Method.offered.count)

    package init() {}

    /// Adds a route. A route that yields stays away, without an error, where another has its method and its paths.
    /// - Returns: the names of the pattern's parameters; nil when the route isn't part of the table.
    package mutating func add(_ methodName: String, _ pattern: String, yields: Bool = false) -> [String]? {
        do throws(RouteError.Reason) {
            guard let method = Method(offered: methodName) else { throw .methodNotOffered }
            let parsed = try RoutePattern(pattern)
            let node = trie.insert(parsed)
            while rows.count < trie.nodeCount { rows.append(Self.emptyRow) }
            let first = rows[node][method.column]
            if first >= 0 {
                if yields { return nil }
                throw .duplicate(of: patterns[first])
            }
            if rows[node] == Self.emptyRow, let path = parsed.plainPath { plainPaths.append((path, node)) }
            rows[node][method.column] = patterns.count
            patterns.append(pattern)
            return parsed.names
        } catch {
            errors.append(RouteError(method: methodName, pattern: pattern, reason: error))
            return nil
        }
    }

    /// The finished table, in which endpoints are numbered from 0 in the order in which they were added.
    package func table() throws(RouteErrors) -> RouteTable {
        guard errors.isEmpty else { throw RouteErrors(errors: errors) }
        return RouteTable(self)
    }
}
