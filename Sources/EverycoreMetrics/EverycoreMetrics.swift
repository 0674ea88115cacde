// The factory of swift-metrics. Series and their places are Series.swift's, counting is Handlers.swift's.
// Process: any · Thread: any

#if Metrics || TestPrograms
internal import Cluster
public import CoreMetrics
internal import EverycoreStatistics

/// Counts the metrics of swift-metrics in pages that every worker shares with the master, and shows their sums on the admin's `/metrics` and
/// `/stats`.
///
/// ```swift
/// MetricsSystem.bootstrap(EverycoreMetrics())
/// try Server { routes in
///     let orders = Counter(label: "shop.orders", dimensions: [("country", "fr")])
///     routes.post("/orders") { _ in
///         orders.increment()
///         return .text("ordered\n")
///     }
/// }
/// .run()
/// ```
///
/// Make it before `run()`, in the process that becomes the master. Counters and handlers may be made before the fork, too: each worker counts
/// with them for itself. What a worker has counted stays in the sums when it dies, by `kill -9` too, is reloaded or upgraded; its gauges vanish
/// with it.
///
/// A process can have 4,096 series, and all processes together 16,384, each with at most 510 bytes of label and dimensions. More are refused:
/// their handlers count nothing, `/metrics` says how many they are, and the log names the first.
public struct EverycoreMetrics: MetricsFactory {
    /// How the gauges of several processes become one.
    public enum Merge: Sendable, Hashable {
        /// Added: connections, queued jobs. The default.
        case sum
        /// The lowest.
        case minimum
        /// The highest.
        case maximum
        /// The one that was set last.
        case latest
    }

    private let gauges: [String: GaugeMerge]

    /// - Parameter gauges: by their labels, how gauges become one that are not to be added.
    public init(gauges: [String: Merge] = [:]) {
        self.gauges = gauges.mapValues { merge in
            switch merge {
            case .sum: .sum
            case .minimum: .minimum
            case .maximum: .maximum
            case .latest: .latest
            }
        }
        SeriesTable.shared.open()
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        SeriesTable.shared.handler(.counter, label, dimensions) { CountHandler($0) }
    }

    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        SeriesTable.shared.handler(.floatingCounter, label, dimensions) { FloatingCountHandler($0) }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { gauge(label, dimensions) }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        guard aggregate else { return gauge(label, dimensions) }
        return SeriesTable.shared.handler(.recorder, label, dimensions) { DistributionHandler($0) }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        SeriesTable.shared.handler(.timer, label, dimensions) { TimeHandler($0) }
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeHandler {
        let merge = gauges[label] ?? .sum
        return SeriesTable.shared.handler(.gauge, label, dimensions, merge: merge) { GaugeHandler($0, isTimed: merge == .latest) }
    }

    // A destroyed series vanishes from the pages when no process has it any more. Made again it begins at zero.

    public func destroyCounter(_ handler: any CounterHandler) { destroy(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { destroy(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { destroy(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { destroy(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { destroy(handler) }

    private func destroy(_ handler: AnyObject) { if let handler = handler as? SeriesHandler { SeriesTable.shared.destroy(handler) } }
}
#else
/// The package's trait `Metrics` is off: `.package(…, traits: ["Metrics"])` turns it on.
@available(*, unavailable, message: "turn on the trait Metrics of the package everycore: .package(…, traits: [\"Metrics\"])")
public struct EverycoreMetrics {}
#endif
