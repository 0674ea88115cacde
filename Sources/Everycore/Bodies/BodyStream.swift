// A request's content as it arrives, for handlers that don't want it in memory as a whole.
//
// Made in the workers; used on the loop's thread. What the handler hasn't taken yet is bounded: beyond it the connection stops
// reading, the kernel's window fills, and the client waits.

internal import EverycoreHTTP
internal import EverycoreLoop

/// A request's content, piece by piece, in order: each piece is what one read of the socket brought. It can be read once.
///
/// ```swift
/// routes.stream(.put, "/files/:name", upTo: 10 << 30) { request, body in
///     var size = 0
///     for try await piece in body { size += piece.count }
///     return .text("\(size) bytes")
/// }
/// ```
///
/// Iterating throws ``BodyError`` when the client disconnects or sends more than the route allows, and `CancellationError` in a task that is
/// cancelled while it waits; another task can read on. After the end ``Request/trailers`` has the trailer section of chunked content.
public struct BodyStream: AsyncSequence {
    public typealias Element = [UInt8]

    let source: BodySource

    public struct AsyncIterator: AsyncIteratorProtocol {
        let source: BodySource

        public mutating func next() async throws -> [UInt8]? {
            try await source.next()
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(source: source) }
}

/// Why a request's content ended before its end.
public enum BodyError: Error, Sendable {
    /// More than the route takes: the client was answered 413.
    case tooLarge
    /// Its framing was wrong: the client was answered 400.
    case malformed
    /// The client disconnected or was too slow.
    case incomplete

    init(_ failure: BodyFailure) {
        switch failure {
        case .tooLarge: self = .tooLarge
        case .malformed: self = .malformed
        case .incomplete: self = .incomplete
        }
    }
}

/// Between a connection and the handler that reads from it. Confined to the loop's thread.
final class BodySource: @unchecked Sendable {
    /// Bytes that may wait for the handler before reading stops.
    static let bound = 262_144
    private static let pieceBound = 65_536

    private var pieces: [[UInt8]] = []
    private var waitingBytes = 0
    private var isPaused = false
    private var end: Result<Void, BodyError>?
    /// Known once the content has ended.
    private(set) var trailers = Trailers()
    private let loop: EventLoop
    private var reader: LoopWait<[UInt8]?>?
    private var resume: () -> Void = {}
    private var begin: (() -> Void)?

    init(_ exchange: some RequestExchange, upTo limit: UInt64, on loop: EventLoop) {
        self.loop = loop
        begin = { [unowned self] in
            resume = { exchange.resumeBody() }
            exchange.streamBody(upTo: limit) { [self] bytes in
                take(bytes)
            } end: { [self] failure in
                trailers = exchange.trailers
                finish(failure.map { .failure(BodyError($0)) } ?? .success(()))
            }
        }
    }

    private func take(_ bytes: RawSpan) -> Bool {
        // The connection's news of a content that is yet to come: no piece of it.
        guard !bytes.isEmpty else { return !isPaused }
        let piece = unsafe bytes.withUnsafeBytes { unsafe [UInt8]($0) }
        if let reader, reader.isWaiting {
            reader.end(.success(piece))
            return true
        }
        // Small chunks are joined: what a piece costs beside its bytes would add up.
        if let last = pieces.indices.last, pieces[last].count + piece.count <= Self.pieceBound {
            pieces[last] += piece
        } else {
            pieces.append(piece)
        }
        waitingBytes += piece.count
        isPaused = waitingBytes >= Self.bound
        return !isPaused
    }

    private func finish(_ result: Result<Void, BodyError>) {
        guard end == nil else { return }
        end = result
        resume = {}
        reader?.end(result.map { nil }.mapError { $0 })
        reader = nil
    }

    func next() async throws -> [UInt8]? {
        // Not earlier: the 100 goes out only when the handler reads, since it may refuse the content (RFC 9110 §10.1.1).
        if let begin = begin.take() { begin() }
        if let piece = takeFirst() { return piece }
        if let end {
            try end.get()
            return nil
        }
        let wait = LoopWait<[UInt8]?>(on: loop)
        return try await wait.value { read(for: wait) }
    }

    /// Pieces that arrived before the task waits count.
    private func read(for wait: LoopWait<[UInt8]?>) {
        if let reader, reader.isWaiting {
            // A second reader at the same time gets nothing: a body has one order.
            wait.end(.success(nil))
        } else if let piece = takeFirst() {
            wait.end(.success(piece))
        } else if let end {
            wait.end(end.map { nil }.mapError { $0 })
        } else {
            reader = wait
        }
    }

    private func takeFirst() -> [UInt8]? {
        guard !pieces.isEmpty else { return nil }
        let piece = pieces.removeFirst()
        waitingBytes -= piece.count
        if isPaused, waitingBytes <= Self.bound / 2 {
            isPaused = false
            resume()
        }
        return piece
    }
}
