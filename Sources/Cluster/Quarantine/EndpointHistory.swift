// What endpoints did in the last minute: how many requests each answered, and how often it was in flight while its worker was well.
// A pure value of the master, fed once a second with what workers leave in shared memory. Bounded, whatever they leave there.
// Process: master · Thread: loop

internal import EverycoreStatistics

/// All times are monotonic nanoseconds.
package struct EndpointHistory {
    private struct Span {
        var answered: [UInt64: UInt64] = [:]
        var total: UInt64 = 0
        var inFlight: [UInt64: Int] = [:]
        var samples = 0
    }

    private static let spanLength: UInt64 = 10_000_000_000
    private static let spanCount = 6
    /// Endpoints that are counted one by one.
    private static let capacity = 1024
    /// Fewer samples say nothing of what is usual.
    private static let fewestSamples = 5

    private var spans: [Span] = [Span()]
    private var begin: UInt64 = 0

    package init() {}

    /// A worker answered so many more requests, those of its endpoints among them.
    package mutating func answered(_ counts: [UInt64: UInt64], total: UInt64, now: UInt64) {
        turn(to: now)
        for (endpoint, count) in counts where spans[0].answered[endpoint] != nil || spans[0].answered.count < Self.capacity {
            spans[0].answered[endpoint] = (spans[0].answered[endpoint] ?? 0).addingUpToLimit(count)
        }
        let known = counts.values.reduce(UInt64(0)) { $0.addingUpToLimit($1) }
        spans[0].total = spans[0].total.addingUpToLimit(max(total, known))
    }

    /// A worker that was well had requests of these endpoints in flight.
    package mutating func sampled(_ endpoints: Set<UInt64>, now: UInt64) {
        turn(to: now)
        spans[0].samples += 1
        for endpoint in endpoints where spans[0].inFlight[endpoint] != nil || spans[0].inFlight.count < Self.capacity {
            spans[0].inFlight[endpoint] = (spans[0].inFlight[endpoint] ?? 0) + 1
        }
    }

    /// The endpoint that answered more than half of all requests.
    package mutating func dominant(now: UInt64) -> UInt64? {
        turn(to: now)
        let total = spans.reduce(UInt64(0)) { $0.addingUpToLimit($1.total) }
        var sums: [UInt64: UInt64] = [:]
        for span in spans { sums.merge(span.answered) { $0.addingUpToLimit($1) } }
        return sums.first { $0.value > total / 2 }?.key
    }

    /// Of these endpoints, those that were in flight in more than a quarter of the samples; all of them where too few were taken.
    package mutating func usual(among endpoints: Set<UInt64>, now: UInt64) -> Set<UInt64> {
        turn(to: now)
        let samples = spans.reduce(0) { $0 + $1.samples }
        guard samples >= Self.fewestSamples else { return endpoints }
        return endpoints.filter { endpoint in spans.reduce(0) { $0 + ($1.inFlight[endpoint] ?? 0) } * 4 > samples }
    }

    /// The endpoints that have answered anything.
    package mutating func answeredEndpoints(now: UInt64) -> Set<UInt64> {
        turn(to: now)
        return spans.reduce(into: []) { set, span in set.formUnion(span.answered.filter { $0.value > 0 }.keys) }
    }

    private mutating func turn(to now: UInt64) {
        let steps = now.subtractingDownToZero(begin) / Self.spanLength
        guard steps > 0 else { return }
        begin = begin.addingUpToLimit(steps &* Self.spanLength)
        for _ in 0..<min(steps, UInt64(Self.spanCount)) { spans.insert(Span(), at: 0) }
        spans.removeLast(max(spans.count - Self.spanCount, 0))
    }
}
