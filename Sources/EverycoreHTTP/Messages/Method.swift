// The request methods that the server knows (RFC 9110 §9, RFC 5789). Compared as bytes, case
// counts. Runs in workers.

@usableFromInline package enum Method: UInt8, Sendable, CaseIterable {
    case get, head, post, put, delete, patch, options, trace, connect
    /// A token that is none of these; its bytes are at `RequestHead.methodRange`. The application knows whether a route has it.
    case other

    /// The name on the wire; empty for `.other`.
    package var name: StaticString {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .patch: "PATCH"
        case .options: "OPTIONS"
        case .trace: "TRACE"
        case .connect: "CONNECT"
        case .other: ""
        }
    }
}
