// The route table against a search that tries every pattern. The first byte is the method, and whether the table is a fixed one
// or has the patterns in the lines before a NUL byte; the rest is the path.

import EverycoreHTTP

@testable import Everycore

private struct Route {
    let method: Method
    let segments: [[UInt8]]

    enum Kind: Int { case literal, parameter, catchAll }
    static func kind(_ segment: [UInt8]) -> Kind {
        segment.first == UInt8(ascii: ":") ? .parameter : segment.first == UInt8(ascii: "*") ? .catchAll : .literal
    }
}

private struct Case {
    var table: RouteTable?
    var routes: [Route] = []

    init(_ lines: [(method: Method, pattern: String)]) {
        var builder = RouteTableBuilder()
        for (method, pattern) in lines {
            guard builder.add(method.name.description, pattern) != nil else { continue }
            let segments = pattern.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            routes.append(Route(method: method, segments: segments.map(Array.init)))
        }
        table = try? builder.table()
    }
}

private let methods: [Method] = [.get, .head, .post, .put, .delete, .patch, .options, .trace, .connect, .other]
private let fixed = Case([
    (.get, "/"), (.get, "/plaintext"), (.post, "/plaintext"), (.get, "/users/:id"), (.put, "/users/:id"), (.delete, "/users/me"),
    (.get, "/users/:id/files/:file"), (.get, "/users/:id/files/*rest"), (.get, "/files/*path"), (.head, "/files/*path"),
    (.get, "/café"), (.get, "/100%"), (.get, "/a/b/c"), (.get, "/a/:x/d"), (.post, "/:y/b/e"), (.get, "/:z/*rest"), (.patch, "//"),
    (.options, "/o"), (.get, "/a b"),
])

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe FuzzInput(start, count)
    guard count > 0 else { return 0 }
    let bytes = input.array
    let method = methods[Int(bytes[0] & 0x7F) % methods.count]
    guard bytes[0] >= 0x80 else {
        search(fixed, method, input, from: 1)
        return 0
    }
    let end = bytes.firstIndex(of: 0) ?? count
    let lines = bytes[1..<end].split(separator: 0x0A).prefix(12).map { line in
        (Method.offered(line.first ?? 0), "/" + String(decoding: line.dropFirst(), as: UTF8.self))
    }
    search(Case(lines), method, input, from: min(end + 1, count))
    return 0
}

extension Method {
    fileprivate static func offered(_ number: UInt8) -> Method { methods[Int(number) % 7] }
}

private func search(_ routes: Case, _ method: Method, _ input: FuzzInput, from start: Int) {
    // Patterns that are refused leave no table.
    guard let table = routes.table else { return }
    let found = input.withCopy(start..<input.count) { table.match(method, $0) }
    let path = unsafe Array(input.bytes[start...])
    let expected = slowly(routes.routes, method, path)
    check(found == expected, "\(String(decoding: path, as: UTF8.self)): \(found) instead of \(expected)")
    let allowed = input.withCopy(start..<input.count) { table.allowedMethods($0) }
    check(allowed == offered(routes.routes.filter { captures($0, path) != nil }), "allowed: \(allowed)")
}

private func slowly(_ routes: [Route], _ method: Method, _ path: [UInt8]) -> RouteMatch {
    let matching = routes.indices.filter { captures(routes[$0], path) != nil }
    var candidates = matching.filter { routes[$0].method == method }
    if method == .head {
        // A GET route stands in where the same pattern has no HEAD of its own.
        candidates += matching.filter { get in
            routes[get].method == .get && !candidates.contains { kinds(routes[$0]) == kinds(routes[get]) && same(routes[$0], routes[get]) }
        }
    }
    let best = candidates.min { kinds(routes[$0]).lexicographicallyPrecedes(kinds(routes[$1])) }
    if let best { return .found(endpoint: best, captures: captures(routes[best], path) ?? []) }
    return matching.isEmpty ? .notFound : .methodNotAllowed(offered(matching.map { routes[$0] }))
}

private func kinds(_ route: Route) -> [Int] { route.segments.map { Route.kind($0).rawValue } }

/// Whether two routes match the same paths: equal but for the names of their parameters.
private func same(_ left: Route, _ right: Route) -> Bool {
    zip(left.segments, right.segments).allSatisfy { Route.kind($0) != .literal || $0 == $1 }
}

private func offered(_ routes: [Route]) -> MethodSet {
    var set = MethodSet()
    for route in routes {
        set.insert(route.method)
        if route.method == .get { set.insert(.head) }
        set.insert(.options)
    }
    return set
}

/// What the parameters capture, or nil where the route doesn't match.
private func captures(_ route: Route, _ path: [UInt8]) -> [Range<Int>]? {
    var start = path.first == UInt8(ascii: "/") ? 1 : 0
    var captures: [Range<Int>] = []
    for segment in route.segments {
        guard start <= path.count else { return nil }
        let kind = Route.kind(segment)
        let end = path[start...].firstIndex(of: UInt8(ascii: "/")) ?? path.count
        switch kind {
        case .literal: if decoded(Array(path[start..<end])) != segment { return nil }
        case .parameter:
            if start == end { return nil }
            captures.append(start..<end)
        case .catchAll:
            captures.append(start..<path.count)
            return captures
        }
        start = end + 1
    }
    return start > path.count ? captures : nil
}

private func decoded(_ segment: [UInt8]) -> [UInt8] {
    var rest = segment[...]
    var result: [UInt8] = []
    while let byte = rest.popFirst() {
        let digits = rest.prefix(2)
        if byte == 0x25, digits.count == 2, digits.allSatisfy({ $0 < 0x80 && Character(UnicodeScalar($0)).isHexDigit }) {
            result.append(UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0)
            rest.removeFirst(2)
        } else {
            result.append(byte)
        }
    }
    return result
}
