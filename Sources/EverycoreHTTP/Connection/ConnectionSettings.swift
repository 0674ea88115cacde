// How long connections may take and how much they may ask for. Set once per service; plain values.

/// Times after which a connection is given up, in nanoseconds; 0 turns one off.
package struct ConnectionTimeouts: Sendable {
    /// From the first chance to send a head to its end: 408.
    package var header: UInt64 = 10_000_000_000
    /// Between two pieces of a body: 408.
    package var body: UInt64 = 30_000_000_000
    /// Between two requests of a kept connection: closed in silence. Longer than the 60 s for which proxies and load balancers keep
    /// connections by default: the end then comes from the side that has the information whether a request was sent.
    package var idle: UInt64 = 75_000_000_000
    /// Between two looks at whether the client still reads its response, fast enough (`bodyMinimumRate`): closed if not.
    package var write: UInt64 = 30_000_000_000
    /// From a complete request to its answer: 503.
    package var handler: UInt64 = 30_000_000_000
    /// From the last sign of life of a client's host to the end of its connection. Keep-alive probes ask for one after half of it.
    package var peer: UInt64 = 60_000_000_000

    package init() {}

    /// How often deadlines are looked at: a quarter of the shortest, 10 ms to 1 s.
    var sweepNanoseconds: UInt64 {
        let shortest: UInt64 = [header, body, idle, write, handler].filter { $0 > 0 }.min() ?? 4_000_000_000
        return max(10_000_000, min(shortest / 4, 1_000_000_000))
    }
}

/// What connections may use, beside the lengths in `HTTPLimits`; 0 sets no bound.
package struct ConnectionLimits: Sendable {
    /// Requests on one connection; the answer to the last one closes it.
    package var requestsPerConnection = 0
    /// Open connections of one worker. At the bound, new ones wait in the listener's queue.
    package var connections = 0
    /// In bytes per second: the average at which content must arrive after a grace of five seconds (408), and at which a response
    /// that doesn't fit into the socket's buffer must be read in each `write` time (closed).
    package var bodyMinimumRate: UInt64 = 240
    /// In bytes, of one worker: content that hasn't come whole (408) and answers that aren't taken (reset), together. Beyond it the slowest
    /// clients are given up, but none in its first second, and none that moves a MiB a second.
    package var heldMemory: UInt64 = 0

    package init() {}
}
