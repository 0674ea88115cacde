// The application's own metrics on `/metrics`, in `/stats` and as StatsD lines.

import EverycoreStatistics
import Testing

@Suite struct MetricsSeriesTests {
    private func text(_ series: [MetricSeries], as format: MetricsFormat = .prometheus) -> [String] {
        MetricsPage.text(MetricsFigures(series: series), as: format).split(separator: "\n").map(String.init)
            .filter { !$0.contains("everycore_metrics_") }
    }

    private func counter(_ label: String, _ dimensions: [MetricDimension] = [], _ count: UInt64 = 1) -> MetricSeries {
        MetricSeries(MetricIdentity(.counter, label, dimensions), .count(count))
    }

    @Test func `names are Prometheus's, with the ending that their kind asks for`() {
        let page = text([
            counter("shop.orders"), counter("9 lives-total"), counter("jobs_total"),
            MetricSeries(MetricIdentity(.gauge, "queue:depth"), .gauge(-1.5, setAt: 1)),
            MetricSeries(MetricIdentity(.timer, "db.query"), .timer(BucketCounts(), sum: 0, maximum: 0)),
            MetricSeries(MetricIdentity(.counter, ""), .count(1)),
        ])
        for name in ["shop_orders_total 1", "_9_lives_total 1", "jobs_total 1", "queue:depth -1.5", "db_query_seconds_count 0", "__total 1"] {
            #expect(page.contains(name), "\(name)")
        }
    }

    @Test func `labels are escaped, and those that become one name are one label`() {
        let page = text([counter("c", [.init("a.b", "1"), .init("a-b", "2"), .init("le", "\"x\\\n"), .init("__name__", "n"), .init("9", "")])])
        #expect(page.contains(#"c_total{_9="",_name__="n",a_b="2;1",exported_le="\"x\\\n"} 1"#), "\(page)")
    }

    @Test func `two labels of one kind that become one name are summed`() {
        #expect(text([counter("a.b", [], 2), counter("a_b", [], 3)]).contains("a_b_total 5"))
        let page = text([counter("a", [], 2), MetricSeries(MetricIdentity(.floatingCounter, "a"), .sum(0.5))])
        #expect(page.contains("a_total 2.5") && page.count == 3)
    }

    @Test func `of two kinds under one name the first stays, and the other is counted`() {
        let recorder = MetricValue.recorder(BucketCounts([.init(5, 1)]) ?? BucketCounts(), sum: 1, maximum: 1)
        let figures = MetricsFigures(series: [
            MetricSeries(MetricIdentity(.recorder, "size"), recorder), MetricSeries(MetricIdentity(.gauge, "size"), .gauge(4, setAt: 1)),
            MetricSeries(MetricIdentity(.gauge, "wait_seconds_sum"), .gauge(1, setAt: 1)),
            MetricSeries(MetricIdentity(.timer, "wait"), .zero(.timer)),
            counter("everycore.requests"),
        ])
        let page = MetricsPage.text(figures, as: .prometheus)
        #expect(page.contains("# TYPE size gauge\nsize 4\n") && !page.contains("size_bucket"))
        #expect(!page.contains("wait_seconds_bucket"), "a gauge has the name of its sum")
        #expect(!page.contains("everycore_requests_total"))
        #expect(page.contains("everycore_metrics_conflicts 3\n"))
    }

    @Test func `a counter takes the name without its ending too`() {
        let page = text([counter("shop.orders"), MetricSeries(MetricIdentity(.gauge, "shop_orders"), .gauge(4, setAt: 1))], as: .openMetrics)
        #expect(page.contains("shop_orders_total 1") && !page.contains("shop_orders 4"))
    }

