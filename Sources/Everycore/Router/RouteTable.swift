// From a method and a path, as bytes, to the number of an endpoint.
//
// Built once before the fork, immutable afterwards, shared copy-on-write by all workers. It knows nothing of handlers:
// endpoints are numbers, in the order of registration. A path without parameters is found without allocating.

package enum RouteMatch: Equatable {
    /// The captures are ranges of the path's bytes, still percent-encoded, in the order of the pattern's parameters.
    case found(endpoint: Int, captures: [Range<Int>])
    case notFound
    case methodNotAllowed(MethodSet)
}

package struct RouteTable: Sendable {
    package struct Route {
        package let method: String
        package let pattern: String

        package init(method: String, pattern: String) {
            self.method = method
            self.pattern = pattern
        }
    }

    package let methods: MethodNames
    /// Every method of every route: the answer to `OPTIONS *`.
    package let allMethods: MethodSet

    private let plainPaths: PathIndex
    private let trie: SegmentTrie
    /// One row per node of the trie, one column per method: the endpoint's number or -1. HEAD falls back to GET here.
    private let endpoints: [Int]
    private let allowed: [MethodSet]
    private let columns: Int

    /// Collects everything that is wrong with the routes before it throws.
    /// - Returns: the parameter names of each endpoint, next to the table.
    package static func build(_ routes: [Route]) throws(RouteErrors) -> (table: RouteTable, names: [[String]]) {
        var builder = Builder()
        for route in routes { builder.add(route) }
        guard builder.errors.isEmpty else { throw RouteErrors(errors: builder.errors) }
        return (RouteTable(builder), builder.names)
    }

    private init(_ builder: Builder) {
        methods = builder.methods
        columns = builder.methods.names.count
        trie = builder.trie
        plainPaths = PathIndex(builder.plainPaths)
        var endpoints = Array(repeating: -1, count: builder.trie.nodeCount * columns)
        var allowed = Array(repeating: MethodSet(), count: builder.trie.nodeCount)
        var all = MethodSet()
        for (node, row) in builder.rows {
            for (method, endpoint) in row {
                endpoints[node * columns + method] = endpoint
                allowed[node].insert(MethodNumber(method))
            }
            if let get = row[MethodNumber.get.rawValue], row[MethodNumber.head.rawValue] == nil {
                endpoints[node * columns + MethodNumber.head.rawValue] = get
                allowed[node].insert(.head)
            }
            allowed[node].insert(.options)
            all.formUnion(allowed[node])
        }
        self.endpoints = endpoints
        self.allowed = allowed
        all.insert(.options)
        allMethods = all
    }

    /// The endpoint for a method and a path as it stands in the request target, without the query.
    package func match(_ method: MethodNumber, _ path: borrowing RawSpan) -> RouteMatch {
        let node = plainPaths.node(for: path)
        if node >= 0 {
            let endpoint = endpoints[node &* columns &+ method.rawValue]
            if endpoint >= 0 { return .found(endpoint: endpoint, captures: []) }
        }
        return search(method, path)
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
    private func search(_ method: MethodNumber, _ path: borrowing RawSpan) -> RouteMatch {
        var offered = MethodSet()
        let match = trie.search(path) { node in
            offered.formUnion(allowed[node])
            return endpoints[node &* columns &+ method.rawValue]
        }
        if match.endpoint >= 0 { return .found(endpoint: match.endpoint, captures: match.captures) }
        return offered.isEmpty ? .notFound : .methodNotAllowed(offered)
    }

    private struct Builder {
        var methods = MethodNames()
        var trie = SegmentTrie()
        var plainPaths: [(path: [UInt8], node: Int)] = []
        var rows: [Int: [Int: Int]] = [:]
        var names: [[String]] = []
        var errors: [RouteError] = []
        private var patterns: [String] = []

        mutating func add(_ route: Route) {
            do throws(RouteError.Reason) {
                let method = try methods.number(for: route.method)
                let pattern = try RoutePattern(route.pattern)
                let node = trie.insert(pattern)
                if let first = rows[node]?[method.rawValue] { throw .duplicate(of: patterns[first]) }
                if rows[node] == nil, let path = pattern.plainPath { plainPaths.append((path, node)) }
                rows[node, default: [:]][method.rawValue] = patterns.count
                names.append(pattern.names)
                patterns.append(route.pattern)
            } catch {
                errors.append(RouteError(method: route.method, pattern: route.pattern, reason: error))
            }
        }
    }
}
