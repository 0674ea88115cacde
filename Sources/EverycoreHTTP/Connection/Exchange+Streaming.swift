// Requests and responses that are longer than memory should hold: piece by piece, at the pace of the slower side.
// Process: worker · Thread: loop

extension Exchange {
    // MARK: The request's content

    /// Hands the content over piece by piece, up to `limit` bytes in all. `piece` gets bytes that are valid during the call and
    /// says whether it wants more at once; if not, reading stops, and so does the client in time, until `resumeBody()`.
    /// `end` is called once: with nil after the last piece, else with why there is no more (the client was answered then).
    package func streamBody(
        upTo limit: UInt64, piece: @escaping (RawSpan) -> Bool, end: @escaping (BodyFailure?) -> Void
    ) {
        guard head.hasBody else { return end(nil) }
        guard unsafe !isAnswered, unsafe collector == nil else { return end(.incomplete) }
        unsafe collector = BodyCollector(limit: limit, piece: piece, end: end)
        unsafe connection?.contentIsWanted()
    }

    /// Goes on after `piece` has asked for a pause.
    package func resumeBody() { unsafe connection?.contentIsWanted() }

    // MARK: The response's content

    /// Begins a response whose content follows through `write` and ends with `end()`.
    ///
    /// - Parameter length: the content's length in bytes, or nil where it isn't known: then it is sent chunked, and to HTTP/1.0
    ///   clients up to the connection's end (RFC 9112 §6.3).
    /// - Throws: as `respond` does; nothing was sent then.
    package func beginResponse(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [], length: UInt64?
    ) throws(ResponseEncoder.Failure) {
        respond(try CheckedResponse(status: status, contentType: contentType, fields: fields, content: .stream(length: length)))
    }

    private var early: EarlyContent? {
        switch unsafe note {
        case .stream(_, let early)?, .more(let early, _)?: early
        case .response?, .move?, .abort?, nil: nil
        }
    }

    /// Whether a response has begun and can't be replaced by another one.
    package var hasBegun: Bool {
        if let connection = unsafe connection { return connection.streaming != nil }
        return early != nil
    }

    /// Whether a response that has begun has content at all: one to HEAD has none, nor has a 204 (RFC 9110 §6.4.1).
    package var sendsContent: Bool {
        if let streaming = unsafe connection?.streaming {
            if case .omitted = streaming.framing { return false }
            return true
        }
        switch unsafe note {
        case .stream(let response, _)?: return head.method != .head && ResponseEncoder.allowsContent(response.status)
        case .more(_, let sendsContent)?: return sendsContent
        case .response?, .move?, .abort?, nil: return false
        }
    }

    /// Whether the client takes what is written. If not, more would pile up in memory: wait with `whenWritable`.
    package var isWritable: Bool {
        if let connection = unsafe connection { return !connection.isBlocked }
        return early.map { !$0.isFull } ?? true
    }

    /// Sends a piece of the content. Bytes beyond the announced length are dropped; after a client has gone it does nothing.
    package func write(_ bytes: RawSpan) {
        if let connection = unsafe connection { return connection.writeContent(bytes) }
        early?.append(bytes)
    }

    /// Calls `body` once, when the socket has room again or the response is over. At once where there is room.
    package func whenWritable(_ body: @escaping () -> Void) {
        if let connection = unsafe connection {
            guard connection.isBlocked, let streaming = connection.streaming else { return body() }
            streaming.waiters.append(body)
        } else if let early, early.isFull {
            early.waiters.append(body)
        } else {
            body()
        }
    }

    /// Ends the response. One that is shorter than announced closes the connection: the client must not take it for whole.
    package func end() {
        if let connection = unsafe connection {
            if connection.streaming != nil { connection.endContent() }
        } else if let early {
            early.hasEnded = true
            unsafe isAnswered = true
        }
    }

    /// Gives a response up that has begun: the connection closes without a proper end, which is how the client learns of it.
    package func abort() {
        if let connection = unsafe connection { return connection.breakOff() }
        guard unsafe !isAnswered else { return }
        if let early { early.isAborted = true } else { unsafe note = .abort }
    }

    /// Sends a part of a file as the content.
    ///
    /// A file that shrinks while it is sent closes the connection.
    /// - Parameter owner: keeps the descriptor open for as long as it lives.
    /// - Throws: as `respond` does; nothing was sent then.
    package func respondFile(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [],
        descriptor: Int32, of owner: AnyObject, offset: Int64, length: Int64
    ) throws(ResponseEncoder.Failure) {
        let file = FileTransfer(descriptor: descriptor, owner: owner, offset: offset, remaining: max(length, 0))
        respond(try CheckedResponse(status: status, contentType: contentType, fields: fields, content: .file(file)))
    }
}

/// What is written of a response before the application has returned: the connection sends it afterwards.
final class EarlyContent {
    private(set) var bytes: [UInt8] = []
    var hasEnded = false
    var isAborted = false
    var waiters: [() -> Void] = []

    private static var bound: Int { 131_072 }

    var isFull: Bool { bytes.count >= Self.bound }

    func append(_ more: RawSpan) {
        guard !hasEnded, !isAborted else { return }
        unsafe more.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }
}

/// A response whose content comes piece by piece, and what waits for room.
final class StreamingResponse {
    let status: Int
    let closes: Bool
    var framing: HTTP1.ContentFraming
    var file: FileTransfer?
    var waiters: [() -> Void] = []
    /// Bytes of content that were written, but for those of a file.
    var sent: UInt64 = 0
    /// Bytes that were written since other connections were served.
    var inARow = 0

    init(status: Int, closes: Bool, framing: HTTP1.ContentFraming) {
        self.status = status
        self.closes = closes
        self.framing = framing
    }

    /// Bytes of content that have gone.
    var contentByteCount: UInt64 { file?.sent ?? sent }

    func wakeWaiters() {
        guard !waiters.isEmpty else { return }
        let woken = waiters
        waiters = []
        for waiter in woken { waiter() }
    }
}
