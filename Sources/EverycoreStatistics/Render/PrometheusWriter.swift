// Writes Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): families of samples, each with its
// help and type. Knows the syntax; MetricsPage.swift knows the metrics.
// Process: master, admin · Thread: loop

struct PrometheusWriter {
    private(set) var text = ""

    enum Kind: String {
        case counter
        case gauge
        case histogram
        case summary
    }

    typealias Labels = [(name: String, value: String)]

    /// Begins a family. Its samples must follow before the next family begins.
    mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    mutating func sample(_ name: String, _ labels: Labels = [], _ value: UInt64) {
        sample(name, labels, String(value))
    }

    /// Nanoseconds, written as seconds.
    mutating func sample(_ name: String, _ labels: Labels = [], seconds nanoseconds: UInt64) {
        sample(name, labels, NumberFormat.seconds(nanoseconds))
    }

    /// The samples of a histogram family: one for each bound, `+Inf`, the sum and the count.
    mutating func histogram(_ name: String, _ histogram: LatencyHistogram, bounds: [UInt64]) {
        for (bound, count) in zip(bounds, histogram.cumulativeCounts(upTo: bounds)) {
            sample("\(name)_bucket", [("le", NumberFormat.seconds(bound))], count)
        }
        let count = histogram.count
        sample("\(name)_bucket", [("le", "+Inf")], count)
        sumAndCount(name, [], histogram)
    }

    mutating func sumAndCount(_ name: String, _ labels: Labels, _ histogram: LatencyHistogram) {
        sample("\(name)_sum", labels, seconds: histogram.sumNanoseconds)
        sample("\(name)_count", labels, histogram.count)
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: String) {
        text += name
        if !labels.isEmpty {
            let pairs = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            text += "{\(pairs.joined(separator: ","))}"
        }
        text += " \(value)\n"
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
