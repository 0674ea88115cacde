// A response's content on its way out, piece by piece, no faster than the client reads.
//
// Made in the workers; used on the loop's thread.

internal import EverycoreLoop

/// Writes the content of a response that was made with `Response.stream`.
public struct BodyWriter: Sendable {
    private let target: LoopBound<(exchange: any RequestExchange, coding: StreamCoding?, loop: EventLoop)>

    init(_ exchange: any RequestExchange, _ coding: StreamCoding?, on loop: EventLoop) {
        target = LoopBound((exchange, coding, loop))
    }

    /// Sends a piece, and returns when the socket has room for the next one.
    /// - Throws: ``ClientGone`` when the client reads no longer; `CancellationError` when the task is cancelled while it waits for room.
    public func write(_ bytes: [UInt8]) async throws {
        try await send(unsafe bytes.span.bytes)
    }

    /// Sends a text's UTF-8.
    /// - Throws: ``ClientGone`` when the client reads no longer; `CancellationError` when the task is cancelled while it waits for room.
    public func write(_ text: String) async throws {
        try await send(unsafe text.utf8Span.span.bytes)
    }

    private func send(_ bytes: RawSpan) async throws {
        let (exchange, coding, _) = target.value
        guard !exchange.isAnswered else { throw ClientGone() }
        // Not while another task's piece waits, or the one of a task that was cancelled: they would add up.
        if !exchange.isWritable { try await waitForRoom() }
        if let coding { coding.write(bytes, to: exchange) } else { exchange.write(bytes) }
        if !exchange.isWritable { try await waitForRoom() }
    }

    private func waitForRoom() async throws {
        let (exchange, _, loop) = target.value
        let wait = LoopWait<Void>(on: loop)
        do {
            try await wait.value { exchange.whenWritable { wait.end(.success(())) } }
        } catch {
            // A client that disconnects cancels the task as well.
            throw exchange.isAnswered ? ClientGone() : error
        }
        if exchange.isAnswered { throw ClientGone() }
    }
}

/// The client of a streamed response has closed its connection.
public struct ClientGone: Error, Sendable {
    public init() {}
}

/// Content that is produced while it is sent.
package struct StreamedContent: Sendable {
    let length: UInt64?
    let produce: @Sendable (BodyWriter) async throws -> Void
}

extension Response {
    /// Content that is made while it is sent, at the pace of the client.
    ///
    /// ```swift
    /// routes.get("/numbers") { _ in
    ///     .stream { writer in
    ///         for number in 1...1_000_000 { try await writer.write("\(number)\n") }
    ///     }
    /// }
    /// ```
    ///
    /// - Parameter length: in bytes; without one the content is sent chunked (RFC 9112 §7.1). Bytes beyond it are dropped; content that ends
    ///   before it closes the connection.
    /// - Parameter produce: runs as a task on the worker's loop, cancelled when the client disconnects. An error closes the connection,
    ///   so that the client sees an incomplete response.
    public static func stream(
        length: UInt64? = nil, contentType: String = "text/plain; charset=utf-8",
        _ produce: @escaping @Sendable (BodyWriter) async throws -> Void
    ) -> Response {
        Response(contentType: .text(contentType), body: .stream(StreamedContent(length: length, produce: produce)))
    }
}
