// Conditional requests: a response with a validator becomes a 304 when the client has this version.
//
// Runs in the workers, between a handler and the wire. Files have their own way (StaticFiles, Response.file).

internal import EverycoreHTTP
internal import Glibc

extension Response {
    /// A 304 or a 412 in the place of a 200 to GET or HEAD that has an `ETag` or a `Last-Modified`, in the order of RFC 9110 §13.2.2.
    ///
    /// Other methods have already acted: their handlers check conditions themselves.
    mutating func heedConditions(of head: RequestHead) {
        guard status == 200, head.method == .get || head.method == .head, RequestedForm(head).isConditional else { return }
        if case .file = body { return }
        let now = Int64(time(nil))
        let tag = headers["ETag"].flatMap { EntityTag(parsing: $0) }
        let date = headers["Last-Modified"].flatMap { HTTPDate.parse($0, now: now) }
        guard tag != nil || date != nil else { return }
        var conditions = Preconditions(head)
        conditions.range = nil
        // The tag that stands for none matches no client's.
        switch conditions.evaluate(Validators(tag: tag ?? EntityTag("\0"), lastModified: date), isGet: true, now: now) {
        case .proceed: break
        case .notModified: becomeNotModified(hasTag: tag != nil)
        case .failed: self = HTTPError(412, "this isn't the version that the request asks for").response
        }
    }

    /// The client has the content, and what describes it (RFC 9110 §15.4.5).
    private mutating func becomeNotModified(hasTag: Bool) {
        status = 304
        body = .empty
        contentType = nil
        for name in ["Content-Type", "Content-Encoding", "Content-Language", "Content-Disposition"] { headers[name] = nil }
        if hasTag { headers["Last-Modified"] = nil }
    }
}
