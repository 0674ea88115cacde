// Files that handlers send. They are answered as static files are: validators, conditions, ranges, sendfile(2).
//
// Called in the workers, by handlers.

internal import EverycoreHTTP
internal import Glibc

extension Response {
    /// A file, or the part of it that the request asks for; 304 where the client has it already.
    ///
    /// Files whose length the file system doesn't know, as those below `/proc`, are sent as they are read, without version and ranges.
    ///
    /// The path is the program's own business: nothing keeps one that is made of a request's parameters from leading anywhere.
    ///
    /// ```swift
    /// routes.get("/report") { request in
    ///     try .file("/srv/reports/latest.pdf", for: request)
    /// }
    /// ```
    /// - Parameters:
    ///   - path: of a regular file; symbolic links are followed. A relative path counts from the working directory.
    ///   - request: the conditions and the `Range` of a GET count, the conditions of a HEAD (RFC 9110 §13.2.2, §14.2); those of other
    ///     methods are the handler's to look at.
    ///   - contentType: by the path's ending where it is left out.
    /// - Throws: `HTTPError` 404 where there is no such file, 403 where it can't be read, 412, 416 or 503.
    public static func file(_ path: String, for request: Request, contentType: String? = nil) throws -> Response {
        let type = contentType ?? MediaType.of(Array(path.utf8))
        let coding = MediaType.coding(of: Array(path.utf8))
        var (file, content) = try open(path)
        if case .changed = content { (file, content) = try open(path) }
        switch content {
        case .known, nil: return try response(file, type, coding, content, for: request)
        case .changed, .unknown: return file.unversioned(contentType: type, coding: coding)
        }
    }

    /// The file, and what is in it where that is little.
    private static func open(_ path: String) throws -> (OpenFile, OpenFile.Content?) {
        do throws(OpenFailure) {
            let file = try OpenFile(path: path)
            if file.isDirectory { throw OpenFailure.absent }
            guard file.facts.size <= FileCache.largestContent else { return (file, nil) }
            guard let content = file.content() else { throw OpenFailure.exhausted }
            return (file, content)
        } catch {
            throw error.answer
        }
    }

    private static func response(
        _ file: OpenFile, _ type: String, _ coding: String?, _ content: OpenFile.Content?, for request: Request
    ) throws -> Response {
        let now = Int64(time(nil))
        let validators = file.facts.validators(now: now)
        let method = request.head.method
        // What another method does is no look at this file: it isn't what the conditions and the range are about.
        let conditions = method == .get || method == .head ? Preconditions(request.head) : Preconditions()
        var fields = Representation.lastingFields(validators, cacheControl: nil, isNegotiated: false)
        switch conditions.evaluate(validators, isGet: method == .get, now: now) {
        case .failed: throw HTTPError(412, "the file isn't the version that the request asks for")
        case .notModified:
            var response = Response(status: 304, body: .unsent)
            for (name, value) in fields { response.headers.add(name, value) }
            return response
        case .proceed(let range):
            fields += Representation.furtherFields(validators, coding: coding)
            if let range {
                switch RangeSelection(range, size: file.facts.size) {
                case .whole: break
                case .unsatisfiable: throw HTTPError.rangeNotSatisfiable(size: file.facts.size)
                case .parts(let parts): return .parts(parts, of: file, contentType: type, fields: fields)
                }
            }
            var response = Response(contentType: .text(type), body: .file(FileContent(file, 0..<file.facts.size)))
            if case .known(let bytes) = content { response.body = .file(FileContent(file, bytes)) }
            for (name, value) in fields { response.headers.add(name, value) }
            return response
        }
    }
}
