// The texts: the live table, the interval's line, the summary.

import EverycoreStatistics
import Testing

@Suite struct TextRenderTests {
    private let previous = Sample.cluster(requests: 1000, now: 10 * Sample.second)
    private let current = Sample.cluster(requests: 1500, now: 12 * Sample.second)

    private func words(_ line: String) -> [String] {
        line.split(separator: " ").map(String.init)
    }

    @Test func `the table has a header, titles, a row for each worker and a total`() {
        let lines = LiveTable().lines(current, since: previous)
        #expect(lines.count == 6)
        #expect(
            lines[0] == "up 12s · 250 req/s · 2/2 ready · 1 restart · rates, percentiles: last 2s")
        #expect(
            words(lines[2]) == [
                "worker", "gen", "pid", "state", "req/s", "requests", "2xx", "4xx", "5xx", "in/s", "out/s", "open",
                "p50", "p90", "p99", "p99.9", "cpu", "busy", "lag", "queue", "pss", "memory", "restarts",
            ])
        #expect(
            words(lines[3]) == [
                "0", "1", "4001", "ready", "250", "1500", "1500", "0", "0", "12.5kB", "37.5kB", "3",
                "20µs", "20µs", "20µs", "20µs", "-", "-", "-", "-", "-", "4MB", "0",
            ])
        #expect(
            words(lines[4]) == [
                "1", "2", "4003", "ready", "0", "17", "15", "1", "1", "0B", "0B", "1", "-", "-", "-", "-", "-", "-", "-", "-", "-", "4MB", "1",
            ])
        #expect(
            words(lines[5]) == [
                "total", "250", "1517", "1515", "1", "1", "12.5kB", "37.5kB", "4", "20.2µs", "20.2µs", "20.2µs", "20.2µs",
                "-", "-", "-", "-", "-", "8MB", "1",
            ])
    }

    @Test func `columns are aligned`() {
        let lines = LiveTable().lines(current, since: previous)
        let ends = lines[2...].map(\.count)
        #expect(Set(ends).count == 1)
    }

    @Test(arguments: [1, 5, 12, 20, 40, 60, 80, 100, 132, 200])
    func `no line is wider than the terminal`(width: Int) {
        for line in LiveTable(width: width).lines(current, since: previous) {
            #expect(line.count <= width)
        }
    }

    @Test func `a narrow terminal keeps what matters most`() {
        let titles = words(LiveTable(width: 40).lines(current, since: previous)[2])
        #expect(titles.first == "worker")
        #expect(titles.contains("req/s"))
        #expect(titles.contains("p99"))
        #expect(!titles.contains("p99.9"))
        let usual = words(LiveTable(width: 80).lines(current, since: previous)[2])
        for title in ["state", "requests", "5xx", "open", "p50", "p99", "restarts"] {
            #expect(usual.contains(title))
        }
    }

    @Test func `a low terminal shows some workers, the total and how many are left out`() {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 30)
        for slot in 0..<30 { ledger.started(slot: slot, generation: 1, pid: 1, now: 0) }
        let lines = LiveTable(height: 12).lines(ledger.figures(now: 1), since: nil)
        #expect(lines.count == 12)
        #expect(lines[10] == "… and 23 more")
        #expect(lines[11].hasPrefix("total"))
        #expect(LiveTable(height: 34).lines(ledger.figures(now: 1), since: nil).count == 34)
        #expect(LiveTable(height: 0).lines(ledger.figures(now: 1), since: nil).count == 5)
        #expect(LiveTable(width: .min, height: .min).lines(ledger.figures(now: 1), since: nil).count == 5)
    }

    @Test func `without earlier figures rates are of the whole run`() {
        #expect(LiveTable().lines(current, since: nil)[0].contains("126 req/s"))
    }

    @Test func `an interval of no length has no rate`() {
        #expect(IntervalLine.text(current, since: current).contains("rate=0/s"))
    }

    @Test func `a slot that was given up and begun again counts from zero`() {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 1)
        ledger.started(slot: 0, generation: 1, pid: 1, now: 0)
        ledger.refresh(slot: 0, generation: 1, figures: Sample.figures(requests: 500), now: 1)
        let before = ledger.figures(now: Sample.second)
        ledger.remove(slot: 0)
        ledger.started(slot: 0, generation: 2, pid: 2, now: 2)
        ledger.refresh(slot: 0, generation: 2, figures: Sample.figures(requests: 20), now: 3)
        let after = ledger.figures(now: 2 * Sample.second)
        let rows = LiveTable().lines(after, since: before)
        #expect(words(rows[3])[4] == "20")
        #expect(words(rows[4])[1] == "20")
        #expect(words(rows[4])[2] == "520")
    }

    @Test func `the interval's line has the run's counts and the interval's rate and percentiles`() {
        #expect(
            IntervalLine.text(current, since: previous)
                == "requests=1517 rate=250/s 2xx=1515 4xx=1 5xx=1 in=75.9kB out=228kB open=4 "
                + "p50=20.2µs p90=20.2µs p99=20.2µs p99.9=20.2µs workers=2/2 restarts=1")
    }

    @Test func `an interval without requests has dashes for percentiles`() {
        let line = IntervalLine.text(current, since: current)
        #expect(line.contains("p50=- p90=- p99=- p99.9=-"))
        #expect(line.hasPrefix("requests=1517 "))
    }

    @Test func `the summary tells the whole run`() {
        let lines = RunSummary.text(current).split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        #expect(lines[0] == "duration    12s")
        #expect(lines[1] == "requests    1517 (126/s)")
        #expect(lines[2] == "responses   1xx 0, 2xx 1515, 3xx 0, 4xx 1, 5xx 1")
        #expect(lines[3] == "received    75.9kB (6.32kB/s)")
        #expect(lines[4] == "sent        228kB (19kB/s)")
        #expect(lines[5] == "connections 151 accepted, 4 open")
        #expect(lines[6] == "latency     p50 20.2µs, p90 20.2µs, p99 20.2µs, p99.9 2.5ms, max 2.5ms, mean 36.3µs")
        #expect(lines[7] == "failures    0 unreadable requests; timeouts: header 0, body 0, idle 0, write 0, handler 0")
        #expect(lines[8] == "restarts    1")
        #expect(lines[9] == "reports     2 received, 2 lost, 0 refused, 1 ignored (short 1)")
        #expect(words(lines[12]).prefix(3) == ["0", "1", "1500"])
        #expect(words(lines[13]).prefix(3) == ["1", "2", "17"])
        #expect(lines.count == 14)
    }

    @Test func `figures at their limits render`() {
        var figures = FigureSnapshot()
        for counter in Counter.allCases { figures[counter] = .max }
        for bucket in 0..<LatencyHistogram.bucketCount { figures.histogram.setBucket(bucket, to: .max) }
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: .max)
        ledger.started(slot: 0, generation: 1, pid: -1, now: 0)
        ledger.refresh(slot: 0, generation: 1, figures: figures, now: .max)
        let cluster = ledger.figures(now: .max)
        let server = ServerIdentity(name: "", version: "", startedUnixSeconds: .max)
        #expect(!LiveTable(width: 80).lines(cluster, since: cluster).isEmpty)
        #expect(!LiveTable().lines(cluster, since: nil).isEmpty)
        #expect(!RunSummary.text(cluster).isEmpty)
        #expect(!IntervalLine.json(cluster, since: nil).isEmpty)
        #expect(!StatsPage.json(cluster, server: server).isEmpty)
        #expect(!MetricsPage.text(cluster, server: server).isEmpty)
    }
}
