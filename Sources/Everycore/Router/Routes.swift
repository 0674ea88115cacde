// Where an application registers its handlers.
//
// Filled before the fork by the application's closure; built into an immutable table with its endpoints. Mistakes are
// collected, and reported together when the server is made.

public import HTTPTypes

/// The routes of a server.
///
/// A pattern's segments are literals, `:name` for one segment that isn't empty, or at the end `*rest` for all that
/// remains. A literal beats a parameter, a parameter beats a catch-all. `HEAD` is answered by the `GET` handler where it
/// has none of its own, `OPTIONS` by a list of the methods. Any method that is a token can have routes (`QUERY`, `PURGE`), but for
/// `CONNECT` and `TRACE`.
///
/// ```swift
/// routes.get("/hello/:name") { request in
///     .text("Hello, \(request.parameters["name"] ?? "stranger")")
/// }
/// routes.get("/slow") { request async throws in
///     try await Task.sleep(for: .seconds(1))
///     return .text("done")
/// }
/// ```
///
/// Each worker has its own copy of everything that handlers capture, since it is a process of its own.
public struct Routes {
    private struct Entry {
        let method: String
        let pattern: String
        let handler: Handler
        let rank: Rank
        let mayBeQuarantined: Bool
    }

    /// Which routes yield to which.
    enum Rank {
        /// The application's.
        case own
        /// `/health` and `/ready`: to another route with the same method and paths.
        case builtIn
        /// To every route that matches the path, and to every file.
        case demonstration
    }

    private var entries: [Entry] = []
    private var prefix = ""
    private var middleware: [any Middleware] = []
    private var quarantine = QuarantineRule.whenSuspect
    /// Of the routes that are registered now.
    var rank = Rank.own

    package init() {}

    /// Registers a handler that answers at once. It runs on the worker's loop and holds it while it runs.
    public mutating func on(
        _ method: HTTPRequest.Method, _ pattern: String, _ handler: @escaping (Request) throws -> Response
    ) {
        add(method, pattern, .sync(handler))
    }

    /// Registers a handler that may wait. It starts on the worker's loop at once, and other requests are answered while it waits.
    public mutating func on(
        _ method: HTTPRequest.Method, _ pattern: String,
        _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        add(method, pattern, .async(handler))
    }

    /// Registers a handler that takes the content while it arrives. It starts when the head is here; what it hasn't taken yet
    /// waits at the client.
    ///
    /// - Parameter limit: the most bytes of content; more is a 413. The limit on content in the configuration doesn't count here.
    public mutating func stream(
        _ method: HTTPRequest.Method, _ pattern: String, upTo limit: UInt64,
        _ handler: @escaping @Sendable (sending Request, BodyStream) async throws -> Response
    ) {
        add(method, pattern, .streaming(limit, handler))
    }

    /// Registers routes whose patterns share a prefix, with middleware around their handlers, the first one outermost.
    ///
    /// - Parameter quarantine: whether requests of these routes may be served by the quarantine worker; as in the group around this
    ///   one where it is left out.
    public mutating func group(
        _ prefix: String = "", with middleware: any Middleware..., quarantine: QuarantineRule? = nil,
        routes: (inout Routes) throws -> Void
    ) rethrows {
        let outer = (self.prefix, self.middleware, self.quarantine)
        defer { (self.prefix, self.middleware, self.quarantine) = outer }
        self.prefix += prefix
        self.middleware += middleware
        if let quarantine { self.quarantine = quarantine }
        try routes(&self)
    }

    private mutating func add(_ method: HTTPRequest.Method, _ pattern: String, _ handler: Handler) {
        entries.append(
            Entry(
                method: method.rawValue, pattern: prefix + pattern, handler: handler.wrapped(in: middleware),
                rank: rank, mayBeQuarantined: quarantine == .whenSuspect))
    }

    /// Builds the table and the endpoints that its numbers stand for.
    /// - Parameter hasFiles: files are served where no route is. Demonstration routes then come after the files, else into the table.
    package func built(hasFiles: Bool = false) throws(RouteErrors) -> BuiltRoutes {
        var builder = RouteTableBuilder()
        var endpoints: [Endpoint] = []
        func add(_ entry: Entry, to builder: inout RouteTableBuilder) {
            guard let names = builder.add(entry.method, entry.pattern, yields: entry.rank != .own) else { return }
            endpoints.append(
                Endpoint(
                    handler: entry.handler, parameterNames: names, text: "\(entry.method) \(entry.pattern)",
                    mayBeQuarantined: entry.mayBeQuarantined))
        }
        for rank in [Rank.own, .builtIn] { for entry in entries where entry.rank == rank { add(entry, to: &builder) } }
        let table = try builder.table()
        let demonstrations = entries.filter { entry in
            let path = Array(entry.pattern.utf8)
            return unsafe entry.rank == .demonstration && table.allowedMethods(path.span.bytes).isEmpty
        }
        if demonstrations.isEmpty { return BuiltRoutes(table: table, endpoints: endpoints, afterFiles: nil) }
        guard hasFiles else {
            for entry in demonstrations { add(entry, to: &builder) }
            return BuiltRoutes(table: try builder.table(), endpoints: endpoints, afterFiles: nil)
        }
        let offset = endpoints.count
        var second = RouteTableBuilder()
        for entry in demonstrations { add(entry, to: &second) }
        return BuiltRoutes(table: table, endpoints: endpoints, afterFiles: (try second.table(), offset))
    }
}

/// Whether a route's requests may be served by the quarantine worker.
public enum QuarantineRule: Sendable, Equatable {
    /// When they have killed workers.
    case whenSuspect
    /// Never: they are served where they come, whatever they do.
    case off
}

/// Routes that answer: made before the fork, used by every worker.
package struct BuiltRoutes {
    let table: RouteTable
    let endpoints: [Endpoint]
    /// Routes that are looked up where no file is, and where their numbers begin among the endpoints.
    let afterFiles: (table: RouteTable, offset: Int)?
}
