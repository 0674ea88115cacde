// What surrounds handlers: a look at the request before, a hand on the response after.
//
// Wrapped around handlers when they are registered, so that routes without middleware pay nothing. Two plain
// calls instead of a `next` closure: they surround both kinds of handlers, and none has to become async for it.

/// A layer around the handlers of a group of routes. Its calls run on the worker's loop and don't wait.
///
/// ```swift
/// struct NoSniff: Middleware {
///     func after(_ request: Request, _ response: inout Response) {
///         response.headers["X-Content-Type-Options"] = "nosniff"
///     }
/// }
///
/// routes.group("/api", with: NoSniff()) { api in
///     api.get("/users/:id") { … }
/// }
/// ```
public protocol Middleware: Sendable {
    /// Answers in the handler's place, or returns nil to let the request go on.
    func before(_ request: Request) throws -> Response?

    /// Sees and changes what the handler answers, an `HTTPError` that it throws included. It isn't called for
    /// other errors, nor where `before` has answered.
    func after(_ request: Request, _ response: inout Response) throws
}

extension Middleware {
    public func before(_ request: Request) throws -> Response? { nil }
    public func after(_ request: Request, _ response: inout Response) throws {}
}
