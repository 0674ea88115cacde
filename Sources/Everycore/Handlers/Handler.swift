// A route's handler, in one of two kinds: called straight from the loop, or started as a task on it.
//
// Made before the fork with the routes, called in the workers, always on the loop's thread.

package enum Handler {
    case sync((Request) throws -> Response)
    case async(@Sendable (sending Request) async throws -> Response)
    /// Called when the head is here; takes up to so many bytes of content as they come.
    case streaming(UInt64, @Sendable (sending Request, BodyStream) async throws -> Response)

    /// The same handler with middleware around it, the first one outermost.
    func wrapped(in middleware: [any Middleware]) -> Handler {
        middleware.reversed().reduce(self) { handler, layer in handler.wrapped(in: layer) }
    }

    private func wrapped(in layer: any Middleware) -> Handler {
        switch self {
        case .sync(let handler):
            return .sync { request in
                if let response = try layer.before(request) { return response }
                var response = try catchingHTTPError { try handler(request) }
                try layer.after(request, &response)
                return response
            }
        case .async(let handler):
            return .async { request in
                if let response = try layer.before(request) { return response }
                let shared = LoopBound(request)
                var response: Response
                do { response = try await handler(shared.value) } catch let error as HTTPError { response = error.response }
                try layer.after(shared.value, &response)
                return response
            }
        case .streaming(let limit, let handler):
            return .streaming(limit) { request, body in
                if let response = try layer.before(request) { return response }
                let shared = LoopBound(request)
                var response: Response
                do { response = try await handler(shared.value, body) } catch let error as HTTPError { response = error.response }
                try layer.after(shared.value, &response)
                return response
            }
        }
    }
}

private func catchingHTTPError(_ body: () throws -> Response) throws -> Response {
    do { return try body() } catch let error as HTTPError { return error.response }
}

/// A value that stays on one loop's thread, in code whose isolation the compiler can't see: tasks that prefer the
/// loop as their executor run their nonisolated parts there and nowhere else.
struct LoopBound<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}
