// Writes response heads: status line, Date, framing, persistence, the handler's fields. One per
// worker. What the request allows and what the response is decide the framing together
// (RFC 9112 §6.3, §9.6). Pure: appends to an OutputBuffer.

package struct ResponseEncoder: Sendable {
    /// What is known of the length of the content when the head is written.
    package enum Content: Sendable, Equatable {
        /// None at all; `Content-Length: 0` is sent where the status allows content.
        case none
        case length(UInt64)
        /// Chunked to 1.1, ended by the connection's end to 1.0.
        case unknownLength
    }

    /// What the request decides about its response.
    package struct Request: Sendable, Equatable {
        /// 0 or 1.
        package var minorVersion: Int
        package var isHead: Bool
        /// Whether the connection may go on after this response: the client's wish and the server's.
        package var keepsConnection: Bool

        package init(minorVersion: Int, isHead: Bool, keepsConnection: Bool) {
            self.minorVersion = minorVersion
            self.isHead = isHead
            self.keepsConnection = keepsConnection
        }
    }

    /// How the response goes on after its head.
    package struct Outcome: Sendable, Equatable {
        package enum Body: Sendable, Equatable {
            /// Nothing follows (HEAD, 1xx, 204, 304, 205).
            case omitted
            /// The bytes themselves.
            case identity
            /// Through `appendChunk` and `appendLastChunk`.
            case chunked
        }
        package let body: Body
        /// Whether the connection closes after this response.
        package let closes: Bool
    }

    /// A response that can't go on the wire; the client gets a 500, the log this.
    package enum Failure: Error, Sendable, Equatable, CustomStringConvertible {
        case statusOutOfRange(Int)
        case invalidFieldName(String)
        case invalidFieldValue(name: String)
        /// `Content-Length`, `Transfer-Encoding` and the like are the server's to write.
        case reservedField(String)

        package var description: String {
            switch self {
            case .statusOutOfRange(let status): "status \(status) is not between 100 and 599"
            case .invalidFieldName(let name): "the response field name \"\(name)\" is not a token"
            case .invalidFieldValue(let name): "the value of the response field \(name) has a control character"
            case .reservedField(let name): "the response field \(name) is written by the server, not by a handler"
            }
        }
    }

    /// - Parameter serverName: sent as `Server`, unless nil.
    package init(serverName: String? = nil) {}

    /// Makes the `Date` line anew if the second has changed. Call it once per turn of the loop.
    package mutating func updateDate(unixSeconds: Int64) {}

    /// Appends a response's head with its blank line. On an error the buffer is as it was.
    package func appendHead(
        status: Int,
        contentType: StaticString? = nil,
        fields: [(name: String, value: String)] = [],
        content: Content,
        for request: Request,
        to output: inout OutputBuffer
    ) throws(Failure) -> Outcome { throw .statusOutOfRange(status) }

    /// Appends `HTTP/1.1 100 Continue` with its blank line.
    package func appendContinue(to output: inout OutputBuffer) {}

    /// Appends one chunk; nothing when it is empty, since an empty chunk would end the body.
    package func appendChunk(_ bytes: RawSpan, to output: inout OutputBuffer) {}

    /// Ends a chunked body.
    package func appendLastChunk(to output: inout OutputBuffer) {}
}
