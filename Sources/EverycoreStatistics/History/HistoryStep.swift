// One step of the history: what the whole cluster did in one second, ten seconds or a minute, as sixteen words.
// Percentiles are those of the step's own requests: a step is the difference of two cumulative snapshots, so that the histogram behind a
// rougher step is the merged one of its seconds, and nothing is ever averaged.
// Process: master, admin · Thread: loop

package struct HistoryStep: Equatable, Sendable {
    /// When the step ended, in milliseconds since 1970.
    package var unixMilliseconds: UInt64 = 0
    package var nanoseconds: UInt64 = 0
    package var requests: UInt64 = 0
    /// By status class, `1xx` first.
    package var responses = [UInt64](repeating: 0, count: 5)
    package var bytesIn: UInt64 = 0
    package var bytesOut: UInt64 = 0
    package var connectionsAccepted: UInt64 = 0
    /// At the step's end.
    package var connectionsOpen: UInt32 = 0
    package var workersReady: UInt16 = 0
    package var workersWanted: UInt16 = 0
    /// p50, p90, p99 and p99.9 in nanoseconds; zeros without a request.
    package var percentiles = [UInt64](repeating: 0, count: 4)

    package static let wordCount = 16
    static let percents = [50, 90, 99, 99.9]

    package init() {}

    /// What was added between two moments.
    package init(of figures: ClusterFigures, since earlier: FigureSnapshot, unixMilliseconds: UInt64, nanoseconds: UInt64) {
        let difference = figures.total.minus(earlier)
        self.unixMilliseconds = unixMilliseconds
        self.nanoseconds = nanoseconds
        requests = difference[.requests]
        responses = Counter.statusClasses.map { difference[$0] }
        bytesIn = difference[.bytesIn]
        bytesOut = difference[.bytesOut]
        connectionsAccepted = difference[.connectionsAccepted]
        connectionsOpen = UInt32(clamping: figures.total[.connectionsOpen])
        workersReady = UInt16(clamping: figures.workers(in: .ready))
        workersWanted = UInt16(clamping: figures.wantedWorkers)
        percentiles = difference.histogram.percentiles(Self.percents)
    }

    /// - Parameter words: sixteen; missing ones are zeros.
    package init(words: [UInt64]) {
        let word = { (index: Int) in words.indices.contains(index) ? words[index] : 0 }
        unixMilliseconds = word(0)
        nanoseconds = word(1)
        requests = word(2)
        responses = (3...7).map(word)
        bytesIn = word(8)
        bytesOut = word(9)
        connectionsAccepted = word(10)
        connectionsOpen = UInt32(truncatingIfNeeded: word(11))
        workersReady = UInt16(truncatingIfNeeded: word(11) >> 32)
        workersWanted = UInt16(truncatingIfNeeded: word(11) >> 48)
        percentiles = (12...15).map(word)
    }

    package var words: [UInt64] {
        let gauges = UInt64(connectionsOpen) | UInt64(workersReady) << 32 | UInt64(workersWanted) << 48
        return [unixMilliseconds, nanoseconds, requests] + responses + [bytesIn, bytesOut, connectionsAccepted, gauges] + percentiles
    }

    /// Per second; zero for a step of no length.
    package func rate(_ count: UInt64) -> Double { nanoseconds == 0 ? 0 : Double(count) / Double(nanoseconds) * 1e9 }
}

/// How far back the history goes, and how finely.
package enum HistorySpan: String, CaseIterable, Sendable {
    case fiveMinutes = "5m"
    case hour = "1h"
    case day = "24h"

    package var stepMilliseconds: UInt64 {
        switch self {
        case .fiveMinutes: 1000
        case .hour: 10_000
        case .day: 60_000
        }
    }

    /// So many steps are kept.
    package var capacity: Int {
        switch self {
        case .fiveMinutes: 300
        case .hour: 360
        case .day: 1440
        }
    }
}

extension LatencyHistogram {
    package func percentiles(_ percents: [Double]) -> [UInt64] { percents.map(percentile) }
}
