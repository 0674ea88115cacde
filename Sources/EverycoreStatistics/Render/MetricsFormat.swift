// The forms of `/metrics`, and which one a client wants. Pure.
// Process: admin · Thread: loop

package enum MetricsFormat: Sendable {
    /// Prometheus' text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0, which has exemplars.
    case openMetrics

    package var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// OpenMetrics where it is asked for by name, and no less than plain text (RFC 9110 §12.5.1).
    package init(accepting field: String) {
        var (open, plain) = (0.0, 0.0)
        for range in field.lowercased().split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
            let weight = parts.dropFirst().first { $0.hasPrefix("q=") }.map { Double($0.dropFirst(2)) ?? 0 } ?? 1
            if parts.first == "application/openmetrics-text" { open = max(open, weight) }
            if parts.first == "text/plain" { plain = max(plain, weight) }
        }
        self = open > 0 && open >= plain ? .openMetrics : .prometheus
    }
}
