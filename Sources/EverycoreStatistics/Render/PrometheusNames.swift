// Names of the application's metrics, as Prometheus allows them: `shop.orders` becomes `shop_orders_total`. Pure.
//
// Metric names are [a-zA-Z_:][a-zA-Z0-9_:]*, label names [a-zA-Z_][a-zA-Z0-9_]* and not with two underscores in front
// (prometheus.io/docs/concepts/data_model).
// Process: master, admin · Thread: loop

enum PrometheusNames {
    /// The name of a series' family, with the ending that its kind asks for: counters `_total`, timers `_seconds`.
    static func family(_ identity: MetricIdentity) -> String {
        let name = metric(identity.label)
        return switch identity.kind {
        case .counter, .floatingCounter: name.hasSuffix("_total") ? name : name + "_total"
        case .timer: name.hasSuffix("_seconds") ? name : name + "_seconds"
        case .gauge, .recorder: name
        }
    }

    static func metric(_ text: String) -> String { plain(text) { $0 == ":" } }

    /// Names that become the same are one label, its values joined by `;` in the order of the names. `le` and `quantile` are Prometheus' own,
    /// and get `exported_` in front.
    static func labels(_ dimensions: [MetricDimension]) -> PrometheusWriter.Labels {
        var labels: PrometheusWriter.Labels = []
        for dimension in dimensions {
            let name = label(dimension.name)
            if let index = labels.firstIndex(where: { $0.name == name }) {
                labels[index].value += ";" + dimension.value
            } else {
                labels.append((name, dimension.value))
            }
        }
        return labels.sorted { $0.name < $1.name }
    }

    private static func label(_ text: String) -> String {
        var name = plain(text) { _ in false }
        while name.hasPrefix("__") { name.removeFirst() }
        return name == "le" || name == "quantile" ? "exported_" + name : name
    }

    private static func plain(_ text: String, _ isAllowedToo: (Unicode.Scalar) -> Bool) -> String {
        var name = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "a"..."z", "A"..."Z", "_": name.unicodeScalars.append(scalar)
            case "0"..."9":
                if name.isEmpty { name = "_" }
                name.unicodeScalars.append(scalar)
            default: name.unicodeScalars.append(isAllowedToo(scalar) ? scalar : "_")
            }
        }
        return name.isEmpty ? "_" : name
    }
}
