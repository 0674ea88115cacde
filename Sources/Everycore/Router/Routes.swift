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
    }

    private var entries: [Entry] = []
    private var prefix = ""
    private var middleware: [any Middleware] = []
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
    public mutating func group(
        _ prefix: String = "", with middleware: any Middleware..., routes: (inout Routes) throws -> Void
    ) rethrows {
        let outer = (self.prefix, self.middleware)
        defer { (self.prefix, self.middleware) = outer }
        self.prefix += prefix
        self.middleware += middleware
        try routes(&self)
    }

    private mutating func add(_ method: HTTPRequest.Method, _ pattern: String, _ handler: Handler) {
        entries.append(
            Entry(
                method: method.rawValue, pattern: prefix + pattern, handler: handler.wrapped(in: middleware),
                yields: yields))
    }

    /// Builds the table and the endpoints that its numbers stand for.
    package func built() throws(RouteErrors) -> BuiltRoutes {
        var builder = RouteTableBuilder()
        var endpoints: [Endpoint] = []
        for entry in entries {
            guard let names = builder.add(entry.method, entry.pattern, yields: entry.yields) else { continue }
            endpoints.append(Endpoint(handler: entry.handler, parameterNames: names))
        }
        return BuiltRoutes(table: try builder.table(), endpoints: endpoints)
    }
}

/// Routes that answer: made before the fork, used by every worker.
package struct BuiltRoutes {
    let table: RouteTable
    let endpoints: [Endpoint]
}

/// What a number of the route table stands for.
final class Endpoint: @unchecked Sendable {
    let handler: Handler
    let parameterNames: [String]

    init(handler: Handler, parameterNames: [String]) {
        self.handler = handler
        self.parameterNames = parameterNames
    }
}
