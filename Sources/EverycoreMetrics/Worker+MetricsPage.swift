// The application's metrics for programs that bring their own server, without the admin's pages.
// Process: any child · Thread: loop

#if Metrics || TestPrograms
public import Cluster
internal import EverycoreStatistics

extension Worker {
    /// What `/metrics` says of the application's own metrics, summed over all processes as they are now: for an auxiliary that serves it with a
    /// server of its own. To be called on the loop.
    /// - Parameters:
    ///   - openMetrics: as OpenMetrics 1.0 (`application/openmetrics-text; version=1.0.0`), else as Prometheus' text format
    ///     (`text/plain; version=0.0.4`).
    ///   - done: called on the loop, once; with nil when the master hasn't answered within five seconds.
    public func metricsPage(openMetrics: Bool = false, _ done: @escaping (String?) -> Void) {
        requestMetrics { figures in
            done(figures.map { MetricsPage.text($0, as: openMetrics ? .openMetrics : .prometheus) })
        }
    }
}
#endif
