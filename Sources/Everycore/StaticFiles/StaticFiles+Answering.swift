// From a file and a request to an answer: which representation, whether at all, how much of it.
//
// Worker, on the loop's thread.

internal import EverycoreHTTP
internal import Glibc

extension StaticFiles {
    /// What is to be sent for a representation.
    enum Plan {
        case response(Outcome)
        /// The file is no longer what the representation says.
        case outdated
        /// What can be read isn't what the file system says of it. The response takes the representation's place.
        case replaced(Response)
    }

    /// Answers with a file that was just opened, and remembers what it is.
    func answer<Exchange: RequestExchange>(_ exchange: Exchange, _ path: FilePath, _ file: OpenFile) throws -> Answer {
        let head = exchange.head
        let form = RequestedForm(head)
        var file = file
        for _ in 0..<Self.tries {
            let previous = unsafe cache.size > 0 ? head.withPath { unsafe cache.resource(for: $0) } : nil
            if let previous { openFiles?.close(previous) }
            let (resource, files) = try examine(path, file, previous: previous, at: exchange.start)
            if unsafe cache.capacity > 0 {
                let isLasting = resource.representations.allSatisfy(\.isLasting)
                head.withPath { unsafe isLasting ? cache.insert(resource, for: $0) : cache.remove($0) }
            }
            guard let index = resource.choice(for: form.accepted) else {
                var error = HTTPError(406, "there is no representation in an encoding that Accept-Encoding allows")
                error.headers["Vary"] = "Accept-Encoding"
                throw error
            }
            switch try plan(resource.representations[index], form, file: files[index], for: exchange) {
            case .response(let outcome): return .file(outcome)
            case .replaced(let response):
                head.withPath { unsafe cache.remove($0) }
                return .page(response)
            case .outdated:
                head.withPath { unsafe cache.remove($0) }
                do throws(OpenFailure) { file = try root.open(path) } catch { throw error.answer }
                if file.isDirectory { throw HTTPError(404) }
            }
        }
        // It is written all the time: what it is at the moment has no version.
        return .page(file.unversioned(contentType: type(of: path), coding: MediaType.coding(of: path.bytes)))
    }

    /// How often a file is looked at that is written while it is read.
    private static var tries: Int { 3 }

    /// What the request wants of a representation.
    /// - Parameter file: the opened file, or nil to open it when it is needed.
    func plan<Exchange: RequestExchange>(
        _ representation: Representation, _ form: RequestedForm, file: OpenFile?, for exchange: Exchange
    ) throws -> Plan {
        var (file, content) = (file, representation.content)
        if content == nil, representation.facts.size <= FileCache.largestContent {
            // Before anything rests on what the file system says of it.
            guard let opened = opened(representation, file, at: exchange.start) else { return .outdated }
            file = opened
            switch opened.content() {
            case .known(let bytes):
                content = bytes
                if unsafe cache.capacity > 0, representation.isLasting { exchange.head.withPath { unsafe cache.keep(bytes, of: representation, for: $0) } }
            case .changed: return .outdated
            case .unknown: return .replaced(opened.unversioned(contentType: representation.contentType, coding: representation.codingName))
            case nil: throw HTTPError(503, "the file can't be read")
            }
        }
        guard form.isConditional else { return whole(representation, content, file, at: exchange.start) }
        let conditions = Preconditions(exchange.head)
        let isGet = exchange.head.method == .get
        switch conditions.evaluate(representation.validators, isGet: isGet, now: now()) {
        case .notModified:
            return .response(.response(CheckedResponse(status: 304, prepared: representation.notModified, content: .none)))
        case .failed:
            throw HTTPError(412, "the file isn't the version that the request asks for")
        case .proceed(nil):
            return whole(representation, content, file, at: exchange.start)
        case .proceed(let range?):
            switch RangeSelection(range, size: representation.facts.size) {
            case .whole: return whole(representation, content, file, at: exchange.start)
            case .unsatisfiable: throw HTTPError.rangeNotSatisfiable(size: representation.facts.size)
            case .parts(let parts):
                guard let file = opened(representation, file, at: exchange.start) else { return .outdated }
                let response = Response.parts(parts, of: file, contentType: representation.contentType, fields: representation.partial)
                return .response(try exchange.outcome(of: response) ?? .later)
            }
        }
    }

    private func whole(_ representation: Representation, _ content: [UInt8]?, _ file: OpenFile?, at start: UInt64) -> Plan {
        if let content { return .response(.response(CheckedResponse(status: 200, prepared: representation.whole, content: .bytes(content)))) }
        guard let file = opened(representation, file, at: start) else { return .outdated }
        let transfer = FileTransfer(descriptor: file.descriptor, owner: file, offset: 0, remaining: file.facts.size)
        return .response(.response(CheckedResponse(status: 200, prepared: representation.whole, content: .file(transfer))))
    }

    /// The representation's file, or nil where its path no longer leads to this version.
    private func opened(_ representation: Representation, _ file: OpenFile?, at now: UInt64) -> OpenFile? {
        if let kept = representation.file { return kept.isCurrent ? kept : nil }
        guard let file = file ?? (try? root.open(representation.path)), file.facts == representation.facts else { return nil }
        if unsafe cache.capacity > 0, representation.isLasting, file.facts.size > FileCache.largestContent {
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
