// Requests that another process is to answer: what has killed workers goes to the quarantine worker, and from there all else comes back.
// Process: worker · Thread: loop, off the way of requests while nothing is quarantined

internal import Cluster
internal import EverycoreHTTP
internal import EverycoreLoop

extension RoutedApplication {
    /// How long a request may wait for the quarantine worker, in nanoseconds.
    private static let patience: UInt64 = 10_000_000_000

    /// Whether the request is another process's to answer, or was refused because that can't be.
    @inline(never)
    func isDiverted<Exchange: RequestExchange>(_ endpoint: UInt64, _ exchange: Exchange) -> Bool {
        guard let quarantine else { return false }
        let gate = quarantine.gate
        guard exchange.head.withPath({ gate.sendsAway(endpoint: endpoint, path: $0) }) else {
            guard gate.isInside, EventLoop.monotonicNanoseconds() &- min(exchange.start, EventLoop.monotonicNanoseconds()) > Self.patience
            else { return false }
            refuse(exchange, quarantine)
            return true
        }
        if exchange.divert(to: quarantine.move) { return true }
        // The quarantine worker can serve what isn't suspect as well.
        guard !gate.isInside else { return false }
        refuse(exchange, quarantine)
        return true
    }

    private func refuse<Exchange: RequestExchange>(_ exchange: Exchange, _ quarantine: Quarantine) {
        quarantine.refused()
        var error = HTTPError(503, "too many requests like this one wait")
        error.headers["Retry-After"] = "5"
        refuse(exchange, error)
    }
}
