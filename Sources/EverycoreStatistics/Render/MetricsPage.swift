// `/metrics`: everything for Prometheus. Served by the admin worker.
// The cluster's series and the workers' are families of their own, so that a sum over one counts nothing twice. Workers are told
// apart by their slot: pids and generations are never used again, and as labels would make new series for ever.
// Process: master, admin · Thread: loop

package enum MetricsPage {
    /// The histogram's bounds in nanoseconds, 10 µs to 60 s.
    package static let latencyBounds: [UInt64] = [
        10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 30_000_000_000, 60_000_000_000,
    ]

    /// - Parameter metrics: the application's own, where it counts any.
    package static func text(
        _ cluster: ClusterFigures, server: ServerIdentity, metrics: MetricsFigures? = nil, as format: MetricsFormat = .prometheus
    ) -> String {
        collect(cluster, server: server, metrics: metrics).text(as: format)
    }

    /// The application's own metrics alone.
    package static func text(_ metrics: MetricsFigures, as format: MetricsFormat) -> String {
        var page = PrometheusWriter()
        write(metrics, to: &page)
        return page.text(as: format)
    }

    package static func collect(_ cluster: ClusterFigures, server: ServerIdentity, metrics: MetricsFigures? = nil) -> PrometheusWriter {
        var page = PrometheusWriter()
        writeServer(cluster, server, to: &page)
        for family in Family.all {
            page.family("everycore_\(family.name)", family.kind, family.help)
            for series in family.series {
                page.sample("everycore_\(family.name)", series.labels, cluster.total[series.counter])
            }
        }
        page.family(
            "everycore_request_duration_seconds", .histogram,
            "Time that requests took, over all workers.")
        page.histogram(
            "everycore_request_duration_seconds", cluster.total.histogram, bounds: latencyBounds, exemplars: slowestWorkers(cluster))
        writeProcesses(cluster, to: &page)
        writeQuarantine(cluster, to: &page)
        writeReports(cluster, to: &page)
        writeWorkers(cluster, to: &page)
        if let metrics { write(metrics, to: &page) }
        return page
    }

    /// For each bucket of the latency, which worker had its slowest request: an exemplar that costs the request's path nothing.
    private static func slowestWorkers(_ cluster: ClusterFigures) -> [PrometheusWriter.Exemplar?] {
        let edges = latencyBounds + [UInt64.max]
        var slowest: [(bucket: Int, slot: Int)?] = Array(repeating: nil, count: edges.count)
        for slot in cluster.slots {
            var edge = 0
            for (bucket, count) in slot.figures.histogram.buckets.enumerated() {
                while edge < edges.count - 1, HistogramScale.midpoint(of: bucket) > edges[edge] { edge += 1 }
                if count != 0, bucket > slowest[edge]?.bucket ?? -1 { slowest[edge] = (bucket, slot.slot) }
            }
        }
        return slowest.map { found in
            found.map { .init(labels: [("worker", String($0.slot))], value: .nanoseconds(HistogramScale.midpoint(of: $0.bucket))) }
        }
    }

    private static func writeServer(
        _ cluster: ClusterFigures, _ server: ServerIdentity, to page: inout PrometheusWriter
    ) {
        page.family("everycore_build_info", .gauge, "The server's name and version; always 1.")
        page.sample("everycore_build_info", [("name", server.name), ("version", server.version)], 1)
        page.family("everycore_start_time_seconds", .gauge, "When the cluster began, in seconds since 1970.")
        page.sample("everycore_start_time_seconds", [], server.startedUnixSeconds)
        page.family("everycore_uptime_seconds", .gauge, "How long the cluster has run.")
        page.sample("everycore_uptime_seconds", [], seconds: cluster.uptimeNanoseconds)
        page.family("everycore_workers_wanted", .gauge, "How many workers there should be.")
        page.sample("everycore_workers_wanted", [], UInt64(clamping: cluster.wantedWorkers))
        page.family("everycore_workers", .gauge, "How many workers are in each state.")
        for state in WorkerState.allCases {
            let count = UInt64(clamping: cluster.workers(in: state))
            page.sample("everycore_workers", [("state", state.description)], count)
        }
        page.family("everycore_restarts_total", .counter, "Workers that were replaced after their death.")
        page.sample("everycore_restarts_total", [], cluster.restarts)
        page.family("everycore_exits_total", .counter, "Workers that ended, by what ended them.")
        for kind in ExitRecord.Kind.allCases {
            page.sample("everycore_exits_total", [("kind", kind.description)], cluster.exitCounts[kind])
        }
    }

    private static func writeQuarantine(_ cluster: ClusterFigures, to page: inout PrometheusWriter) {
        page.family("everycore_quarantine_refused_total", .counter, "Requests refused because the quarantine worker had too many.")
        page.sample("everycore_quarantine_refused_total", [], cluster.quarantineRefused)
        guard !cluster.quarantine.isEmpty else { return }
        // A route appears once, however many of its paths are quarantined.
        var routes: [(route: String, count: UInt64, deaths: UInt64)] = []
        for record in cluster.quarantine {
            if let index = routes.firstIndex(where: { $0.route == record.route }) {
                routes[index].count += 1
                routes[index].deaths = routes[index].deaths.addingUpToLimit(record.deaths)
            } else {
                routes.append((record.route, 1, record.deaths))
            }
        }
        page.family("everycore_quarantine_active", .gauge, "Quarantined now, by route: how many paths of it, or 1 for all.")
        for route in routes { page.sample("everycore_quarantine_active", [("route", route.route)], route.count) }
        page.family("everycore_quarantine_deaths", .gauge, "Workers that died of what is quarantined now, by route.")
        for route in routes { page.sample("everycore_quarantine_deaths", [("route", route.route)], route.deaths) }
    }

    private static func writeReports(_ cluster: ClusterFigures, to page: inout PrometheusWriter) {
        let reports = cluster.reports
        page.family("everycore_reports_received_total", .counter, "Workers' reports that counted.")
        page.sample("everycore_reports_received_total", [], reports.received)
        page.family("everycore_reports_lost_total", .counter, "Workers' reports that never arrived intact.")
        page.sample("everycore_reports_lost_total", [], reports.lost)
        page.family("everycore_reports_refused_total", .counter, "Reports that the kernel refused to take.")
        page.sample("everycore_reports_refused_total", [], cluster.total[.reportsRefused])
        page.family("everycore_reports_ignored_total", .counter, "Datagrams that arrived and did not count.")
        for reason in IgnoredReason.allCases {
            page.sample("everycore_reports_ignored_total", [("reason", reason.description)], reports[reason])
        }
    }

    private static func writeWorkers(_ cluster: ClusterFigures, to page: inout PrometheusWriter) {
        guard !cluster.slots.isEmpty else { return }
        for family in Family.all where family.isPerWorker {
            let name = "everycore_worker_\(family.name)"
            page.family(name, family.kind, "By worker: " + family.help)
            for slot in cluster.slots {
                for series in family.series {
                    page.sample(name, label(slot) + series.labels, slot.figures[series.counter])
                }
            }
        }
        let duration = "everycore_worker_request_duration_seconds"
        page.family(duration, .summary, "By worker: time that requests took.")
        for slot in cluster.slots {
            page.sumAndCount(duration, label(slot), slot.figures.histogram)
        }
        page.family("everycore_worker_ready", .gauge, "By worker: 1 when it serves.")
        for slot in cluster.slots {
            page.sample("everycore_worker_ready", label(slot), slot.state == .ready ? 1 : 0)
        }
        page.family("everycore_worker_restarts_total", .counter, "By worker: replacements after a death.")
        for slot in cluster.slots {
            page.sample("everycore_worker_restarts_total", label(slot), slot.restarts)
        }
        page.family("everycore_worker_uptime_seconds", .gauge, "By worker: how long its process has lived.")
        for slot in cluster.slots {
            page.sample("everycore_worker_uptime_seconds", label(slot), seconds: slot.uptimeNanoseconds)
        }
        page.family("everycore_worker_stale_seconds", .gauge, "By worker: the age of its figures.")
        for slot in cluster.slots {
            page.sample("everycore_worker_stale_seconds", label(slot), seconds: slot.staleNanoseconds)
        }
        writeWorkerProcesses(cluster, to: &page)
    }

    private static func label(_ slot: SlotFigures) -> PrometheusWriter.Labels {
        [("worker", String(slot.slot))]
    }
}
