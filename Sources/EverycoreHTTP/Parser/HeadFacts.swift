// What the parser has found out about one request, apart from its fields. Built on the stack,
// stored into the RequestHead once the whole head is sound. Runs in workers.

/// How the end of the content is known (RFC 9112 §6.3).
package enum MessageFraming: Sendable, Equatable {
    /// No content.
    case none
    /// `Content-Length`, from 0 to 2⁶³−1.
    case length(UInt64)
    case chunked
}

/// RFC 9112 §3.2. Authority form belongs to CONNECT alone, which is refused.
package enum TargetForm: UInt8, Sendable {
    case origin, absolute, asterisk
}

package struct HeadFacts: Sendable {
    package var method: Method = .other
    package var targetForm: TargetForm = .origin
    /// 0 or 1: every HTTP/1.x above 1.1 is served as 1.1.
    package var minorVersion: UInt8 = 1
    package var keepAlive = false
    package var expectContinue = false
    package var hasUpgrade = false
    package var hasQuery = false
    package var hasAuthority = false
    package var framing: MessageFraming = .none
    package var headLength = 0
    package var methodRange = ByteRange.empty
    package var target = ByteRange.empty
    package var path = ByteRange.empty
    package var query = ByteRange.empty
    package var authority = ByteRange.empty
    package var refusal: Refusal?

    package init() {}
}
