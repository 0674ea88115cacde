// What the protocol layer asks of whoever answers requests. Worker process, on the loop's thread; one per service.

/// Answers requests. The layer above implements it with a router.
package protocol Application: AnyObject {
    /// Takes a request whose head is complete. Leads to exactly one `respond` on the exchange, now or later.
    ///
    /// While this runs, the head points into the worker's input buffer; an exchange that is kept gets its own copy afterwards.
    func receive(_ exchange: Exchange)
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

/// Times after which a connection is given up, in nanoseconds; 0 turns one off.
package struct ConnectionTimeouts: Sendable {
    /// From the first chance to send a head to its end: 408.
    package var header: UInt64 = 10_000_000_000
    /// Between two pieces of a body: 408.
    package var body: UInt64 = 30_000_000_000
    /// Between two requests of a kept connection: closed in silence.
    package var idle: UInt64 = 60_000_000_000
    /// Between two steps of progress of a response that the client reads: closed.
    package var write: UInt64 = 30_000_000_000
    /// From a complete request to its answer: 503.
    package var handler: UInt64 = 30_000_000_000

    package init() {}

    /// How often deadlines are looked at: a quarter of the shortest, 10 ms to 1 s.
    var sweepInterval: Duration {
        let shortest = [header, body, idle, write, handler].filter { $0 > 0 }.min() ?? 4_000_000_000
        return .nanoseconds(Int64(clamping: max(10_000_000, min(shortest / 4, 1_000_000_000))))
    }
}
