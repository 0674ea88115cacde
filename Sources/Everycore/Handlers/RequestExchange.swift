// What answering a request needs of its connection. HTTP's Exchange has it; so has a test's stand-in without a socket.
//
// Code on the request's path is generic over it and specialised for Exchange: nothing is boxed.
//
// Process: worker · Thread: loop

package import EverycoreHTTP

package protocol RequestExchange: AnyObject, SendableMetatype {
    /// Owned by the exchange, which is kept with the head.
    var head: RequestHead { get }
    var hasBody: Bool { get }
    /// When the request's bytes were read, in monotonic nanoseconds.
    var start: UInt64 { get }
    /// True once an answer was given, or isn't wanted any longer.
    var isAnswered: Bool { get }
    /// Called when the answer isn't wanted any longer.
    var onCancel: (() -> Void)? { get set }

    /// The content's trailer section, valid during the call that ends the content.
    var trailers: Trailers { get }

    func collectBody(upTo limit: Int, _ done: @escaping (Result<[UInt8], BodyFailure>) -> Void)

    /// Gives a response that comes later than the application returns, or whose content does.
    func respond(_ response: CheckedResponse)

    // Content that comes or goes piece by piece; HTTP's Exchange says more of each.
    func streamBody(upTo limit: UInt64, piece: @escaping (RawSpan) -> Bool, end: @escaping (BodyFailure?) -> Void)
    func resumeBody()
    var sendsContent: Bool { get }
    var isWritable: Bool { get }
    func write(_ bytes: RawSpan)
    func whenWritable(_ body: @escaping () -> Void)
    func end()
    func abort()

    /// Has another process answer, from within `respond(to:)`. False when the connection can't be moved; see HTTP's Exchange.
    func divert(to mover: @escaping ConnectionMover) -> Bool
}

extension RequestExchange {
    /// Gives what the application would have returned.
    package func respond(_ outcome: Outcome) {
        switch outcome {
        case .constant(let type, let text): respond(CheckedResponse(constant: text, type: type))
        case .whole(let whole): respond(whole.checked)
        case .response(let response): respond(response)
        case .later: break
        }
    }

    /// A response as it is; parts of a file are written through the exchange. Nil for content that is still to be produced.
    /// - Throws: when the status or a field can't be sent.
    func outcome(of response: Response) throws -> Outcome? {
        let checked = try response.checked()
        guard case .stream = checked.content else { return .response(checked) }
        respond(checked)
        guard case .file(let content) = response.body else { return nil }
        sendsContent ? PartsWriter(content, to: self).run() : end()
        return .later
    }
}

extension Response {
    /// For the wire.
    /// - Throws: when the status or a field can't be sent.
    func checked() throws -> CheckedResponse {
        guard status >= 200, status <= 599 else { throw UnsendableStatus(status: status) }
        var fields = headers.fields
        var constantType: StaticString?
        if fields.isEmpty || headers["Content-Type"] == nil {
            switch contentType {
            case .constant(let name): constantType = name
            case .text(let name): fields.insert(("Content-Type", name), at: 0)
            case nil: break
            }
        }
        return try CheckedResponse(status: status, contentType: constantType, fields: fields, content: content)
    }

    private var content: CheckedResponse.Content {
        switch body {
        case .empty, .unsent: .none
        // A literal without an address is a single scalar.
        case .constant(let text): text.hasPointerRepresentation ? .constant(text) : .text(text.description)
        case .text(let text): .text(text)
        case .bytes(let bytes): .bytes(bytes)
        case .file(let file): file.content
        case .stream(let stream): .stream(length: stream.length)
        }
    }

    /// What most answers are, and what costs nothing but the copy of its bytes: a 200 of the program's constants.
    @inline(__always)
    func constant(shorterThan bound: Int) -> Outcome? {
        guard let constants, constants.text.hasPointerRepresentation, constants.text.utf8CodeUnitCount < bound else { return nil }
        return .constant(type: constants.type, text: constants.text)
    }
}

extension FileContent {
    /// Several parts are written one after the other.
    fileprivate var content: CheckedResponse.Content {
        if let bytes { return .bytes(bytes) }
        guard let part = wholePart else { return .stream(length: UInt64(max(length, 0))) }
        return .file(FileTransfer(descriptor: file.descriptor, owner: file, offset: part.lowerBound, remaining: Int64(part.count)))
    }
}

struct UnsendableStatus: Error, CustomStringConvertible {
    let status: Int
    var description: String { "\(status) isn't the status of a final response" }
}
