// `/metrics` as Prometheus reads it.

import EverycoreStatistics
import Glibc
import TestSupport
import Testing

@Suite struct MetricsPageTests {
    private let server = ServerIdentity(name: "everycore", version: "1.0 \"beta\"\\\n", startedUnixSeconds: 1_700_000_000)

    private func page(_ cluster: ClusterFigures = Sample.cluster()) -> String {
        MetricsPage.text(cluster, server: server)
    }

    private func value(_ series: String, in page: String) -> Double? {
        for line in page.split(separator: "\n") where line.hasPrefix(series + " ") {
            return Double(line.dropFirst(series.count + 1))
        }
        return nil
    }

    @Test func `the cluster's series carry its totals`() {
        let page = page()
        #expect(value("everycore_requests_total", in: page) == 1017)
        #expect(value("everycore_responses_total{class=\"2xx\"}", in: page) == 1015)
        #expect(value("everycore_responses_total{class=\"5xx\"}", in: page) == 1)
        #expect(value("everycore_received_bytes_total", in: page) == 50_850)
        #expect(value("everycore_sent_bytes_total", in: page) == 152_550)
        #expect(value("everycore_connections_open", in: page) == 4)
        #expect(value("everycore_restarts_total", in: page) == 1)
        #expect(value("everycore_reports_lost_total", in: page) == 2)
        #expect(value("everycore_reports_ignored_total{reason=\"short\"}", in: page) == 1)
        #expect(value("everycore_workers{state=\"ready\"}", in: page) == 2)
        #expect(value("everycore_start_time_seconds", in: page) == 1_700_000_000)
    }

    @Test func `the workers' series are families of their own, labelled by slot alone`() {
        let page = page()
        #expect(value("everycore_worker_requests_total{worker=\"0\"}", in: page) == 1000)
        #expect(value("everycore_worker_requests_total{worker=\"1\"}", in: page) == 17)
        #expect(value("everycore_worker_responses_total{worker=\"1\",class=\"4xx\"}", in: page) == 1)
        #expect(value("everycore_worker_request_duration_seconds_count{worker=\"0\"}", in: page) == 1000)
        #expect(value("everycore_worker_stale_seconds{worker=\"0\"}", in: page) == 0.5)
        #expect(!page.contains("pid"))
        #expect(!page.contains("generation=\""))
        #expect(!page.contains("4001"))
        #expect(!page.contains("4003"))
    }

