// What the protocol layer asks of the layer above. One application per service.
// Process: worker · Thread: loop

/// Answers requests. The layer above implements it with a router.
package protocol Application: AnyObject {
    /// Takes a request whose head is complete, and returns its response, or says that it comes later through the exchange.
    ///
    /// While this runs, the head points into the worker's input buffer; an exchange that is kept gets its own copy afterwards. The
    /// exchange only records calls made meanwhile; the connection applies them when this has returned.
    func respond(to exchange: Exchange) -> Outcome
}

/// What became of a request when the application returned.
package enum Outcome {
    /// A 200 with a text and a content type that are constants of the program: one copy, once laid out.
    case constant(type: StaticString, text: StaticString)
    /// A 200 that was laid out before.
    case whole(WholeResponse)
    case response(CheckedResponse)
    /// The exchange has noted a response, or gets one later.
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
