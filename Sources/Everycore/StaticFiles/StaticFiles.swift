// Answers requests with files: what no route claims, and what the root has.
//
// One per worker, made after the fork around a root that was opened before; called on the loop's thread only.
//
//   StaticFiles+Finding    from a path to a file, its siblings, a directory
//   StaticFiles+Answering  from a file and a request to an answer

internal import EverycoreHTTP
internal import Glibc

package final class StaticFiles {
    let root: DocumentRoot
    let settings: ServerConfiguration.Files
    /// Each access lasts for one call that doesn't come back here.
    @exclusivity(unchecked) var cache: FileCache
    /// Without them, each request opens its file.
    var openFiles: OpenFiles?

    /// For how long a file is taken for what it was, without a look at it.
    static let trust: UInt64 = 1_000_000_000

    package init(root: DocumentRoot, settings: ServerConfiguration.Files) {
        self.root = root
        self.settings = settings
        unsafe cache = FileCache(capacity: settings.cacheSize)
    }

    /// Bytes that the cache holds, by its own estimate.
    package var cachedBytes: Int { unsafe cache.size }
    package var cachedFiles: Int { unsafe cache.count }

    /// What is offered at a file.
    package static let methods = {
        var methods = MethodSet()
        for method in [Method.get, .head, .options] { methods.insert(method) }
        return methods
    }()

    /// Answers from what is remembered, where the path was found to be a file's within the last second. Otherwise does
    /// nothing and returns nil.
    @inline(__always)
    func answerFromMemory<Exchange: RequestExchange>(_ exchange: Exchange) throws -> Outcome? {
        let head = exchange.head
        guard unsafe cache.size > 0, head.method == .get || head.method == .head,
            let resource = head.withPath({ unsafe cache.resource(for: $0) }),
            exchange.start &- resource.checkedAt < Self.trust
        else { return nil }
        return try answer(exchange, from: resource)
    }

    @inline(never)
    private func answer<Exchange: RequestExchange>(_ exchange: Exchange, from resource: Resource) throws -> Outcome? {
        resource.wasUsed = true
        let form = RequestedForm(exchange.head)
        guard let index = form.accepted.isUnsaid ? 0 : resource.choice(for: form.accepted) else { return nil }
        let representation = resource.representations[index]
        if !form.isConditional, let whole = representation.inMemory { return .whole(whole) }
        guard case .response(let outcome) = try plan(representation, form, file: nil, for: exchange) else { return nil }
        return outcome
    }

    /// What a request for a file leads to.
    enum Answer {
        case file(Outcome)
        /// A page that is made here: the application answers with it as with a handler's response.
        case page(Response)
    }

    /// Answers a request whose path no route has.
    /// - Throws: `HTTPError` for what is no file, else what the system said.
    func answer<Exchange: RequestExchange>(_ exchange: Exchange) throws -> Answer {
        let head = exchange.head
        let path: FilePath
        do throws(FilePath.Failure) {
            path = try head.withPath { bytes throws(FilePath.Failure) in try FilePath(bytes) }
        } catch {
            throw error == .bad ? HTTPError(400, "this path leads nowhere") : HTTPError(404)
        }
        let found: Found
        do throws(OpenFailure) { found = try find(path) } catch { throw error.answer }
        guard head.method == .get || head.method == .head else { return .page(try answerOther(exchange)) }
        switch found {
        case .file(let path, let file): return try answer(exchange, path, file)
        case .directory(let path): return .page(redirect(exchange, to: path))
        case .listing(let path, let directory):
            return .page(Response.html(try DirectoryListing.page(of: directory, at: path)).header("Cache-Control", "no-cache"))
        }
    }

    /// A method that isn't offered for files, or the question which are.
    private func answerOther<Exchange: RequestExchange>(_ exchange: Exchange) throws -> Response {
        guard exchange.head.method == .options else {
            var error = HTTPError(405)
            error.headers["Allow"] = Self.methods.description
            throw error
        }
        return Response.empty(204).header("Allow", Self.methods.description)
    }

    /// A directory has a slash at its end: relative links in its page would miss it otherwise. The address is relative to the request's
    /// own (RFC 9110 §10.2.2): a proxy may have removed a prefix, or changed scheme, host and port.
    private func redirect<Exchange: RequestExchange>(_ exchange: Exchange, to path: FilePath) -> Response {
        let query = exchange.head.query.map { "?" + $0 } ?? ""
        return Response.redirect(to: path.lastSegment + "/" + query, status: 301)
    }

    /// The media type of the file at a path.
    func type(of path: FilePath) -> String { settings.type(of: path.bytes) }

    func now() -> Int64 { Int64(time(nil)) }
}

/// In which form a request wants a file: found in one pass over its fields, since most requests have few of them or none. Allocates
/// nothing.
struct RequestedForm {
    /// It has at least one field that makes the answer other than the whole file.
    private(set) var isConditional = false
    private(set) var accepted = AcceptedCodings()

    init(_ head: RequestHead) {
        var index = 0
        while let field = head.field(at: index) {
            index &+= 1
            if field.isHopByHop { continue }
            switch field.name.count {
            case 5: note(head, field, "Range")
            case 8: note(head, field, "If-Match"); note(head, field, "If-Range")
            case 13: note(head, field, "If-None-Match")
            case 17: note(head, field, "If-Modified-Since")
            case 19: note(head, field, "If-Unmodified-Since")
            case 15 where Self.isNamed(head, field, "Accept-Encoding"):
                head.withBytes(field.value) { accepted.add($0) }
            default: break
            }
        }
    }

    private mutating func note(_ head: RequestHead, _ field: FieldRange, _ name: StaticString) {
        if !isConditional, Self.isNamed(head, field, name) { isConditional = true }
    }

    static func isNamed(_ head: RequestHead, _ field: FieldRange, _ name: StaticString) -> Bool {
        head.withBytes(field.name) { bytes in
            unsafe bytes.equalsIgnoringCase(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount).bytes)
        }
    }
}
