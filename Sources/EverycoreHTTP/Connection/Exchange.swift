// One request and its one answer. Made by a connection for each request head and reused when nobody kept it.
// Worker process, on the loop's thread. The connection owns it while the request is in flight; a handler may keep it longer.

package import EverycoreLoop

@usableFromInline package final class Exchange {
    /// The request's head. Zero-copy while `Application.receive` runs, a copy of its own afterwards.
    @usableFromInline package let head = RequestHead()
    private let service: HTTPService
    // What follows is touched several times a request, on the loop's thread, each time for a load or a store.
    /// The connection while it waits for this answer; nil once it was answered, or the client is gone.
    @exclusivity(unchecked) unowned(unsafe) var connection: (any ExchangeOwner)?
    @exclusivity(unchecked) package internal(set) final var isAnswered = false
    /// Called when nobody waits for the answer any longer: the client is gone, or its time was up.
    @exclusivity(unchecked) package var onCancel: (() -> Void)?
    /// When the bytes that completed the head were read, in monotonic nanoseconds.
    @exclusivity(unchecked) @usableFromInline package internal(set) final var start: UInt64 = 0
    @exclusivity(unchecked) var collector: BodyCollector?
    /// The trailer section of the content (RFC 9112 §7.1.2), while its end is told to whoever collects or streams it.
    @exclusivity(unchecked) package internal(set) final var trailers = Trailers()

    init(service: HTTPService) {
        self.service = service
    }

    package var loop: EventLoop { service.loop }

    /// Whether content follows the head, be it empty.
    @inlinable package var hasBody: Bool { head.hasBody }

    /// Collects the whole content, up to `limit` bytes, and hands it over: at once where it is here already or there is none,
    /// else when it has arrived. A failure has been answered by the connection (400, 408, 413); `respond` then does nothing.
    ///
    /// Where the client waits for a 100 (RFC 9110 §10.1.1) this sends it.
    package func collectBody(upTo limit: Int, _ done: @escaping (Result<[UInt8], BodyFailure>) -> Void) {
        guard head.hasBody else { return done(.success([])) }
        guard let connection = unsafe connection, unsafe !isAnswered, unsafe collector == nil else { return done(.failure(.incomplete)) }
        unsafe collector = BodyCollector(limit: limit, done: done)
        connection.bodyIsWanted()
    }

    /// Sends the answer. Only the first call counts; after a client has gone it does nothing.
    ///
    /// `Content-Length`, `Date` and `Connection` are the connection's business; the body is left out where the protocol forbids
    /// one (HEAD, 1xx, 204, 304; RFC 9110 §6.4.1).
    /// - Throws: `ResponseEncoder.Failure` when a field's name or value can't be sent. Nothing was sent then: answer with something else.
    @inline(__always)
    package func respond(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [], body: RawSpan
    ) throws(ResponseEncoder.Failure) {
        guard unsafe !isAnswered, let connection = unsafe connection else { return }
        try connection.respond(to: self, status: status, contentType: contentType, fields: fields, prepared: nil, body: body)
    }

    /// Sends an answer whose fields, the content's type among them, were prepared.
    @inline(__always)
    package func respond(status: Int, prepared: PreparedFields, body: RawSpan) throws(ResponseEncoder.Failure) {
        guard unsafe !isAnswered, let connection = unsafe connection else { return }
        try connection.respond(to: self, status: status, contentType: nil, fields: [], prepared: prepared, body: body)
    }

    /// Sends an answer whose body is an array, or none.
    package func respond(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [], body: [UInt8] = []
    ) throws(ResponseEncoder.Failure) {
        try respond(status: status, contentType: contentType, fields: fields, body: unsafe body.span.bytes)
    }

    /// Prepares a used exchange, that nobody else refers to, for the next request.
    @inline(__always)
    func recycle() {
        unsafe isAnswered = false
        unsafe connection = nil
        if unsafe onCancel != nil { unsafe onCancel = nil }
        if unsafe collector != nil { unsafe collector = nil }
        if head.isDetached { head.reset() }
    }

    /// Nobody waits for the answer any longer.
    func abandon(_ failure: BodyFailure) {
        unsafe connection = nil
        unsafe isAnswered = true
        if let collector = takeCollector() { collector.fail(failure) }
        if let onCancel = unsafe onCancel {
            unsafe self.onCancel = nil
            onCancel()
        }
    }

    func takeCollector() -> BodyCollector? {
        defer { unsafe collector = nil }
        return unsafe collector
    }
}

/// The content of one request as it comes in, and who waits for it.
final class BodyCollector {
    let limit: UInt64
    /// Takes pieces as they come, and says whether it wants more; nil where all of it is collected first.
    let piece: ((RawSpan) -> Bool)?
    private let collected: ((Result<[UInt8], BodyFailure>) -> Void)?
    private let end: ((BodyFailure?) -> Void)?
    var bytes: [UInt8] = []

    init(limit: Int, done: @escaping (Result<[UInt8], BodyFailure>) -> Void) {
        self.limit = UInt64(max(limit, 0))
        piece = nil
        collected = done
        end = nil
    }

    init(limit: UInt64, piece: @escaping (RawSpan) -> Bool, end: @escaping (BodyFailure?) -> Void) {
        self.limit = limit
        self.piece = piece
        collected = nil
        self.end = end
    }

    func succeed() {
        collected?(.success(bytes))
        end?(nil)
    }

    func fail(_ failure: BodyFailure) {
        collected?(.failure(failure))
        end?(failure)
    }
}
