// One registration function per method, for handlers of both kinds.
//
// Runs before the fork, while the routes are registered.

internal import HTTPTypes

extension Routes {
    /// Registers a handler for `GET` that answers at once.
    public mutating func get(_ pattern: String, _ handler: @escaping (Request) throws -> Response) {
        on(.get, pattern, handler)
    }

    /// Registers a handler for `GET` that may wait.
    public mutating func get(
        _ pattern: String, _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        on(.get, pattern, handler)
    }

    /// Registers a handler for `HEAD` that answers at once.
    public mutating func head(_ pattern: String, _ handler: @escaping (Request) throws -> Response) {
        on(.head, pattern, handler)
    }

    /// Registers a handler for `HEAD` that may wait.
    public mutating func head(
        _ pattern: String, _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        on(.head, pattern, handler)
    }

    /// Registers a handler for `POST` that answers at once.
    public mutating func post(_ pattern: String, _ handler: @escaping (Request) throws -> Response) {
        on(.post, pattern, handler)
    }

    /// Registers a handler for `POST` that may wait.
    public mutating func post(
        _ pattern: String, _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        on(.post, pattern, handler)
    }

    /// Registers a handler for `PUT` that answers at once.
    public mutating func put(_ pattern: String, _ handler: @escaping (Request) throws -> Response) {
        on(.put, pattern, handler)
    }

    /// Registers a handler for `PUT` that may wait.
    public mutating func put(
        _ pattern: String, _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        on(.put, pattern, handler)
    }

    /// Registers a handler for `PATCH` that answers at once.
    public mutating func patch(_ pattern: String, _ handler: @escaping (Request) throws -> Response) {
        on(.patch, pattern, handler)
    }

    /// Registers a handler for `PATCH` that may wait.
    public mutating func patch(
        _ pattern: String, _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        on(.patch, pattern, handler)
    }

    /// Registers a handler for `DELETE` that answers at once.
    public mutating func delete(_ pattern: String, _ handler: @escaping (Request) throws -> Response) {
        on(.delete, pattern, handler)
    }

    /// Registers a handler for `DELETE` that may wait.
    public mutating func delete(
        _ pattern: String, _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        on(.delete, pattern, handler)
    }

    /// Registers a handler for `OPTIONS` that answers at once.
    public mutating func options(_ pattern: String, _ handler: @escaping (Request) throws -> Response) {
        on(.options, pattern, handler)
    }

    /// Registers a handler for `OPTIONS` that may wait.
    public mutating func options(
        _ pattern: String, _ handler: @escaping @Sendable (sending Request) async throws -> Response
    ) {
        on(.options, pattern, handler)
    }
}