    @Test func `a timer's buckets are cumulative, in seconds`() throws {
        var histogram = LatencyHistogram()
        for nanoseconds in [5_000, 2_000_000, 2_000_000, 300_000_000] as [UInt64] { histogram.record(nanoseconds: nanoseconds) }
        let value = MetricValue.timer(BucketCounts { histogram.buckets[$0] }, sum: histogram.sumNanoseconds, maximum: histogram.maxNanoseconds)
        let page = text([MetricSeries(MetricIdentity(.timer, "t", [.init("k", "v")]), value)])
        for line in [
            #"t_seconds_bucket{k="v",le="0.00001"} 1"#, #"t_seconds_bucket{k="v",le="0.0025"} 3"#, #"t_seconds_bucket{k="v",le="+Inf"} 4"#,
            #"t_seconds_sum{k="v"} 0.304005"#, #"t_seconds_count{k="v"} 4"#,
        ] { #expect(page.contains(line), "\(line)") }
    }

    @Test func `a recorder's buckets are 1, 2 and 5 in each power of ten`() {
        let counts = BucketCounts([.init(UInt16(RecorderScale.bucket(of: 3)), 2), .init(UInt16(RecorderScale.bucket(of: 1e12)), 1)]) ?? BucketCounts()
        let page = text([MetricSeries(MetricIdentity(.recorder, "r"), .recorder(counts, sum: 6, maximum: 3))])
        for line in [#"r_bucket{le="2"} 0"#, #"r_bucket{le="5"} 2"#, #"r_bucket{le="500000000"} 2"#, #"r_bucket{le="+Inf"} 3"#, #"r_bucket{le="0.001"} 0"#] {
            #expect(page.contains(line), "\(line)")
        }
    }

    @Test func `OpenMetrics names families of counters without their ending, and ends with EOF`() {
        let page = MetricsPage.text(MetricsFigures(series: [counter("shop.orders")]), as: .openMetrics)
        #expect(page.contains("# TYPE shop_orders counter\nshop_orders_total 1\n"))
        #expect(page.hasSuffix("\n# EOF\n"))
    }

    @Test func `exemplars name the worker with a bucket's slowest request, and stand in OpenMetrics alone`() throws {
        let cluster = Sample.cluster()
        let server = ServerIdentity(name: "everycore", version: "1", startedUnixSeconds: 1)
        let page = MetricsPage.text(cluster, server: server, as: .openMetrics)
        let examples = page.split(separator: "\n").compactMap {
            $0.firstMatch(of: /^everycore_request_duration_seconds_bucket\{le="([^"]+)"\} \d+ # \{worker="(\d+)"\} ([0-9.]+)$/)
        }
        #expect(!examples.isEmpty)
        for example in examples {
            if example.1 != "+Inf" { #expect(try #require(Double(example.3)) <= #require(Double(example.1))) }
            #expect(cluster[slot: Int(example.2) ?? -1] != nil)
        }
        #expect(!MetricsPage.text(cluster, server: server).contains(" # {"))
    }

    @Test(arguments: [
        ("", false), ("*/*", false), ("text/plain", false), ("application/openmetrics-text; version=1.0.0", true),
        ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1", true),
        ("application/openmetrics-text;q=0.3, text/plain;q=0.9", false), ("application/openmetrics-text;q=0", false),
        ("Application/OpenMetrics-Text", true), (";;;,,,q=", false),
    ])
    func `OpenMetrics is sent to those that ask for it`(accept: String, isOpen: Bool) {
        #expect(MetricsFormat(accepting: accept) == (isOpen ? .openMetrics : .prometheus))
    }

    @Test func `the stats have every series with its own label`() {
        let json = StatsPage.json(
            Sample.cluster(), server: ServerIdentity(name: "e", version: "1", startedUnixSeconds: 1),
            metrics: MetricsFigures(
                series: [
                    counter("shop.orders", [.init("country", "fr")], 3), MetricSeries(MetricIdentity(.gauge, "g"), .gauge(.nan, setAt: 1)),
                ], refused: 2))
        #expect(
            json.contains(
                #""metrics":{"series":2,"refused":2,"left_out":0,"garbled":0,"values":[{"label":"shop.orders","kind":"counter","dimensions":{"country":"fr"},"value":3}"#
            ))
        #expect(json.contains(#""kind":"gauge","dimensions":{},"value":null}"#))
    }

    // MARK: StatsD

    private func lines(_ datagrams: [[UInt8]]) -> [String] {
        datagrams.flatMap { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }.filter { !$0.contains("everycore_metrics") }
    }

    private func page(_ series: [MetricSeries]) -> PrometheusWriter {
        MetricsPage.collect(
            ClusterFigures(
                takenAtNanoseconds: 0, startedAtNanoseconds: 0, wantedWorkers: 0, departed: FigureSnapshot(), departedRestarts: 0,
                unassignedReports: ReportTally(), slots: []),
            server: ServerIdentity(name: "e", version: "1", startedUnixSeconds: 1), metrics: MetricsFigures(series: series))
    }

    @Test func `StatsD gets what was added to counters, and gauges as they are`() {
        var push = StatsDLines(prefix: "shop.", usesTags: true, byteLimit: 1432, countsFromNow: false)
        let gauge = MetricSeries(MetricIdentity(.gauge, "depth"), .gauge(-4, setAt: 1))
        var sent = lines(push.datagrams(for: page([counter("orders", [.init("country", "f|r,#\n")], 3), gauge])))
        #expect(sent.contains("shop.orders:3|c|#country:f_r___"))
        let zero = sent.firstIndex(of: "shop.depth:0|g")
        #expect(zero.map { sent[$0 + 1] } == "shop.depth:-4|g", "a sign alone would mean a difference")
        sent = lines(push.datagrams(for: page([counter("orders", [.init("country", "f|r,#\n")], 8), gauge])))
        #expect(sent.contains("shop.orders:5|c|#country:f_r___"))
        sent = lines(push.datagrams(for: page([counter("orders", [.init("country", "f|r,#\n")], 8)])))
        #expect(!sent.contains { $0.hasPrefix("shop.orders") || $0.hasPrefix("shop.depth") })
    }

    @Test func `series that have one name there are one`() {
        var push = StatsDLines(prefix: "", usesTags: false, byteLimit: 1432, countsFromNow: false)
        func orders(_ a: UInt64, _ b: UInt64) -> [MetricSeries] {
            [counter("orders", [.init("from", "x y")], a), counter("orders", [.init("from", "x_y")], b)]
        }
        _ = push.datagrams(for: page(orders(100, 1)))
        let sent = lines(push.datagrams(for: page(orders(103, 2))))
        #expect(sent.filter { $0.hasPrefix("orders") }.count == 1, "\(sent)")
        #expect(sent.contains { $0.hasPrefix("orders") && $0.contains(":4|c") }, "\(sent)")
    }

    @Test func `a push that takes another process's place sends nothing twice`() {
        var push = StatsDLines(prefix: "", usesTags: false, byteLimit: 1432, countsFromNow: true)
        #expect(!lines(push.datagrams(for: page([counter("orders", [], 300)]))).contains { $0.hasPrefix("orders") })
        #expect(lines(push.datagrams(for: page([counter("orders", [], 301)]))).contains("orders:1|c"))
    }

    @Test func `a timer's percentiles are of the time since the last push`() {
        func timer(_ times: [UInt64]) -> MetricSeries {
            var histogram = LatencyHistogram()
            for time in times { histogram.record(nanoseconds: time) }
            return MetricSeries(
                MetricIdentity(.timer, "q", [.init("t", "u.v")]),
                .timer(BucketCounts { histogram.buckets[$0] }, sum: histogram.sumNanoseconds, maximum: histogram.maxNanoseconds))
        }
        var push = StatsDLines(prefix: "", usesTags: false, byteLimit: 1432, countsFromNow: false)
        #expect(lines(push.datagrams(for: page([timer([1_000_000])]))).contains("q_seconds_count.t.u_v:1|c"))
        let sent = lines(push.datagrams(for: page([timer([1_000_000, 2_000_000_000, 2_000_000_000])])))
        #expect(sent.contains("q_seconds_count.t.u_v:2|c"))
        let middle = sent.first { $0.hasPrefix("q_seconds_p50.t.u_v:") }?.dropFirst(20).dropLast(2)
        #expect(middle.flatMap { Double($0) }.map { abs($0 - 2) < 0.04 } == true, "\(sent)")
    }

    @Test func `no datagram is longer than the limit`() {
        var push = StatsDLines(prefix: "", usesTags: true, byteLimit: 200, countsFromNow: false)
        let datagrams = push.datagrams(for: page((0..<100).map { counter("c\($0)") } + [counter(String(repeating: "x", count: 300))]))
        #expect(datagrams.allSatisfy { $0.count <= 200 } && lines(datagrams).count { $0.hasPrefix("c") } == 100)
    }
}
