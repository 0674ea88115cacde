// From a file and a request to an answer: which representation, whether at all, how much of it.
//
// Worker, on the loop's thread.

internal import Glibc
internal import EverycoreHTTP

extension StaticFiles {
    /// Answers with a file that was just opened, and remembers what it is.
    func answer<Exchange: RequestExchange>(_ exchange: Exchange, _ path: FilePath, _ file: OpenFile) throws {
        let head = exchange.head
        let form = RequestedForm(head)
        let previous = cache.size > 0 ? head.withPath { cache.resource(for: $0) } : nil
        if let previous { openFiles?.letGo(of: previous) }
        let (resource, files) = try examine(path, file, previous: previous, at: exchange.start)
        if cache.capacity > 0 {
            let isLasting = resource.representations.allSatisfy(\.isLasting)
            head.withPath { isLasting ? cache.insert(resource, for: $0) : cache.remove($0) }
        }
        guard let index = resource.choice(for: form.accepted) else {
            var error = HTTPError(406, "there is no representation in an encoding that Accept-Encoding allows")
            error.headers["Vary"] = "Accept-Encoding"
            throw error
        }
        _ = try send(resource.representations[index], form, file: files[index], to: exchange)
    }

    /// Sends what the request wants of a representation.
    /// - Parameter file: the opened file, or nil to open it when it is needed.
    /// - Returns: false, without an answer, where the file is no longer what the representation says.
    func send<Exchange: RequestExchange>(
        _ representation: Representation, _ form: RequestedForm, file: OpenFile?, to exchange: Exchange
    ) throws -> Bool {
        guard form.isConditional else { return try sendWhole(representation, file, to: exchange) }
        let conditions = Preconditions(exchange.head)
        let isGet = exchange.head.method == .get
        switch conditions.evaluate(representation.validators, isGet: isGet, now: now()) {
        case .notModified:
            try exchange.send(status: 304, prepared: representation.notModified, body: RawSpan())
        case .failed:
            throw HTTPError(412, "the file isn't the version that the request asks for")
        case .proceed(nil):
            return try sendWhole(representation, file, to: exchange)
        case .proceed(let range?):
            switch RangeSelection(range, size: representation.facts.size) {
            case .whole: return try sendWhole(representation, file, to: exchange)
            case .unsatisfiable: throw HTTPError.rangeNotSatisfiable(size: representation.facts.size)
            case .parts(let parts): return try sendParts(parts, of: representation, file, to: exchange)
            }
        }
        return true
    }

    private func sendWhole<Exchange: RequestExchange>(
        _ representation: Representation, _ file: OpenFile?, to exchange: Exchange
    ) throws -> Bool {
        if let content = representation.content {
            try unsafe exchange.send(status: 200, prepared: representation.whole, body: content.span.bytes)
            return true
        }
        guard let file = opened(representation, file, at: exchange.start) else { return false }
        let size = file.facts.size
        if size <= FileCache.largestContent, cache.capacity > 0, representation.isLasting,
            let content = file.read(at: 0, count: Int(size)), content.count == size
        {
            exchange.head.withPath { cache.keep(content, of: representation, for: $0) }
            try unsafe exchange.send(status: 200, prepared: representation.whole, body: content.span.bytes)
            return true
        }
        try exchange.sendFile(status: 200, prepared: representation.whole, file: file, part: 0..<size)
        return true
    }

    private func sendParts<Exchange: RequestExchange>(
        _ parts: [Range<Int64>], of representation: Representation, _ file: OpenFile?, to exchange: Exchange
    ) throws -> Bool {
        guard let file = opened(representation, file, at: exchange.start) else { return false }
        let response = Response.parts(parts, of: file, contentType: representation.contentType, fields: representation.partial)
        _ = try exchange.send(response)
        return true
    }

    /// The representation's file, or nil where its path no longer leads to this version.
    private func opened(_ representation: Representation, _ file: OpenFile?, at now: UInt64) -> OpenFile? {
        if let kept = representation.file { return kept.isCurrent ? kept : nil }
        guard let file = file ?? (try? root.open(representation.path)), file.facts == representation.facts else { return nil }
        if cache.capacity > 0, representation.isLasting, file.facts.size > FileCache.largestContent {
            openFiles?.keep(file, of: representation, at: now)
        }
        return file
    }
}

extension Response {
    /// A 206 with one part or several.
    static func parts(
        _ parts: [Range<Int64>], of file: OpenFile, contentType: String, fields: [(name: String, value: String)]
    ) -> Response {
        var response = Response(status: 206)
        for (name, value) in fields { response.headers.add(name, value) }
        if let part = parts.first, parts.count == 1 {
            response.contentType = .text(contentType)
            response.headers.add("Content-Range", FileContent.contentRange(part, of: file.facts.size))
            response.body = .file(FileContent(file, part))
        } else {
            let boundary = FileContent.randomBoundary()
            response.contentType = .text("multipart/byteranges; boundary=\(boundary)")
            response.body = .file(FileContent(file, parts: parts, contentType: contentType, boundary: boundary))
        }
        return response
    }
}

extension HTTPError {
    static func rangeNotSatisfiable(size: Int64) -> HTTPError {
        var error = HTTPError(416, "the file has \(size) bytes")
        error.headers["Content-Range"] = "bytes */\(size)"
        return error
    }
}
