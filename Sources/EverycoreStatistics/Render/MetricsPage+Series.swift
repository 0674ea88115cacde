// The application's own metrics on `/metrics`. Different labels may become the same name there: those of one kind are one family, and series
// with the same labels in it are summed. Of different kinds under one name the first stays, in the order counter, gauge, timer, recorder; so
// do the server's own names, which begin with `everycore_`. The others are left out and counted.
// Process: master, admin · Thread: loop

extension MetricsPage {
    private enum Form: Int, Comparable {
        case counter, gauge, timer, recorder

        init(_ kind: MetricKind) {
            switch kind {
            case .counter, .floatingCounter: self = .counter
            case .gauge: self = .gauge
            case .timer: self = .timer
            case .recorder: self = .recorder
            }
        }

        static func < (a: Form, b: Form) -> Bool { a.rawValue < b.rawValue }

        var kind: PrometheusWriter.Kind {
            switch self {
            case .counter: .counter
            case .gauge: .gauge
            case .timer, .recorder: .histogram
            }
        }

        /// Every name that a family takes.
        func names(of family: String) -> [String] {
            switch self {
            case .counter: [family, String(family.dropLast(family.hasSuffix("_total") ? 6 : 0))]
            case .gauge: [family]
            case .timer, .recorder: [family] + ["_bucket", "_sum", "_count"].map { family + $0 }
            }
        }
    }

    private struct FamilyKey: Hashable {
        let name: String
        let form: Form
    }

    private struct Gathered {
        let labels: PrometheusWriter.Labels
        var value: MetricValue
    }

    static let ownPrefix = "everycore_"

    static func write(_ metrics: MetricsFigures, to page: inout PrometheusWriter) {
        var families: [FamilyKey: (label: String, series: [String: Gathered])] = [:]
        for series in metrics.series {
            let key = FamilyKey(name: PrometheusNames.family(series.identity), form: Form(series.identity.kind))
            let labels = PrometheusNames.labels(series.identity.dimensions)
            // No byte of a label's name is NUL, and what stands between two is.
            let place = labels.map { "\($0.name)\u{0}\($0.value)" }.joined(separator: "\u{0}\u{0}")
            // In place: a copy of a family for each of its series would take their square.
            if families[key]?.series[place] == nil {
                families[key, default: (series.identity.label, [:])].series[place] = Gathered(labels: labels, value: series.value)
            } else {
                families[key]?.series[place]?.value.mergeSameName(series.value, as: series.identity.merge)
            }
        }
        var taken: Set<String> = []
        var conflicts = 0
        for (key, family) in families.sorted(by: { ($0.key.form, $0.key.name) < ($1.key.form, $1.key.name) }) {
            let names = key.form.names(of: key.name)
            guard !key.name.hasPrefix(ownPrefix), taken.isDisjoint(with: names) else {
                conflicts += family.series.count
                continue
            }
            taken.formUnion(names)
            page.family(key.name, key.form.kind, help(key.form, family.label))
            for (_, series) in family.series.sorted(by: { $0.key < $1.key }) { write(series, key.name, to: &page) }
        }
        writeCounts(metrics, conflicts, to: &page)
    }

    private static func help(_ form: Form, _ label: String) -> String {
        switch form {
        case .counter: "The application's counter \(label)."
        case .gauge: "The application's gauge \(label)."
        case .timer: "The application's timer \(label)."
        case .recorder: "The application's recorder \(label)."
        }
    }

    /// Of recorders, whose unit is not known: 1, 2 and 5 in each power of ten.
    static let recorderBounds: [Double] = (-3...8).flatMap { exponent in
        let power = (0..<abs(exponent)).reduce(1.0) { product, _ in product * 10 }
        return [1.0, 2, 5].map { exponent < 0 ? $0 / power : $0 * power }
    }

    private static func write(_ series: Gathered, _ name: String, to page: inout PrometheusWriter) {
        func buckets(_ counts: BucketCounts, _ cumulative: [UInt64], _ bounds: [String]) {
            for (bound, count) in zip(bounds, cumulative) { page.sample("\(name)_bucket", series.labels + [("le", bound)], count) }
            page.sample("\(name)_bucket", series.labels + [("le", "+Inf")], counts.count)
        }
        switch series.value {
        case .count(let count): page.sample(name, series.labels, count)
        case .sum(let sum): page.sample(name, series.labels, real: sum)
        case .gauge(let value, _): page.sample(name, series.labels, real: value)
        case .timer(let counts, let sum, let maximum):
            buckets(
                counts, counts.cumulativeCounts(upTo: latencyBounds, midpoint: HistogramScale.midpoint), latencyBounds.map(NumberFormat.seconds))
            page.sample("\(name)_sum", series.labels, seconds: sum)
            page.sample("\(name)_count", series.labels, counts.count)
            page.distribution(series.labels, counts, isTime: true, maximum: Double(maximum) / 1e9)
        case .recorder(let counts, let sum, let maximum):
            let bounds = recorderBounds
            buckets(counts, counts.cumulativeCounts(upTo: bounds, midpoint: RecorderScale.midpoint), bounds.map(PrometheusWriter.written))
            page.sample("\(name)_sum", series.labels, real: sum)
            page.sample("\(name)_count", series.labels, counts.count)
            page.distribution(series.labels, counts, isTime: false, maximum: maximum)
        }
    }

    private static func writeCounts(_ metrics: MetricsFigures, _ conflicts: Int, to page: inout PrometheusWriter) {
        page.family("everycore_metrics_series", .gauge, "Series of the application's own metrics.")
        page.sample("everycore_metrics_series", [], UInt64(clamping: metrics.series.count))
        page.family("everycore_metrics_refused_total", .counter, "Times that a series found no room, by where: in its process, or among those of all.")
        page.sample("everycore_metrics_refused_total", [("by", "process")], metrics.refused)
        page.sample("everycore_metrics_refused_total", [("by", "master")], metrics.leftOut)
        page.family("everycore_metrics_garbled_total", .counter, "Readings of a process's metrics that could not be true.")
        page.sample("everycore_metrics_garbled_total", [], metrics.garbled)
        page.family("everycore_metrics_conflicts", .gauge, "Series left out because their name is another kind's, or the server's own.")
        page.sample("everycore_metrics_conflicts", [], UInt64(clamping: conflicts))
    }
}

extension MetricValue {
    /// Adds what has another label and the same name.
    fileprivate mutating func mergeSameName(_ other: MetricValue, as mode: GaugeMerge) {
        switch (self, other) {
        case (.count(let a), .sum(let b)): self = .sum(Double(a) + b)
        case (.sum(let a), .count(let b)): self = .sum(a + Double(b))
        default: merge(other, as: mode)
        }
    }
}
