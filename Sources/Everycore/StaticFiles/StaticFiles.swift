// Answers requests with files: what no route claims, and what the root has.
//
// One per worker, made after the fork around a root that was opened before; called on the loop's thread only.
//
//   StaticFiles+Finding    from a path to a file, its siblings, a directory
//   StaticFiles+Answering  from a file and a request to an answer

internal import EverycoreLoop
internal import Glibc
internal import EverycoreHTTP

package final class StaticFiles {
    let root: DocumentRoot
    let settings: ServerConfiguration.Files
    var cache: FileCache
    /// Without them, each request opens its file.
    var openFiles: OpenFiles?

    /// For how long a file is taken for what it was, without a look at it.
    static let trust: UInt64 = 1_000_000_000

    package init(root: DocumentRoot, settings: ServerConfiguration.Files) {
        self.root = root
        self.settings = settings
        cache = FileCache(capacity: settings.cacheSize)
    }

    /// Bytes that the cache holds, by its own estimate.
    package var cachedBytes: Int { cache.size }
    package var cachedFiles: Int { cache.count }

    /// What is offered at a file.
    package static let methods = {
        var methods = MethodSet()
        for method in [Method.get, .head, .options] { methods.insert(method) }
        return methods
    }()

    /// Answers from what is remembered, where the path was found to be a file's within the last second. Otherwise does
    /// nothing and returns false.
    @inline(__always)
    func answerFromMemory<Exchange: RequestExchange>(_ exchange: Exchange) throws -> Bool {
        let head = exchange.head
        guard cache.size > 0, head.method == .get || head.method == .head,
            let resource = head.withPath({ cache.resource(for: $0) }),
            exchange.start &- resource.checkedAt < Self.trust
        else { return false }
        return try answer(exchange, from: resource)
    }

    @inline(never)
    private func answer<Exchange: RequestExchange>(_ exchange: Exchange, from resource: Resource) throws -> Bool {
        resource.wasUsed = true
        let form = RequestedForm(exchange.head)
        guard let index = resource.choice(for: form.accepted) else { return false }
        let representation = resource.representations[index]
        if !form.isConditional, let content = representation.content {
            try unsafe exchange.send(status: 200, prepared: representation.whole, body: content.span.bytes)
            return true
        }
        if case .done = try send(representation, form, file: nil, to: exchange) { return true }
        return false
    }

    /// Answers a request whose path no route has.
    /// - Returns: what the application is to answer, as it does for a handler: a page that is made here. Nil for a file: it was sent.
    /// - Throws: `HTTPError` for what is no file, else what the system said.
    func answer<Exchange: RequestExchange>(_ exchange: Exchange) throws -> Response? {
        let head = exchange.head
        let path: FilePath
        do throws(FilePath.Failure) {
            path = try head.withPath { bytes throws(FilePath.Failure) in try FilePath(bytes) }
        } catch {
            throw error == .bad ? HTTPError(400, "this path leads nowhere") : HTTPError(404)
        }
        let found: Found
        do throws(OpenFailure) { found = try find(path) } catch { throw error.answer }
        guard head.method == .get || head.method == .head else { return try answerOther(exchange) }
        switch found {
        case .file(let path, let file): return try answer(exchange, path, file)
        case .directory(let path): return redirect(exchange, to: path)
        case .listing(let path, let directory):
            return Response.html(try DirectoryListing.page(of: directory, at: path)).header("Cache-Control", "no-cache")
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
