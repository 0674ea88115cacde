// Collects families of samples, each with its help and type, and writes them as Prometheus' text format 0.0.4 or as OpenMetrics 1.0
// (prometheus.io/docs/instrumenting/exposition_formats). Knows the syntax; MetricsPage.swift knows the metrics.
// Process: master, admin · Thread: loop

package struct PrometheusWriter {
    package enum Kind: String, Sendable {
        case counter
        case gauge
        case histogram
        case summary
    }

    package typealias Labels = [(name: String, value: String)]

    package enum Value: Equatable, Sendable {
        case count(UInt64)
        /// Written as seconds.
        case nanoseconds(UInt64)
        case real(Double)

        package var number: Double {
            switch self {
            case .count(let count): Double(count)
            case .nanoseconds(let nanoseconds): Double(nanoseconds) / 1e9
            case .real(let value): value
            }
        }
    }

    package struct Exemplar {
        let labels: Labels
        let value: Value
    }

    package struct Sample {
        package let name: String
        package let labels: Labels
        package let value: Value
        var exemplar: Exemplar?
    }

    /// What a histogram's samples are made of, for receivers that want percentiles.
    package struct Distribution {
        package let labels: Labels
        package let counts: BucketCounts
        package let isTime: Bool
        package let maximum: Double

        /// In seconds, or in the recorder's unit.
        package func percentile(_ percent: Double, of counts: BucketCounts) -> Double? {
            counts.bucket(atPercent: percent).map { bucket in
                min(isTime ? Double(HistogramScale.midpoint(of: bucket)) / 1e9 : RecorderScale.midpoint(of: bucket), maximum)
            }
        }
    }

    package struct Family {
        package let name: String
        package let kind: Kind
        let help: String
        package var samples: [Sample] = []
        package var distributions: [Distribution] = []
    }

    package private(set) var families: [Family] = []

    // MARK: Collecting

    /// Begins a family. Its samples must follow before the next family begins.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        families.append(Family(name: name, kind: kind, help: help))
    }

    mutating func sample(_ name: String, _ labels: Labels = [], _ value: UInt64) { sample(name, labels, .count(value)) }

    /// Nanoseconds, written as seconds.
    mutating func sample(_ name: String, _ labels: Labels = [], seconds nanoseconds: UInt64) { sample(name, labels, .nanoseconds(nanoseconds)) }

    mutating func sample(_ name: String, _ labels: Labels = [], real value: Double) { sample(name, labels, .real(value)) }

    mutating func sample(_ name: String, _ labels: Labels, _ value: Value, exemplar: Exemplar? = nil) {
        guard !families.isEmpty else { return }
        families[families.count - 1].samples.append(Sample(name: name, labels: labels, value: value, exemplar: exemplar))
    }

    /// The samples of a histogram family: one for each bound, `+Inf`, the sum and the count.
    /// - Parameter exemplars: for each bound and `+Inf`, an example of what is below it and above the bound before.
    mutating func histogram(_ name: String, _ histogram: LatencyHistogram, bounds: [UInt64], exemplars: [Exemplar?] = []) {
        let cumulative = histogram.cumulativeCounts(upTo: bounds)
        for (index, (bound, count)) in zip(bounds, cumulative).enumerated() {
            let exemplar = exemplars.indices.contains(index) ? exemplars[index] : nil
            sample("\(name)_bucket", [("le", NumberFormat.seconds(bound))], .count(count), exemplar: exemplar)
        }
        let count = histogram.count
        sample("\(name)_bucket", [("le", "+Inf")], .count(count), exemplar: exemplars.count > bounds.count ? exemplars[bounds.count] : nil)
        sumAndCount(name, [], histogram)
        distribution([], BucketCounts { histogram.buckets[$0] }, isTime: true, maximum: Double(histogram.maxNanoseconds) / 1e9)
    }

    mutating func sumAndCount(_ name: String, _ labels: Labels, _ histogram: LatencyHistogram) {
        sample("\(name)_sum", labels, seconds: histogram.sumNanoseconds)
        sample("\(name)_count", labels, histogram.count)
    }

    mutating func distribution(_ labels: Labels, _ counts: BucketCounts, isTime: Bool, maximum: Double) {
        guard !families.isEmpty else { return }
        families[families.count - 1].distributions.append(Distribution(labels: labels, counts: counts, isTime: isTime, maximum: maximum))
    }

    // MARK: Writing

    var text: String { text(as: .prometheus) }

    package func text(as format: MetricsFormat) -> String {
        var text = ""
        for family in families {
            // OpenMetrics names a family of counters without the ending that its samples have.
            let isShort = format == .openMetrics && family.kind == .counter && family.name.hasSuffix("_total")
            let name = isShort ? String(family.name.dropLast(6)) : family.name
            let help = Self.escaped(family.help, quotes: format == .openMetrics)
            text += "# HELP \(name) \(help)\n# TYPE \(name) \(family.kind.rawValue)\n"
            for sample in family.samples { Self.write(sample, as: format, to: &text) }
        }
        return format == .openMetrics ? text + "# EOF\n" : text
    }

    private static func write(_ sample: Sample, as format: MetricsFormat, to text: inout String) {
        text += sample.name
        if !sample.labels.isEmpty { write(sample.labels, as: format, to: &text) }
        text += " \(written(sample.value))"
        if format == .openMetrics, let exemplar = sample.exemplar {
            text += " # "
            write(exemplar.labels, as: format, to: &text)
            text += " \(written(exemplar.value))"
        }
        text += "\n"
    }

    private static func write(_ labels: Labels, as format: MetricsFormat, to text: inout String) {
        text += "{"
        for (index, label) in labels.enumerated() {
            // OpenMetrics wants bounds as floating-point numbers.
            let isWhole = format == .openMetrics && label.name == "le" && label.value.utf8.allSatisfy { (0x30...0x39).contains($0) }
            text += "\(index > 0 ? "," : "")\(label.name)=\"\(escaped(label.value, quotes: true))\(isWhole ? ".0" : "")\""
        }
        text += "}"
    }

    private static func written(_ value: Value) -> String {
        switch value {
        case .count(let count): String(count)
        case .nanoseconds(let nanoseconds): NumberFormat.seconds(nanoseconds)
        case .real(let value): written(value)
        }
    }

    /// The shortest form that reads back as the same number.
    static func written(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        if value == value.rounded(), value.magnitude < 1e15 { return String(Int64(value)) }
        return "\(value)"
    }

    private static func escaped(_ value: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
