// Compresses responses of handlers for clients that accept it, between the handler and the wire.
//
// One per worker, made after the fork where the configuration asks for it; used on the loop's thread. It keeps one encoder per
// coding for complete contents, and the coded forms of constant texts.

internal import EverycoreHTTP

package final class ResponseCompressor {
    /// The least size of a body that is compressed, at least 1.
    let minimum: Int
    private let level: Int
    private let codings: CodingSet
    private var encoders: [(any ContentEncoder)?] = [nil, nil, nil]
    private var constants: [Constant: [UInt8]] = [:]
    private var constantBytes = 0

    /// Nil where no coding is wanted.
    package init?(_ settings: ServerConfiguration.Compression) {
        let codings = CodingSet(settings.codings.filter(ContentCoding.available.contains))
        if codings.isEmpty { return nil }
        self.codings = codings
        minimum = max(settings.minimum, 1)
        level = settings.level
    }

    /// A longer body is coded in portions, like a stream: coding it at once would block the worker's other clients.
    static let wholeBound = 262_144
    private static let portion = 65_536
    /// The memory for coded constants.
    private static let constantBound = 1 << 20

    /// A literal of the program, by its place.
    private struct Constant: Hashable {
        let address: Int
        let count: Int
        let coding: ContentCoding
    }

    /// Codes a response for this client. Returns the coding of the content where it is a stream.
    func apply(to response: inout Response, for head: RequestHead) -> StreamCoding? {
        guard let size = size(of: response), size >= minimum, response.status != 204, response.status != 205,
            response.status != 206
        else {
            if response.status == 304 { notModified(&response, head) }
            return nil
        }
        guard response.status != 304 else {
            notModified(&response, head)
            return nil
        }
        guard let type = response.mediaType, CompressibleType.contains(type), response.mayBeCoded else { return nil }
        response.varyByEncoding()
        switch AcceptedCodings(head).choice(of: codings) {
        case .identity: break
        case .coding(let coding): return encode(&response, coding, size, isHead: head.method == .head)
        case .nothing:
            // Only a successful GET or HEAD becomes a 406: other methods have already acted, and an error stays an error.
            guard response.status == 200, head.method == .get || head.method == .head else { break }
            response = HTTPError(406, "there is no representation in an encoding that Accept-Encoding allows").response
            response.varyByEncoding()
        }
        return nil
    }

    /// In bytes; `.max` where it is unknown, nil where there is nothing to code.
    private func size(of response: Response) -> Int? {
        switch response.body {
        case .empty, .unsent, .file: nil
        case .constant(let text): text.hasPointerRepresentation ? text.utf8CodeUnitCount : nil
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        case .stream(let content): content.length.map { Int(clamping: $0) } ?? .max
        }
    }

    /// A 304 has the fields that the 200 would have had (RFC 9110 §15.4.5). Its type and size aren't known here; a weak tag
    /// matches whichever form the client has (RFC 9111 §4.3.4).
    private func notModified(_ response: inout Response, _ head: RequestHead) {
        if case .unsent = response.body { return }
        guard response.mayBeCoded else { return }
        response.varyByEncoding()
        if case .coding = AcceptedCodings(head).choice(of: codings) { response.weakenTag() }
    }

    private func encode(_ response: inout Response, _ coding: ContentCoding, _ size: Int, isHead: Bool) -> StreamCoding? {
        if case .stream = response.body {} else if size > Self.wholeBound { response.body = portions(of: response.body) }
        if case .stream(let content) = response.body {
            // Nothing is produced for a HEAD.
            let encoder = isHead ? nil : coding.makeEncoder(level: level, for: .stream)
            guard isHead || encoder != nil else { return nil }
            response.markCoded(coding)
            response.body = .stream(StreamedContent(length: nil, produce: content.produce))
            return encoder.map { StreamCoding($0, length: content.length) }
        }
        guard let coded = coded(response.body, coding) else { return nil }
        response.markCoded(coding)
        response.body = .bytes(coded)
        return nil
    }

    // MARK: Contents that are here

    private func coded(_ body: Response.Body, _ coding: ContentCoding) -> [UInt8]? {
        switch body {
        case .constant(let text):
            let key = Constant(address: unsafe Int(bitPattern: text.utf8Start), count: text.utf8CodeUnitCount, coding: coding)
            if let known = constants[key] { return known }
            let bytes = unsafe UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
            guard let coded = unsafe encode(bytes.bytes, coding) else { return nil }
            if constantBytes + coded.count <= Self.constantBound {
                constantBytes += coded.count
                constants[key] = coded
            }
            return coded
        case .text(let text): return unsafe encode(text.utf8Span.span.bytes, coding)
        case .bytes(let bytes): return unsafe encode(bytes.span.bytes, coding)
        case .empty, .unsent, .file, .stream: return nil
        }
    }

    private func encode(_ content: RawSpan, _ coding: ContentCoding) -> [UInt8]? {
        let place = Int(coding.rawValue)
        guard let encoder = encoders[place] ?? coding.makeEncoder(level: level, for: .whole(content.byteCount)) else { return nil }
        var output: [UInt8] = []
        output.reserveCapacity(content.byteCount / 3 + 64)
        let isDone = encoder.encode(content, isLast: true, into: &output)
        encoders[place] = isDone && encoder.reset() ? encoder : nil
        return isDone ? output : nil
    }

    /// The same content as a stream, between whose portions other requests are served. It is copied portion by portion, never as a whole.
    private func portions(of body: Response.Body) -> Response.Body {
        let count: Int
        let portion: @Sendable (Range<Int>) -> [UInt8]
        switch body {
        case .constant(let text):
            count = text.utf8CodeUnitCount
            portion = { unsafe Array(UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)[$0]) }
        case .text(let text):
            count = text.utf8.count
            portion = { range in unsafe text.utf8Span.span.bytes.extracting(range).withUnsafeBytes { unsafe Array($0) } }
        case .bytes(let bytes):
            count = bytes.count
            portion = { Array(bytes[$0]) }
        case .empty, .unsent, .file, .stream: return body
        }
        return .stream(
            StreamedContent(length: UInt64(count)) { writer in
                var start = 0
                while start < count {
                    let end = min(start + Self.portion, count)
                    try await writer.write(portion(start..<end))
                    start = end
                    await Task.yield()
                }
            })
    }
}
