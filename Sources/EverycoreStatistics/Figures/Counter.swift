// The figures that one worker keeps beside its latency histogram, and how two values of one are joined.
// The raw value is the figure's word in the shared page and its place in a report: a change of the order or
// of the number of cases is a change of layout, so `Report.layoutVersion` goes up with it.
// Every process knows these; only a worker writes them.
// Process: any · Thread: loop

@usableFromInline package enum Counter: Int, CaseIterable, Sendable {
    /// Final responses sent, hence requests served.
    case requests
    case responses1xx
    case responses2xx
    case responses3xx
    case responses4xx
    case responses5xx
    case bytesIn
    case bytesOut
    case connectionsAccepted
    /// Accepted, and given to a sibling that had fewer; the sibling counts them as accepted.
    case connectionsHandedOver
    /// Received from a sibling, and sent on to another for want of a descriptor.
    case connectionsReturned
    /// Gauge.
    case connectionsOpen
    case latencySumNanoseconds
    case latencyMaxNanoseconds
    /// Reports that the kernel would not take, because the socket was full.
    case reportsRefused
    case parseFailures
    case timeoutsHeader
    case timeoutsBody
    case timeoutsIdle
    case timeoutsWrite
    case timeoutsHandler
    // How often each limit struck.
    case limitRequestLine
    case limitTarget
    case limitFieldLine
    case limitHeaderSection
    case limitFieldCount
    case limitBody
    case limitBodyRate
    case limitChunkExtensions
    case limitTrailerSection
    case limitRequestsPerConnection
    case limitConnections
    case messagesSent
    case messagesReceived
    /// Messages that found the queue full.
    case messagesRefused
    /// Messages that arrived and reached no handler.
    case messagesUndecodable
    /// The two above on the master's side of this worker's channel; the only words that the master writes.
    case messagesRefusedByMaster
    case messagesUndecodableByMaster
    /// Lines left for the access log's writer.
    case accessLogLines
    /// Lines of the access log that found no room, or that its writer had to give up.
    case accessLogLost
    /// Gauge.
    case residentBytes
    /// The monotonic clock's reading when the worker began.
    case startedAtNanoseconds

    /// The number of figures, a constant of the layout.
    package static let count = Counter.startedAtNanoseconds.rawValue + 1

    /// The five status classes, `1xx` first.
    package static let statusClasses: [Counter] = [
        .responses1xx, .responses2xx, .responses3xx, .responses4xx, .responses5xx,
    ]

    /// What a figure's value means over time, which decides how it is merged and what a retirement leaves of it.
    package enum Kind: Sendable {
        /// Only grows; sums over workers.
        case cumulative
        /// Goes up and down; sums over workers and vanishes with its worker.
        case gauge
        /// Only grows; the greatest of all workers'.
        case maximum
        /// A point in time; the earliest of all workers', and vanishes with its worker.
        case instant
    }

    package var kind: Kind {
        switch self {
        case .connectionsOpen, .residentBytes: .gauge
        case .latencyMaxNanoseconds: .maximum
        case .startedAtNanoseconds: .instant
        default: .cumulative
        }
    }
}
