// What the master prints when the run is over: everything the cluster did, as text for people or as one line of JSON.
// All of it is of the whole run; the percentiles come from the merged histograms of every worker that ever lived.
// Process: master, admin · Thread: loop

package enum RunSummary {
    package static func text(_ cluster: ClusterFigures) -> String {
        let total = cluster.total
        let run = Interval(of: cluster, since: nil)
        let latency = total.histogram
        let percentiles = LatencyHistogram.namedPercentiles.map { name, percent in
            "p\(name) \(latency.percentileText(percent))"
        }
        let reports = cluster.reports
        let entries: [(String, String)] = [
            ("duration", NumberFormat.uptime(cluster.uptimeNanoseconds)),
            ("requests", "\(total[.requests]) (\(NumberFormat.rate(run.rate(.requests)))/s)"),
            ("responses", responses(total)),
            ("received", data(.bytesIn, of: run)),
            ("sent", data(.bytesOut, of: run)),
            ("connections", "\(total[.connectionsAccepted]) accepted, \(total[.connectionsOpen]) open"),
            ("latency", (percentiles + ["max \(maximum(latency))", "mean \(mean(latency))"]).joined(separator: ", ")),
            ("failures", failures(total)),
            ("restarts", String(cluster.restarts)),
            (
                "reports",
                "\(reports.received) received, \(reports.lost) lost, \(total[.reportsRefused]) refused, "
                    + "\(reports.ignored) ignored" + reasons(reports)
            ),
        ]
        var lines = entries.map { name, value in "\(name.padded(to: 12, left: true))\(value)" }
        if !cluster.slots.isEmpty {
            lines.append("")
            lines += TextGrid(columns: workerColumns).lines(cluster.slots, width: nil)
        }
        return lines.joined(separator: "\n")
    }

    /// The same as one JSON object, with the names that `/stats` has.
    package static func json(_ cluster: ClusterFigures) -> String {
        JSONWriter.object { summary in
            summary.member("event", "summary")
            summary.member("duration_seconds", seconds: cluster.uptimeNanoseconds)
            summary.member("requests_per_second", Interval(of: cluster, since: nil).rate(.requests))
            summary.object("total") { total in
                total.figures(cluster.total, reports: cluster.reports, restarts: cluster.restarts)
            }
            summary.workers(cluster)
        }
    }

    private static func responses(_ total: FigureSnapshot) -> String {
        Counter.statusClasses.enumerated()
            .map { index, counter in "\(index + 1)xx \(total[counter])" }
            .joined(separator: ", ")
    }

    private static func data(_ counter: Counter, of run: Interval) -> String {
        "\(NumberFormat.bytes(run.figures[counter])) (\(NumberFormat.bytes(run.rate(counter)))/s)"
    }

    private static func maximum(_ latency: LatencyHistogram) -> String {
        latency.count == 0 ? "-" : NumberFormat.duration(latency.maxNanoseconds)
    }

    private static func mean(_ latency: LatencyHistogram) -> String {
        latency.count == 0 ? "-" : NumberFormat.duration(latency.meanNanoseconds)
    }

    private static func failures(_ total: FigureSnapshot) -> String {
        let timeouts = Counter.timeouts.map { name, counter in "\(name) \(total[counter])" }
        return "\(total[.parseFailures]) unreadable requests; timeouts: \(timeouts.joined(separator: ", "))"
    }

    private static func reasons(_ reports: ReportTally) -> String {
        let counted = IgnoredReason.allCases.filter { reports[$0] > 0 }
        guard !counted.isEmpty else { return "" }
        return " (" + counted.map { "\($0) \(reports[$0])" }.joined(separator: ", ") + ")"
    }

    private static var workerColumns: [GridColumn<SlotFigures>] {
        var columns: [GridColumn<SlotFigures>] = [
            GridColumn(title: "worker", importance: .max, alignsLeft: true) { String($0.slot) },
            GridColumn(title: "gen", importance: .max) { String($0.generation) },
            GridColumn(title: "requests", importance: .max) { String($0.figures[.requests]) },
        ]
        for (title, counter) in [("2xx", Counter.responses2xx), ("4xx", .responses4xx), ("5xx", .responses5xx)] {
            columns.append(GridColumn(title: title, importance: .max) { String($0.figures[counter]) })
        }
        for (title, counter) in [("in", Counter.bytesIn), ("out", .bytesOut)] {
            columns.append(
                GridColumn(title: title, importance: .max) { NumberFormat.bytes($0.figures[counter]) })
        }
        for (name, percent) in LatencyHistogram.namedPercentiles {
            columns.append(
                GridColumn(title: "p\(name)", importance: .max) { $0.figures.histogram.percentileText(percent) })
        }
        columns += [
            GridColumn(title: "max", importance: .max) { maximum($0.figures.histogram) },
            GridColumn(title: "restarts", importance: .max) { String($0.restarts) },
        ]
        return columns
    }
}
