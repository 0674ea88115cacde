// An error for the client: thrown by a handler to refuse a request, and used by the server itself.
//
// Made in the workers. Its message goes on the wire; any other error's text goes to the log only.

/// An error whose status and message are sent to the client, as `text/plain`.
///
/// ```swift
/// guard let user = users[id] else { throw HTTPError(404, "no user \(id)") }
/// ```
public struct HTTPError: Error, Sendable, CustomStringConvertible {
    /// 400…599. Anything else becomes a 500 and a line in the log.
    public let status: Int
    public let message: String
    /// Further fields of the response: `Retry-After`, `WWW-Authenticate`.
    public var headers = Headers()

    /// - Parameters:
    ///   - status: 400…599.
    ///   - message: what was wrong, without a full stop; the status' own phrase when it is left out.
    public init(_ status: Int, _ message: String = "") {
        self.status = status
        self.message = message.isEmpty ? Self.phrase(status) : message
    }

    public var description: String { "\(status) \(message)" }

    package var response: Response {
        var response = Response(status: status, contentType: .plain, body: .text(message + "\n"))
        response.headers = headers
        return response
    }

    private static func phrase(_ status: Int) -> String {
        switch status {
        case 400: "bad request"
        case 401: "authentication required"
        case 403: "forbidden"
        case 404: "nothing here"
        case 405: "this method isn't offered here"
        case 406: "not acceptable"
        case 409: "conflict"
        case 410: "gone"
        case 413: "the body is too large"
        case 415: "this media type isn't understood here"
        case 422: "the content can't be processed"
        case 429: "too many requests"
        case 500: "the server failed to answer this request"
        case 501: "this server doesn't know the method"
        case 503: "not available at the moment"
        default: status < 500 ? "the request was refused" : "the server failed to answer this request"
        }
    }
}
