// Why a request is not served, as the client may read it. Made by the parsers in a worker,
// answered by the connection. The reason is fixed text: nothing of the request is in it.

package import EverycoreStatistics

@usableFromInline package struct Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    package let status: Int
    /// One short sentence without a full stop, safe to send to the client.
    package let reason: StaticString
    /// Whether the connection ends with the answer. False only where the end of the message is
    /// certain, so that the next request can be read after the body is consumed.
    package let closes: Bool
    /// The figure of the limit that struck, where one did.
    package let limit: Counter?

    package init(_ status: Int, _ reason: StaticString, closes: Bool = true, limit: Counter? = nil) {
        self.status = status
        self.reason = reason
        self.closes = closes
        self.limit = limit
    }

    @usableFromInline package static func == (left: Refusal, right: Refusal) -> Bool {
        left.status == right.status && left.closes == right.closes
            && left.reason.description == right.reason.description
    }

    @usableFromInline package var description: String { "\(status): \(reason)" }

    static func badRequest(_ reason: StaticString) -> Refusal { Refusal(400, reason) }
}

extension Refusal {
    /// For the connection: content longer than the limit that applies. RFC 9110 §15.5.14.
    package static let contentTooLarge = Refusal(
        413, "the content is longer than this server accepts", limit: .limitBody)
    static let extensionsTooLong = Refusal(400, "the chunk extensions are too long", limit: .limitChunkExtensions)
    /// For the connection: the head or the content did not arrive in time. RFC 9110 §15.5.9.
    package static let timeout = Refusal(408, "the request did not arrive in time")
}
