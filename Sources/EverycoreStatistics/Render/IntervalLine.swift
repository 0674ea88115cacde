// The line that the master prints at each interval when its output is no terminal, as text or as JSON.
// Counts and bytes are those of the whole run, so the last line is the truth; the rate and the percentiles are of the interval.
// Process: master, admin · Thread: loop

package enum IntervalLine {
    /// `requests=20 rate=10/s 2xx=19 4xx=1 5xx=0 in=2kB out=3.1kB open=1 p50=23µs … workers=2/2 restarts=0`
    /// - Parameter previous: the figures of the last line; without them rate and percentiles are of the whole run.
    package static func text(_ current: ClusterFigures, since previous: ClusterFigures?) -> String {
        let interval = Interval(of: current, since: previous)
        let total = current.total
        var fields = [
            "requests=\(total[.requests])",
            "rate=\(NumberFormat.rate(interval.rate(.requests)))/s",
            "2xx=\(total[.responses2xx])",
            "4xx=\(total[.responses4xx])",
            "5xx=\(total[.responses5xx])",
            "in=\(NumberFormat.bytes(total[.bytesIn]))",
            "out=\(NumberFormat.bytes(total[.bytesOut]))",
            "open=\(total[.connectionsOpen])",
        ]
        for (name, percent) in LatencyHistogram.namedPercentiles {
            fields.append("p\(name)=\(interval.figures.histogram.percentileText(percent))")
        }
        fields.append("workers=\(current.workers(in: .ready))/\(current.wantedWorkers)")
        fields.append("restarts=\(current.restarts)")
        return fields.joined(separator: " ")
    }

    /// The same as one JSON object. `latency_seconds` and the rates are of the interval, except for `max`, which is of the whole run.
    package static func json(_ current: ClusterFigures, since previous: ClusterFigures?) -> String {
        let interval = Interval(of: current, since: previous)
        let total = current.total
        return JSONWriter.object { line in
            line.member("event", "figures")
            line.member("uptime_seconds", seconds: current.uptimeNanoseconds)
            line.member("interval_seconds", interval.seconds)
            line.member("requests", total[.requests])
            line.member("requests_per_second", interval.rate(.requests))
            line.traffic(total)
            line.member("bytes_in_per_second", interval.rate(.bytesIn))
            line.member("bytes_out_per_second", interval.rate(.bytesOut))
            line.latency(interval.figures.histogram)
            line.workerCounts(current)
            line.member("restarts", current.restarts)
        }
    }
}
