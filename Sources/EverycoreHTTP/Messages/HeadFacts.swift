// What the parser has found out about one request, apart from its fields. Built on the stack,
// stored into the RequestHead once the whole head is sound. Runs in workers.

/// How the end of the content is known (RFC 9112 §6.3).
@usableFromInline package enum MessageFraming: Sendable, Equatable {
    /// No content.
    case none
    /// `Content-Length`, from 0 to 2⁶³−1.
    case length(UInt64)
    case chunked
}

/// RFC 9112 §3.2. Authority form belongs to CONNECT alone, which is refused.
@usableFromInline package enum TargetForm: UInt8, Sendable {
    case origin, absolute, asterisk
}

@usableFromInline package struct HeadFacts: Sendable {
    @usableFromInline package var method: Method = .other
    @usableFromInline package var targetForm: TargetForm = .origin
    /// 0 or 1: every HTTP/1.x above 1.1 is served as 1.1.
    @usableFromInline package var minorVersion: UInt8 = 1
    @usableFromInline package var keepAlive = false
    @usableFromInline package var expectContinue = false
    @usableFromInline package var hasUpgrade = false
    @usableFromInline package var hasQuery = false
    @usableFromInline package var hasAuthority = false
    @usableFromInline package var framing: MessageFraming = .none
    @usableFromInline package var headLength = 0
    @usableFromInline package var methodRange = ByteRange.empty
    @usableFromInline package var target = ByteRange.empty
    @usableFromInline package var path = ByteRange.empty
    @usableFromInline package var query = ByteRange.empty
    @usableFromInline package var authority = ByteRange.empty
    /// `Expect` asks for more than a 100 (Continue).
    @usableFromInline package var hasUnmetExpectation = false

    /// Whether content follows, be it empty when it is chunked.
    var hasContent: Bool { framing != .none && framing != .length(0) }

    package init() {}
}