    @Test func `every family is in the article on figures`() throws {
        let path = Project.root + "/Sources/Everycore/Everycore.docc/Figures.md"
        let file = try unsafe #require(fopen(path, "r"))
        defer { unsafe fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = unsafe fread(&bytes, 1, bytes.count, file)
        let article = String(decoding: bytes.prefix(count), as: UTF8.self)
        let families = page(Sample.measuredCluster()).split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.compactMap {
            $0.split(separator: " ").dropFirst(2).first
        }
        #expect(families.count > 20)
        for family in families {
            // A worker's family is documented with the cluster's where there is one.
            let ofCluster = "everycore_" + family.dropFirst(family.hasPrefix("everycore_worker_") ? 17 : 10)
            #expect(article.contains("`\(family)`") || article.contains("`\(ofCluster)`"), "\(family)")
        }
    }

    @Test func `latency buckets rise to +Inf, which is the count`() {
        let page = page()
        let name = "everycore_request_duration_seconds"
        var last = 0.0
        for bound in MetricsPage.latencyBounds {
            let count = value("\(name)_bucket{le=\"\(NumberFormat.seconds(bound))\"}", in: page)
            #expect((count ?? -1) >= last)
            last = count ?? last
        }
        #expect(value("\(name)_bucket{le=\"0.000025\"}", in: page) == 1007)
        #expect(value("\(name)_bucket{le=\"0.0025\"}", in: page) ?? 0 >= 1007)
        #expect(value("\(name)_bucket{le=\"0.005\"}", in: page) == 1017)
        #expect(value("\(name)_bucket{le=\"+Inf\"}", in: page) == 1017)
        #expect(value("\(name)_count", in: page) == 1017)
        #expect(value("\(name)_sum", in: page) == 0.04514)
    }

    @Test func `a family is announced once, before its samples, and names no sample twice`() {
        var families: Set<String> = []
        var series: Set<String> = []
        var current = ""
        for line in page().split(separator: "\n", omittingEmptySubsequences: false).dropLast() {
            let words = line.split(separator: " ")
            if line.hasPrefix("# TYPE ") {
                current = String(words[2])
                let isNew = families.insert(current).inserted
                #expect(isNew)
            } else if line.hasPrefix("# HELP ") {
                #expect(words.count > 3)
            } else {
                #expect(line.hasPrefix(current))
                #expect(words.last.flatMap { Double($0) } != nil)
                let isNew = series.insert(String(line.dropLast((words.last?.count ?? 0) + 1))).inserted
                #expect(isNew, "\(line)")
            }
        }
        #expect(families.count > 20)
    }

    @Test func `a label's quotes, backslashes and line ends are escaped`() {
        #expect(page().contains(#"everycore_build_info{name="everycore",version="1.0 \"beta\"\\\n"} 1"#))
    }

    private func quarantined() -> ClusterFigures {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 1)
        ledger.quarantine = [
            QuarantineRecord(route: "GET /a/:id", request: "GET /a/1", deaths: 3, ageNanoseconds: 5, remainingNanoseconds: 6),
            QuarantineRecord(route: "GET /a/:id", request: "GET /a/\"2\"", deaths: 4, ageNanoseconds: 5, remainingNanoseconds: 6),
            QuarantineRecord(route: "GET /b", request: nil, deaths: 5, ageNanoseconds: 5, remainingNanoseconds: 6),
        ]
        ledger.quarantineRefused = 9
        var served = FigureSnapshot()
        served[.requests] = 7
        ledger.apart = served
        ledger.retireApart(served)
        return ledger.figures(now: 10)
    }

    @Test func `what is quarantined is there by route, and on both pages`() throws {
        let figures = quarantined()
        let server = ServerIdentity(name: "a", version: "1", startedUnixSeconds: 0)
        let page = MetricsPage.text(figures, server: server)
        #expect(page.contains("everycore_quarantine_active{route=\"GET /a/:id\"} 2\n"))
        #expect(page.contains("everycore_quarantine_deaths{route=\"GET /a/:id\"} 7\n"))
        #expect(page.contains("everycore_quarantine_active{route=\"GET /b\"} 1\n"))
        #expect(page.contains("everycore_quarantine_refused_total 9\n"))
        // What the quarantine worker answers counts for the total.
        #expect(page.contains("everycore_requests_total 14\n"))
        #expect(StatsPage.json(figures, server: server).contains(#""quarantine":{"refused":9,"active":[{"route":"GET /a/:id","request":"#))
    }

    @Test func `what is quarantined travels to the admin worker`() throws {
        let figures = quarantined()
        var assembler = ClusterFigures.Assembler()
        var arrived: ClusterFigures?
        for part in figures.parts(maximumBytes: 1024) { arrived = try assembler.add(part) }
        #expect(arrived == figures)
    }

    @Test func `a cluster without workers has no worker families`() {
        let page = page(ClusterLedger(startedAt: 0, wantedWorkers: 0).figures(now: 0))
        #expect(!page.contains("everycore_worker_"))
        #expect(value("everycore_requests_total", in: page) == 0)
    }

    @Test(
        "promtool accepts the page without a complaint",
        .enabled(if: unsafe access("/usr/bin/promtool", X_OK) == 0, "needs promtool, from Debian's prometheus"))
    func promtoolAccepts() {
        let empty = ClusterLedger(startedAt: 0, wantedWorkers: 0).figures(now: 0)
        for cluster in [Sample.cluster(), empty] {
            let check = "said=$(/usr/bin/promtool check metrics 2>&1) && test -z \"$said\""
            guard let pipe = unsafe popen(check, "w") else {
                Issue.record("popen failed")
                return
            }
            unsafe fputs(page(cluster), pipe)
            #expect(unsafe pclose(pipe) == 0)
        }
    }
}
