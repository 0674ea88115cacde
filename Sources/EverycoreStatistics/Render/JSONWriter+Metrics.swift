// The application's own metrics in `/stats`.
// Process: master, admin · Thread: loop

extension JSONWriter {
    mutating func metrics(_ metrics: MetricsFigures) {
        object("metrics") { page in
            page.member("series", metrics.series.count)
            page.member("refused", metrics.refused)
            page.member("left_out", metrics.leftOut)
            page.member("garbled", metrics.garbled)
            page.array("values", of: metrics.series) { entry, series in
                entry.member("label", series.identity.label)
                entry.member("kind", series.identity.kind.description)
                entry.object("dimensions") { dimensions in
                    for dimension in series.identity.dimensions { dimensions.member(dimension.name, dimension.value) }
                }
                entry.value(series.value)
            }
        }
    }

    private mutating func value(_ value: MetricValue) {
        switch value {
        case .count(let count): member("value", count)
        case .sum(let sum): member("value", real: sum)
        case .gauge(let value, _): member("value", real: value)
        case .timer(let counts, let sum, let maximum):
            let (sum, maximum) = (Double(sum) / 1e9, Double(maximum) / 1e9)
            distribution(counts, sum, maximum) { Double(HistogramScale.midpoint(of: $0)) / 1e9 }
        case .recorder(let counts, let sum, let maximum):
            distribution(counts, sum, maximum, RecorderScale.midpoint)
        }
    }

    /// Times in seconds.
    private mutating func distribution(_ counts: BucketCounts, _ sum: Double, _ maximum: Double, _ midpoint: (Int) -> Double) {
        let count = counts.count
        member("count", count)
        member("sum", real: sum)
        for (name, percent) in [("p50", 50.0), ("p90", 90), ("p99", 99), ("p999", 99.9)] {
            member(name, real: counts.bucket(atPercent: percent).map { min(midpoint($0), maximum) } ?? 0)
        }
        member("max", real: maximum)
        member("mean", real: count == 0 ? 0 : sum / Double(count))
    }
}

extension MetricKind: CustomStringConvertible {
    package var description: String {
        switch self {
        case .counter: "counter"
        case .floatingCounter: "floating_counter"
        case .gauge: "gauge"
        case .timer: "timer"
        case .recorder: "recorder"
        }
    }
}
