// One request and its one response. Made by a connection for each request head and reused when no other reference to it is left.
// The connection owns it while the request is in flight; a handler may keep it longer.
//
// While the application runs it only records calls, and the connection applies them afterwards: a connection is never re-entered. Once the response is to come later, `connection` is set, and calls go there.
//
// Process: worker · Thread: loop

package import EverycoreLoop

@usableFromInline package final class Exchange {
    /// The request's head. Zero-copy while `Application.respond` runs, a copy of its own afterwards.
    @usableFromInline package let head = RequestHead()
    /// Keeps the application, and what belongs to it, for as long as the exchange is kept.
    private let service: HTTPService
    // What follows is touched several times a request, on the loop's thread, each time for a load or a store.
    /// The connection once its response is to come later; nil before, and once it was answered or the client is gone.
    @exclusivity(unchecked) unowned(unsafe) var connection: (any ExchangeOwner)?
    @exclusivity(unchecked) package internal(set) final var isAnswered = false
    /// Called when the answer isn't wanted any longer: the client is gone, or its time was up.
    @exclusivity(unchecked) package var onCancel: (() -> Void)?
    /// When the bytes that completed the head were read, in monotonic nanoseconds.
    @inlinable package internal(set) final var start: UInt64 {
        get { unsafe storedStart }
        set { unsafe storedStart = newValue }
    }
    @exclusivity(unchecked) @usableFromInline final var storedStart: UInt64 = 0
    @exclusivity(unchecked) var collector: BodyCollector?
    /// The trailer section of the content (RFC 9112 §7.1.2), valid during the call that ends the content.
    @exclusivity(unchecked) package internal(set) final var trailers = Trailers()
    /// What was noted while the application was called.
    @exclusivity(unchecked) var note: Note?
    /// Whether the connection can be given to another process.
    @exclusivity(unchecked) final var mayMove = false

    /// Few exchanges have one: those whose response isn't returned by value, and known before the application returns.
    enum Note {
        case response(CheckedResponse)
        /// A response that has begun, and what was written of it.
        case stream(CheckedResponse, EarlyContent)
        /// What was written of a response that had begun before.
        case more(EarlyContent, sendsContent: Bool)
        case move(ConnectionMover)
        case abort
    }

    init(service: HTTPService) {
        self.service = service
    }

    package var loop: EventLoop { service.loop }

    /// The client's connection, once the response is to come later; nil before, and once it was answered or the client is gone.
    package var connectionDescriptor: Int32? { unsafe connection?.descriptor }

    /// Whether content follows the head, be it empty.
    @inlinable package var hasBody: Bool { head.hasBody }

    /// Collects the whole content, up to `limit` bytes, and hands it over: at once where there is none, else when it has arrived.
    /// A failure has been answered by the connection (400, 408, 413); `respond` then does nothing.
    ///
    /// Where the client waits for a 100 (RFC 9110 §10.1.1) it is sent one.
    package func collectBody(upTo limit: Int, _ done: @escaping (Result<[UInt8], BodyFailure>) -> Void) {
        guard head.hasBody else { return done(.success([])) }
        guard unsafe !isAnswered, unsafe collector == nil else { return done(.failure(.incomplete)) }
        unsafe collector = BodyCollector(limit: limit, done: done)
        unsafe connection?.contentIsWanted()
    }

    /// Gives the response. Only the first call counts; after a client has gone it does nothing.
    ///
    /// `Content-Length`, `Date` and `Connection` are the connection's business; the content is left out where the protocol forbids
    /// one (HEAD, 1xx, 204, 304; RFC 9110 §6.4.1).
    package func respond(_ response: CheckedResponse) {
        guard unsafe !isAnswered, !hasBegun, unsafe note == nil else { return }
        if let connection = unsafe connection { return connection.respond(to: self, response) }
        if case .stream = response.content {
            unsafe note = .stream(response, EarlyContent())
        } else {
            unsafe note = .response(response)
            unsafe isAnswered = true
        }
    }

    /// - Throws: when the status or a field can't be sent. Nothing was sent then: answer with something else.
    package func respond(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [], body: [UInt8] = []
    ) throws(ResponseEncoder.Failure) {
        respond(try CheckedResponse(status: status, contentType: contentType, fields: fields, content: .bytes(body)))
    }

    /// Has the request answered by another process. To be called from within `Application.respond`, and then nothing else.
    ///
    /// - Parameter mover: called as soon as all earlier answers of the connection have been sent.
    /// - Returns: false when the connection can't be moved: then the request is the caller's to answer.
    package func divert(to mover: @escaping ConnectionMover) -> Bool {
        guard unsafe mayMove, unsafe connection == nil, unsafe !isAnswered, unsafe note == nil else { return false }
        unsafe note = .move(mover)
        return true
    }

    /// Prepares a used exchange, to which no other reference is left, for the next request.
    @inline(__always)
    func recycle() {
        unsafe isAnswered = false
        if unsafe connection != nil { unsafe connection = nil }
        if unsafe note != nil { unsafe note = nil }
        if unsafe onCancel != nil { unsafe onCancel = nil }
        if unsafe collector != nil { unsafe collector = nil }
        if head.isDetached { head.reset() }
    }

    /// The answer isn't wanted any longer.
    func abandon(_ failure: BodyFailure) {
        unsafe connection = nil
        unsafe isAnswered = true
        if let collector = takeCollector() { collector.fail(failure) }
        if let onCancel = unsafe onCancel {
            unsafe self.onCancel = nil
            onCancel()
        }
    }

    /// It has its response: calls do nothing any more.
    func close() {
        unsafe isAnswered = true
        unsafe onCancel = nil
        unsafe connection = nil
    }

    func takeCollector() -> BodyCollector? {
        guard unsafe collector != nil else { return nil }
        defer { unsafe collector = nil }
        return unsafe collector
    }
}

/// The content of one request as it comes in, and where it goes.
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
