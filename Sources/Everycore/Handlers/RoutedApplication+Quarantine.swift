// Requests that another process is to answer: what has killed workers goes to the quarantine worker, and from there all else comes back.
// Process: worker · Thread: loop, off the way of requests while nothing is quarantined

internal import Cluster
internal import EverycoreHTTP
internal import EverycoreLoop

extension RoutedApplication {
    /// How long a request may wait for the quarantine worker, in nanoseconds.
    private static let patience: UInt64 = 10_000_000_000

    /// What becomes of a request that is another process's to answer: it is diverted, or refused where that can't be. Nil for all others.
    @inline(never)
    func diverted<Exchange: RequestExchange>(_ endpoint: UInt64, _ exchange: Exchange) -> Outcome? {
        guard let quarantine else { return nil }
        let gate = quarantine.gate
        guard exchange.head.withPath({ gate.sendsAway(endpoint: endpoint, path: $0) }) else {
            let now = EventLoop.monotonicNanoseconds()
            guard gate.isInside, now &- min(exchange.start, now) > Self.patience else { return nil }
            return refused(exchange, quarantine)
        }
        if exchange.divert(to: quarantine.move) { return .later }
        // The quarantine worker can serve what isn't suspect as well.
        return gate.isInside ? nil : refused(exchange, quarantine)
    }

    private func refused<Exchange: RequestExchange>(_ exchange: Exchange, _ quarantine: Quarantine) -> Outcome {
        quarantine.refused()
        var error = HTTPError(503, "too many requests like this one wait")
        error.headers["Retry-After"] = "5"
        return refused(exchange, error)
    }
}
