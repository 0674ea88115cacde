// What answering a request needs of its connection. HTTP's Exchange has it; so has a test's stand-in without a socket.
//
// Runs in the workers. Code on the request's path is generic over it and specialised for Exchange: nothing is boxed.

package import EverycoreHTTP

package protocol RequestExchange: AnyObject, SendableMetatype {
    /// Owned by the exchange: whoever keeps the exchange keeps the head.
    var head: RequestHead { get }
    var hasBody: Bool { get }
    /// When the request's bytes were read, in monotonic nanoseconds.
    var start: UInt64 { get }
    /// True once an answer was sent, or nobody waits for one.
    var isAnswered: Bool { get }
    /// Called when nobody waits for the answer any longer.
    var onCancel: (() -> Void)? { get set }

    /// The content's trailer section, while its end is told.
    var trailers: Trailers { get }

    func collectBody(upTo limit: Int, _ done: @escaping (Result<[UInt8], BodyFailure>) -> Void)

    /// - Throws: when the status or a field can't be sent; nothing was sent then.
    func send(
        status: Int, contentType: StaticString?, fields: [(name: String, value: String)], body: RawSpan
    ) throws

    /// Sends an answer whose fields, the content's type among them, were prepared.
    func send(status: Int, prepared: PreparedFields, body: RawSpan) throws

    /// Sends a part of a file, and keeps the file open until it is sent.
    func sendFile(status: Int, prepared: PreparedFields, file: OpenFile, part: Range<Int64>) throws

    // Content that comes or goes piece by piece; HTTP's Exchange says more of each.
    func streamBody(upTo limit: UInt64, piece: @escaping (RawSpan) -> Bool, end: @escaping (BodyFailure?) -> Void)
    func resumeBody()
    func begin(status: Int, contentType: StaticString?, fields: [(name: String, value: String)], length: UInt64?) throws
    var sendsContent: Bool { get }
    var isWritable: Bool { get }
    func write(_ bytes: RawSpan)
    func whenWritable(_ body: @escaping () -> Void)
    func end()
    func abort()

    /// Has another process answer, from within `receive`. False when the connection can't be moved; see HTTP's Exchange.
    func divert(to mover: @escaping ConnectionMover) -> Bool
}

extension RequestExchange {
    /// Sends a response as it is; false where only its head was sent, and its content is still to be produced.
    /// Runs on the loop's thread.
    /// - Throws: as `send(status:contentType:fields:body:)` does.
    func send(_ response: Response) throws -> Bool {
        try sendAny(response)
    }

    @inline(never)
    func sendAny(_ response: Response) throws -> Bool {
        let status = response.status
        guard status >= 200, status <= 599 else { throw UnsendableStatus(status: status) }
        var fields = response.headers.fields
        var contentType: StaticString?
        if fields.isEmpty || response.headers["Content-Type"] == nil {
            switch response.contentType {
            case .constant(let name): contentType = name
            case .text(let name): fields.insert(("Content-Type", name), at: 0)
            case nil: break
            }
        }
        switch response.body {
        case .empty, .unsent:
            try send(status: status, contentType: contentType, fields: fields, body: RawSpan())
        case .constant(let text):
            // Literals have a pointer. A StaticString without one holds a single scalar.
            guard text.hasPointerRepresentation else {
                let text = text.description
                try unsafe send(status: status, contentType: contentType, fields: fields, body: text.utf8Span.span.bytes)
                return true
            }
            let bytes = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            try unsafe send(status: status, contentType: contentType, fields: fields, body: bytes.bytes)
        case .text(let text):
            try unsafe send(status: status, contentType: contentType, fields: fields, body: text.utf8Span.span.bytes)
        case .bytes(let bytes):
            try unsafe send(status: status, contentType: contentType, fields: fields, body: bytes.span.bytes)
        case .file(let content):
            try send(status: status, contentType: contentType, fields: fields, content)
        case .stream(let content):
            try begin(status: status, contentType: contentType, fields: fields, length: content.length)
            return false
        }
        return true
    }

    private func send(
        status: Int, contentType: StaticString?, fields: [(name: String, value: String)], _ content: FileContent
    ) throws {
        if let bytes = content.bytes { return try unsafe send(status: status, contentType: contentType, fields: fields, body: bytes.span.bytes) }
        guard let part = content.wholePart else {
            try begin(status: status, contentType: contentType, fields: fields, length: UInt64(content.length))
            guard sendsContent else { return end() }
            return PartsWriter(content, to: self).run()
        }
        let typed = contentType.map { [(name: "Content-Type", value: $0.description)] } ?? []
        let prepared = try PreparedFields(typed + fields)
        try sendFile(status: status, prepared: prepared, file: content.file, part: part)
    }
}

extension Response {
    /// What most answers are, and what costs nothing but the copy of its bytes: a 200 of the program's constants.
    @inline(__always)
    mutating func constant(shorterThan bound: Int) -> Outcome? {
        guard status == 200, headers.isEmpty, case .constant(let type) = contentType, case .constant(let text) = body,
            text.hasPointerRepresentation, text.utf8CodeUnitCount < bound
        else { return nil }
        return .constant(type: type, text: text)
    }
}

struct UnsendableStatus: Error, CustomStringConvertible {
    let status: Int
    var description: String { "\(status) isn't the status of a final response" }
}
