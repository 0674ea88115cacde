// What the protocol layer asks of whoever answers requests. Worker process, on the loop's thread; one per service.

/// Answers requests. The layer above implements it with a router.
package protocol Application: AnyObject {
    /// Takes a request whose head is complete, and returns its response or leads to one `respond` on the exchange.
    ///
    /// While this runs, the head points into the worker's input buffer; an exchange that is kept gets its own copy afterwards.
    func respond(to exchange: Exchange) -> Outcome
}

/// What became of a request when the application returned.
@frozen @usableFromInline package enum Outcome {
    /// A 200 with a text and a content type that are constants of the program: one copy, once laid out.
    case constant(type: StaticString, text: StaticString)
    /// The exchange has its response, or gets it later.
    case later
}

/// Why a body can't be had. The connection has answered the client already, or is gone.
package enum BodyFailure: Error {
    /// Longer than the limit (413).
    case tooLarge
    /// Malformed framing (400).
    case malformed
    /// The client ended it before its length, stalled, or went away.
    case incomplete
}
