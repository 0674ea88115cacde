// Where an application registers its handlers.
//
// Filled before the fork by the application's closure; built into an immutable table with its endpoints. Mistakes are
// collected, and reported together when the server is made.

public import HTTPTypes

/// The routes of a server.
///
/// A pattern's segments are literals, `:name` for one segment that isn't empty, or at the end `*rest` for all that
/// remains. A literal beats a parameter, a parameter beats a catch-all. `HEAD` is answered by the `GET` handler where it
/// has none of its own, `OPTIONS` by a list of the methods.
///
/// ```swift
/// routes.get("/hello/:name") { request in
///     .text("Hello, \(request.parameters["name"] ?? "nobody")")
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
        let yields: Bool
        let mayBeQuarantined: Bool
    }

    private var entries: [Entry] = []
    private var prefix = ""
    private var middleware: [any Middleware] = []
    private var quarantine = QuarantineRule.whenSuspect
    /// Whether routes that are registered now give way to others with the same method and paths.
    var yields = false

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
                yields: yields, mayBeQuarantined: quarantine == .whenSuspect))
    }

    /// Builds the table and the endpoints that its numbers stand for.
    package func built() throws(RouteErrors) -> BuiltRoutes {
        var builder = RouteTableBuilder()
        var endpoints: [Endpoint] = []
        for entry in entries {
            guard let names = builder.add(entry.method, entry.pattern, yields: entry.yields) else { continue }
            endpoints.append(
                Endpoint(
                    handler: entry.handler, parameterNames: names, text: "\(entry.method) \(entry.pattern)",
                    mayBeQuarantined: entry.mayBeQuarantined))
        }
        return BuiltRoutes(table: try builder.table(), endpoints: endpoints)
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
}

