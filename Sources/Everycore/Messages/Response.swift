// A handler's response: status, header fields, body.
//
// Made in the workers, once per request. A response of constants allocates nothing, and no reference is counted when it is copied or
// dropped: its content type and its body are StaticStrings. All that others have more is in one object.

public import HTTPTypes

/// A handler's answer to a request.
///
/// ```swift
/// routes.get("/hello/:name") { request in
///     .text("Hello, \(request.parameters["name"] ?? "stranger")")
/// }
/// ```
///
/// The server adds `Date`, unless the handler sets one, and `Connection`; a handler's `Connection: close` is honoured. Only the server sets
/// the framing: a response of a handler with `Content-Length`, `Transfer-Encoding` or `Keep-Alive` becomes a 500. All other fields are the
/// handler's. A 200 to GET or HEAD with an `ETag` or a `Last-Modified` becomes a 304 or a 412 if the request's conditions say so
/// (RFC 9110 §13.2.2).
public struct Response: Sendable {
    /// The body's bytes, wherever they come from.
    package enum Body: Sendable {
        case empty
        /// What a 304 leaves out, where it is never coded: a file's bytes.
        case unsent
        case constant(StaticString)
        case text(String)
        case bytes([UInt8])
        /// Parts of an open file, or all of it.
        case file(FileContent)
        /// In memory of its own: a response that is small enough is passed in registers.
        indirect case stream(StreamedContent)
    }

    /// The status code, 200…599. Anything else becomes a 500 and a line in the log.
    public var status: Int
    private var constantType: StaticString
    private var constantText: StaticString
    /// Nil where the response is its status and the two constants.
    private var details: Details?

    /// Copied before it is changed, where another response has it too.
    private final class Details: @unchecked Sendable {
        var headers: Headers
        var contentType: ContentType?
        var body: Body

        init(headers: Headers, contentType: ContentType?, body: Body) {
            self.headers = headers
            self.contentType = contentType
            self.body = body
        }
    }

    private mutating func ownDetails() -> Details {
        if isKnownUniquelyReferenced(&details), let details { return details }
        let own = Details(headers: headers, contentType: contentType, body: body)
        details = own
        return own
    }

    /// The header fields; a `Content-Type` among them replaces the body's own. Names and
    /// values are checked when the response is sent: one that HTTP doesn't allow makes the response a 500, and the log
    /// says why (RFC 9110 §5.5).
    public var headers: Headers {
        get { details?.headers ?? Headers() }
        _modify { yield &ownDetails().headers }
    }

    package var contentType: ContentType? {
        get { details.map(\.contentType) ?? .constant(constantType) }
        set { ownDetails().contentType = newValue }
    }

    package var body: Body {
        get { details?.body ?? .constant(constantText) }
        set { ownDetails().body = newValue }
    }

    /// The content type and the text of a 200 that has nothing else.
    var constants: (type: StaticString, text: StaticString)? {
        @inline(__always) get { details == nil && status == 200 ? (constantType, constantText) : nil }
    }

    @inline(__always)
    package init(status: Int = 200, contentType: ContentType? = nil, body: Body = .empty) {
        self.status = status
        if case .constant(let type)? = contentType, case .constant(let text) = body {
            (constantType, constantText, details) = (type, text, nil)
        } else {
            (constantType, constantText) = ("", "")
            details = Details(headers: Headers(), contentType: contentType, body: body)
        }
    }

    /// The fields as `HTTPFields`, which can't hold fields that HTTP doesn't allow.
    public var headerFields: HTTPFields {
        get {
            var fields = headers.httpFields
            if let contentType { fields[.contentType] = contentType.description }
            return fields
        }
        set {
            contentType = nil
            headers = Headers()
            for field in newValue { headers.add(field.name.rawName, field.value) }
        }
    }

    /// This response with one more field.
    public consuming func header(_ name: String, _ value: String) -> Response {
        headers.add(name, value)
        return self
    }

    /// This response with another status.
    public consuming func status(_ status: Int) -> Response {
        self.status = status
        return self
    }
}

/// A media type: a constant for the usual ones, text for others.
package enum ContentType: Sendable, Equatable, CustomStringConvertible {
    case constant(StaticString)
    case text(String)

    package static let plain = ContentType.constant("text/plain; charset=utf-8")
    package static let html = ContentType.constant("text/html; charset=utf-8")
    package static let json = ContentType.constant("application/json")

    package var description: String {
        switch self {
        case .constant(let name): name.description
        case .text(let name): name
        }
    }

    package static func == (left: ContentType, right: ContentType) -> Bool { left.description == right.description }
}

extension Response {
    /// A constant text: `text/plain; charset=utf-8`. Allocates nothing.
    public static func text(_ text: StaticString) -> Response {
        Response(contentType: .constant("text/plain; charset=utf-8"), body: .constant(text))
    }

    /// A text: `text/plain; charset=utf-8`.
    @_disfavoredOverload
    public static func text(_ text: String) -> Response { Response(contentType: .plain, body: .text(text)) }

    /// Constant JSON, sent as it stands. Allocates nothing.
    public static func json(_ text: StaticString) -> Response {
        Response(contentType: .constant("application/json"), body: .constant(text))
    }

    /// A constant page: `text/html; charset=utf-8`. Allocates nothing.
    public static func html(_ text: StaticString) -> Response {
        Response(contentType: .constant("text/html; charset=utf-8"), body: .constant(text))
    }

    /// A page: `text/html; charset=utf-8`.
    @_disfavoredOverload
    public static func html(_ text: String) -> Response { Response(contentType: .html, body: .text(text)) }

    /// Bytes with a media type.
    public static func bytes(_ bytes: [UInt8], contentType: String = "application/octet-stream") -> Response {
        Response(contentType: .text(contentType), body: .bytes(bytes))
    }

    /// A status without a body.
    public static func empty(_ status: Int = 204) -> Response { Response(status: status) }

    /// Redirects the client (RFC 9110 §15.4). 303 makes it a GET, 307 and 308 keep the method.
    public static func redirect(to location: String, status: Int = 303) -> Response {
        Response(status: status).header("Location", location)
    }
}
