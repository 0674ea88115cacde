// Figures as lines for a StatsD receiver: what was added to counters since the push before, gauges as they are, and of histograms the
// percentiles of what came since, as gauges: single times are kept nowhere. A pure value: pages go in, datagrams come out.
// Labels are tags as DogStatsD has them, which Telegraf, Vector, Netdata and statsd_exporter read too; or they become part of the name.
// Process: auxiliary · Thread: loop

package struct StatsDLines {
    private let prefix: String
    private let usesTags: Bool
    private let byteLimit: Int
    /// What counters had come to at the last push, by their line's name.
    private var counters: [String: Double] = [:]
    private var histograms: [String: BucketCounts] = [:]
    /// The first push only notes what there is.
    private var isFirst: Bool

    /// - Parameters:
    ///   - byteLimit: of a datagram.
    ///   - countsFromNow: what was counted before the first push has been pushed by another process.
    package init(prefix: String, usesTags: Bool, byteLimit: Int, countsFromNow: Bool) {
        self.prefix = prefix
        self.usesTags = usesTags
        self.byteLimit = byteLimit
        isFirst = countsFromNow
    }

    /// The lines for a page, in datagrams. Workers one by one are left out: their sums are there.
    package mutating func datagrams(for page: PrometheusWriter) -> [[UInt8]] {
        var lines: [String] = []
        var (counters, histograms) = ([String: Double](), [String: BucketCounts]())
        var names: [(name: String, tags: String)] = []
        var distributions: [(key: String, family: String, PrometheusWriter.Distribution)] = []
        for family in page.families where !family.name.hasPrefix("everycore_worker_") {
            switch family.kind {
            case .counter:
                // Different labels may have one name here: then it has their sum.
                for sample in family.samples {
                    let (name, tags) = name(family.name, sample.labels, "")
                    if counters[name + tags] == nil { names.append((name, tags)) }
                    counters[name + tags, default: 0] += sample.value.number
                }
            case .gauge:
                for sample in family.samples where sample.value.number.isFinite {
                    let (name, tags) = name(family.name, sample.labels, "")
                    let value = sample.value.number
                    let line = "\(name):\(PrometheusWriter.written(value))|g\(tags)"
                    // A sign in front would mean a difference.
                    lines.append(value < 0 ? "\(name):0|g\(tags)\n\(line)" : line)
                }
            case .histogram:
                for distribution in family.distributions {
                    let (name, tags) = name(family.name, distribution.labels, "")
                    if histograms[name + tags] == nil { distributions.append((name + tags, family.name, distribution)) }
                    histograms[name + tags, default: BucketCounts()].merge(distribution.counts)
                }
            case .summary:
                break
            }
        }
        if !isFirst {
            for (name, tags) in names {
                let (value, before) = (counters[name + tags] ?? 0, self.counters[name + tags] ?? 0)
                // One that is lower was destroyed, and made again.
                let added = value < before ? value : value - before
                if added > 0 { lines.append("\(name):\(PrometheusWriter.written(added))|c\(tags)") }
            }
            for (key, family, distribution) in distributions {
                let added = (histograms[key] ?? BucketCounts()).minus(self.histograms[key] ?? BucketCounts())
                if added.count > 0 { lines += self.lines(of: distribution, added, family) }
            }
        }
        (self.counters, self.histograms) = (counters, histograms)
        isFirst = false
        return packed(lines)
    }

    private func lines(of distribution: PrometheusWriter.Distribution, _ added: BucketCounts, _ family: String) -> [String] {
        let (count, tags) = name(family, distribution.labels, "_count")
        var lines = ["\(count):\(added.count)|c\(tags)"]
        for (ending, percent) in [("_p50", 50.0), ("_p90", 90), ("_p99", 99), ("_p999", 99.9)] {
            guard let value = distribution.percentile(percent, of: added) else { continue }
            lines.append("\(name(family, distribution.labels, ending).0):\(PrometheusWriter.written(value))|g\(tags)")
        }
        return lines
    }

    private func name(_ family: String, _ labels: PrometheusWriter.Labels, _ ending: String) -> (String, tags: String) {
        let short = family.hasSuffix("_total") ? String(family.dropLast(6)) : family
        let name = prefix + Self.plain(short) + ending
        guard usesTags else { return (labels.reduce(name) { "\($0).\($1.name).\(Self.plain($1.value))" }, "") }
        let tags = labels.map { "\($0.name):\(Self.tagValue($0.value))" }.joined(separator: ",")
        return (name, tags.isEmpty ? "" : "|#" + tags)
    }

    /// Without what separates parts of a line.
    private static func plain(_ text: String) -> String {
        String(text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") ? $0 : "_" })
    }

    private static func tagValue(_ text: String) -> String {
        var value = ""
        for scalar in text.unicodeScalars {
            let isPlain = scalar.value > 0x20 && scalar.value != 0x7F && scalar != "|" && scalar != "," && scalar != "#"
            value.unicodeScalars.append(isPlain ? scalar : "_")
        }
        return value
    }

    /// As many lines to a datagram as fit. One that alone is too long is left out.
    private func packed(_ lines: [String]) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        var current: [UInt8] = []
        for line in lines {
            let bytes = Array(line.utf8)
            guard bytes.count <= byteLimit else { continue }
            if !current.isEmpty, current.count + 1 + bytes.count > byteLimit {
                datagrams.append(current)
                current = []
            }
            if !current.isEmpty { current.append(UInt8(ascii: "\n")) }
            current += bytes
        }
        if !current.isEmpty { datagrams.append(current) }
        return datagrams
    }
}
