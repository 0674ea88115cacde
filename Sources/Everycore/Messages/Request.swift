// A request as a handler sees it: a view of the head, which the connection owns, and the collected body.
//
// Made in the workers, once per request. Nothing becomes a String before it is asked for. A caller that keeps a
// request beyond its handler keeps the head: the connection then gives it bytes of its own.

package import EverycoreHTTP
public import HTTPTypes

/// A request. It belongs to the worker's loop and is not Sendable.
public struct Request {
    /// Keeps the head alive and out of reuse, and is the one reference that a request costs.
    private let keeper: AnyObject
    private unowned(unsafe) let unownedHead: RequestHead
    /// The exchange keeps the application, and that the context.
    private unowned(unsafe) let unownedContext: WorkerContext
    /// Nil for most requests, which therefore cost one reference.
    private let details: Details?

    private final class Details {
        let parameterNames: [String]
        let captures: [Range<Int>]
        let body: [UInt8]
        let trailers: Trailers
        /// Where the handler takes the content as it comes.
        let source: BodySource?

        init(parameterNames: [String], captures: [Range<Int>], body: [UInt8], trailers: Trailers, source: BodySource?) {
            self.parameterNames = parameterNames
            self.captures = captures
            self.body = body
            self.trailers = trailers
            self.source = source
        }
    }

    /// A request without parameters and without content.
    /// - Parameter keeper: owns the head, and keeps the context, for as long as it lives itself.
    package init(head: RequestHead, keptBy keeper: AnyObject, context: WorkerContext) {
        self.keeper = keeper
        unsafe unownedHead = head
        unsafe unownedContext = context
        details = nil
    }

    /// - Parameter keeper: owns the head, and keeps the context, for as long as it lives itself.
    package init(
        head: RequestHead, keptBy keeper: AnyObject, context: WorkerContext,
        parameterNames: [String], captures: [Range<Int>], body: [UInt8], trailers: Trailers = Trailers()
    ) {
        self.keeper = keeper
        unsafe unownedHead = head
        unsafe unownedContext = context
        details = Details(parameterNames: parameterNames, captures: captures, body: body, trailers: trailers, source: nil)
    }

    /// The same request, whose content comes from `source`.
    init(_ request: Request, contentFrom source: BodySource) {
        keeper = request.keeper
        unsafe unownedHead = request.head
        unsafe unownedContext = request.context
        let details = request.details
        self.details = Details(
            parameterNames: details?.parameterNames ?? [], captures: details?.captures ?? [], body: [], trailers: Trailers(), source: source)
    }

    /// The content, complete. Empty where the request has none.
    public var body: RequestBody { RequestBody(details?.body ?? []) }

    /// The fields that came after a chunked content (RFC 9110 §6.5): complete with a content that is complete, empty until a
    /// handler that streams has read it to its end. Fields that frame, route or authorise a request are never among them.
    public var trailers: HTTPFields {
        var fields = HTTPFields()
        for (name, value) in (details?.source?.trailers ?? details?.trailers ?? Trailers()).fields {
            if let name = HTTPField.Name(name) { fields.append(HTTPField(name: name, value: value)) }
        }
        return fields
    }

    package var head: RequestHead { unsafe unownedHead }
    package var context: WorkerContext { unsafe unownedContext }

    /// The values of the `:name` and `*rest` segments of the route's pattern.
    public var parameters: PathParameters {
        PathParameters(request: self, names: details?.parameterNames ?? [], values: details?.captures ?? [])
    }

    /// The method; `GET` handlers see `HEAD` here where they answer one.
    public var method: HTTPRequest.Method {
        switch head.method {
        case .get: .get
        case .head: .head
        case .post: .post
        case .put: .put
        case .delete: .delete
        case .patch: .patch
        case .options: .options
        case .trace: .trace
        case .connect: .connect
        case .other: HTTPRequest.Method(head.methodName) ?? .get
        }
    }

    /// The path as it was sent, percent-encoded, without the query.
    public var path: String { head.path }

    /// The path's bytes as they were sent, for the duration of the closure.
    public func withPathBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try head.withPath(body)
    }

    /// What follows the path's `?`, percent-encoded; nil where there is none.
    public var query: String? { head.query }

    /// The authority of an absolute target, else the value of `Host`; nil if neither exists.
    public var authority: String? { head.authority }

    /// The first value under a name, in any case; nil where there is none. Fields that `Connection` names don't count:
    /// they are meant for the connection (RFC 9110 §7.6.1). Bytes that aren't UTF-8 come as U+FFFD.
    public func header(_ name: String) -> String? { head.value(of: name) }

    /// All values under a name, in the order in which they came.
    public func headers(_ name: String) -> [String] { head.values(of: name) }

    /// The header section as HTTPTypes has it, made anew at each call.
    public var headerFields: HTTPFields {
        var fields = HTTPFields()
        for index in 0..<head.fieldCount {
            guard let field = head.field(at: index), !field.isHopByHop,
                let name = HTTPField.Name(head.string(of: field.name))
            else { continue }
            fields.append(HTTPField(name: name, value: head.string(of: field.value)))
        }
        return fields
    }

    /// The client's connection, once the handler has waited for something; nil before, and when the client is gone.
    package var connectionDescriptor: Int32? { (keeper as? Exchange)?.connectionDescriptor }

    /// The worker that handles the request.
    public var worker: WorkerIdentity { context.worker }
}

/// A request's content.
public struct RequestBody: Sendable {
    public let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }
    package static var empty: RequestBody { RequestBody([]) }

    public var isEmpty: Bool { bytes.isEmpty }
    public var count: Int { bytes.count }

    /// The content as text; bytes that aren't UTF-8 come as U+FFFD.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// The content's bytes, for the duration of the closure.
    public func withBytes<Result, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(bytes.span.bytes)
    }
}
