// Requests and responses that are longer than memory should hold: piece by piece, at the pace of the slower side.
// Worker process, on the loop's thread.

import Glibc

extension Exchange {
    // MARK: The request's content

    /// Hands the content over piece by piece, up to `limit` bytes in all. `piece` gets bytes that are valid during the call and
    /// says whether it wants more at once; if not, reading stops, and so does the client in time, until `resumeBody()`.
    /// `end` is called once: with nil after the last piece, else with why there is no more (the client was answered then).
    package func streamBody(
        upTo limit: UInt64, piece: @escaping (RawSpan) -> Bool, end: @escaping (BodyFailure?) -> Void
    ) {
        guard head.hasBody else { return end(nil) }
        guard let connection = unsafe connection, unsafe !isAnswered, unsafe collector == nil else { return end(.incomplete) }
        unsafe collector = BodyCollector(limit: limit, piece: piece, end: end)
        connection.bodyIsWanted()
    }

    /// Goes on after `piece` has asked for a pause.
    package func resumeBody() {
        unsafe connection?.bodyIsWanted()
    }

    // MARK: The response's content

    /// Sends a response's head; its content follows through `write` and ends with `end()`.
    ///
    /// - Parameter length: the content's length in bytes, or nil where it isn't known: then it is sent chunked, and to HTTP/1.0
    ///   clients up to the connection's end (RFC 9112 §6.3).
    /// - Throws: as `respond` does; nothing was sent then.
    package func beginResponse(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [], length: UInt64?
    ) throws(ResponseEncoder.Failure) {
        guard let connection = unsafe connection, unsafe !isAnswered else { return }
        try connection.beginResponse(to: self, status: status, contentType: contentType, fields: fields, length: length)
    }

    /// Whether a response has begun and can't be replaced by another one.
    package var hasBegun: Bool { unsafe connection?.streaming != nil }

    /// Whether a response that has begun has content at all: one to HEAD has none, nor has a 204 (RFC 9110 §6.4.1).
    package var sendsContent: Bool {
        guard let streaming = unsafe connection?.streaming else { return false }
        if case .omitted = streaming.framing { return false }
        return true
    }

    /// Whether the client takes what is written. If not, more would pile up in memory: wait with `whenWritable`.
    package var isWritable: Bool { unsafe connection.map { !$0.isBlocked } ?? true }

    /// Sends a piece of the content. Bytes beyond the announced length are dropped; after a client has gone it does nothing.
    package func write(_ bytes: RawSpan) {
        guard let connection = unsafe connection else { return }
        connection.writeContent(bytes)
    }

    /// Calls `body` once, when the socket has room again or nobody waits any longer. At once where there is room.
    package func whenWritable(_ body: @escaping () -> Void) {
        guard let connection = unsafe connection, connection.isBlocked, let streaming = connection.streaming else { return body() }
        streaming.waiters.append(body)
    }

    /// Ends the response. One that is shorter than announced closes the connection: the client must not take it for whole.
    package func end() {
        guard let connection = unsafe connection, connection.streaming != nil else { return }
        connection.endContent(of: self)
    }

    /// Gives a response up that has begun: the connection closes without a proper end, which is how the client learns of it.
    package func abort() {
        unsafe connection?.breakOff()
    }

    /// Sends a part of a file as the content.
    ///
    /// A file that shrinks while it is sent closes the connection.
    /// - Parameter owner: keeps the descriptor open for as long as it lives.
    /// - Throws: as `respond` does; nothing was sent then.
    package func respondFile(
        status: Int, contentType: StaticString? = nil, fields: [(name: String, value: String)] = [],
        prepared: PreparedFields? = nil, descriptor: Int32, of owner: AnyObject, offset: Int64, length: Int64
    ) throws(ResponseEncoder.Failure) {
        let file = FileTransfer(descriptor: descriptor, owner: owner, offset: offset, remaining: max(length, 0))
        guard let connection = unsafe connection, unsafe !isAnswered else { return }
        try connection.respond(
            to: self, status: status, contentType: contentType, fields: fields, prepared: prepared, file: file)
    }
}

/// A part of an open file on its way to a client. Several can share the file: each has a position of its own.
final class FileTransfer {
    let descriptor: Int32
    private let owner: AnyObject
    private(set) var offset: Int64
    private(set) var remaining: Int64
    /// sendfile(2) was refused.
    var isCopied = false

    init(descriptor: Int32, owner: AnyObject, offset: Int64, remaining: Int64) {
        self.descriptor = descriptor
        self.owner = owner
        self.offset = offset
        self.remaining = remaining
    }

    /// Reads from the present position into all of `room`, or up to the file's end. Returns how many bytes that were.
    func read(into room: UnsafeMutableRawBufferPointer) -> Int {
        var filled = 0
        while filled < room.count {
            let count = unsafe pread(descriptor, room.baseAddress?.advanced(by: filled), room.count &- filled, Int(offset) &+ filled)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            filled &+= count
        }
        return filled
    }

    func advance(_ count: Int) {
        offset &+= Int64(count)
        remaining &-= Int64(count)
    }
}

/// A response whose content comes piece by piece, and who waits for room.
final class StreamingResponse {
    enum Framing {
        case omitted
        case length(remaining: UInt64)
        case chunked
        case untilClose
    }

    let status: Int
    var closes: Bool
    var framing: Framing
    var file: FileTransfer?
    var waiters: [() -> Void] = []
    /// Bytes that were written since others had their turn.
    var inARow = 0

    init(status: Int, closes: Bool, framing: Framing) {
        self.status = status
        self.closes = closes
        self.framing = framing
    }

    func wakeWaiters() {
        guard !waiters.isEmpty else { return }
        let woken = waiters
        waiters = []
        for waiter in woken { waiter() }
    }
}
