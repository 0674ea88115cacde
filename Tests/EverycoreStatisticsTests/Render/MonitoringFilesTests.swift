// config/alerts.yml, config/prometheus.yml and config/grafana.json: what they ask for exists, and Prometheus's own tool takes them.

import EverycoreStatistics
import Foundation
import TestSupport
import Testing

// From Debian's package prometheus, which scripts/test installs.
private let promtoolPath = ["/usr/bin/promtool", "/usr/local/bin/promtool"].first { FileManager.default.isExecutableFile(atPath: $0) }

@Suite struct MonitoringFilesTests {
    private func file(_ name: String) throws -> String { try String(contentsOfFile: Project.root + "/config/" + name, encoding: .utf8) }

    private static let server = ServerIdentity(name: "everycore", version: "1", startedUnixSeconds: 1)

    private static let metrics = MetricsFigures(series: [
        MetricSeries(MetricIdentity(.counter, "shop.orders", [.init("country", "fr")]), .count(1)),
        MetricSeries(MetricIdentity(.timer, "shop.query"), .timer(BucketCounts([.init(9, 4)]) ?? BucketCounts(), sum: 4000, maximum: 999)),
        MetricSeries(MetricIdentity(.recorder, "shop.basket"), .recorder(BucketCounts([.init(300, 4)]) ?? BucketCounts(), sum: 9, maximum: 3)),
        MetricSeries(MetricIdentity(.gauge, "shop.queue"), .gauge(4, setAt: 1)),
    ])

    /// Everything that a page can have.
    private var cluster: ClusterFigures {
        let some = Sample.cluster()
        return ClusterFigures(
            takenAtNanoseconds: some.takenAtNanoseconds, startedAtNanoseconds: 0, wantedWorkers: 2, departed: some.departed, departedRestarts: 0,
            unassignedReports: some.unassignedReports, slots: some.slots,
            quarantine: [QuarantineRecord(route: "GET /x", request: nil, deaths: 3, ageNanoseconds: 1, remainingNanoseconds: 1)])
    }

    private var names: Set<String> {
        let pages = [cluster, Sample.cluster(), Sample.measuredCluster()].map { MetricsPage.collect($0, server: Self.server, metrics: Self.metrics) }
        return Set(pages.flatMap { $0.families.flatMap { $0.samples.map(\.name) } })
    }

    private func asked(_ text: String) -> Set<String> { Set(text.matches(of: /everycore_[a-z0-9_]+/).map { String($0.0) }) }

    @Test func `every metric that an alert asks for exists`() throws {
        let expressions = try file("alerts.yml").split(separator: "\n").filter {
            !$0.contains("summary:") && !$0.contains("description:") && !$0.contains("# ")
        }
        let asked = asked(expressions.joined(separator: "\n"))
        #expect(asked.count > 12)
        #expect(asked.subtracting(names).isEmpty, "\(asked.subtracting(names))")
    }

    @Test func `every metric that a panel of the dashboard shows exists`() throws {
        let text = try file("grafana.json")
        let dashboard = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let panels = try #require(dashboard["panels"] as? [[String: Any]])
        #expect(panels.count > 20)
        var ids: Set<Int> = []
        for panel in panels {
            #expect(ids.insert(try #require(panel["id"] as? Int)).inserted)
            guard panel["type"] as? String != "row" else { continue }
            let targets = try #require(panel["targets"] as? [[String: Any]])
            #expect(!targets.isEmpty)
            for target in targets {
                let asked = asked(try #require(target["expr"] as? String))
                #expect(!asked.isEmpty && asked.isSubset(of: names), "\(asked.subtracting(names))")
            }
        }
        #expect(asked(text).subtracting(names).isEmpty)
    }

    private func promtool(_ arguments: [String], input: String = "") throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(promtoolPath))
        process.arguments = arguments
        let (stdin, stdout) = (Pipe(), Pipe())
        process.standardInput = stdin
        process.standardOutput = stdout
        process.standardError = stdout
        try process.run()
        stdin.fileHandleForWriting.write(Data(input.utf8))
        try stdin.fileHandleForWriting.close()
        let output = stdout.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }

    @Test(.enabled(if: promtoolPath != nil, "promtool isn't installed")) func `promtool takes the rules and the configuration`() throws {
        for arguments in [["check", "rules", Project.root + "/config/alerts.yml"], ["check", "config", Project.root + "/config/prometheus.yml"]] {
            let result = try promtool(arguments)
            #expect(result.status == 0, "\(result.output)")
        }
    }

    @Test(.enabled(if: promtoolPath != nil, "promtool isn't installed")) func `promtool takes the page`() throws {
        let result = try promtool(["check", "metrics"], input: MetricsPage.text(cluster, server: Self.server, metrics: Self.metrics))
        #expect(result.status == 0, "\(result.output)")
    }
}
