// The field names of `/stats` and of the JSON lines, an interface for scripts.

import EverycoreStatistics
import Foundation
import Testing

@Suite struct StatsPageTests {
    private struct Page: Decodable {
        struct Server: Decodable {
            let name: String
            let version: String
            let started: UInt64
            let uptime_seconds: Double
        }
        let server: Server
        let total: Figures
        let workers: [Worker]
    }
    private struct Figures: Decodable {
        struct Connections: Decodable {
            let accepted: UInt64
            let open: UInt64
        }
        struct Latency: Decodable {
            let p50, p90, p99, p999, max, mean: Double
        }
        struct Reports: Decodable {
            let received, lost, refused, ignored: UInt64
        }
        let requests: UInt64
        let responses: [String: UInt64]
        let bytes_in: UInt64
        let bytes_out: UInt64
        let connections: Connections
        let latency_seconds: Latency
        let reports: Reports
        let restarts: UInt64
    }
    private struct Worker: Decodable {
        let slot: Int
        let generation: Int
        let pid: Int32
        let state: String
        let uptime_seconds: Double
        let resident_bytes: UInt64
        let stale_seconds: Double
        let figures: Figures

        enum CodingKeys: CodingKey {
            case slot, generation, pid, state, uptime_seconds, resident_bytes, stale_seconds
        }

        init(from decoder: any Decoder) throws {
            let members = try decoder.container(keyedBy: CodingKeys.self)
            slot = try members.decode(Int.self, forKey: .slot)
            generation = try members.decode(Int.self, forKey: .generation)
            pid = try members.decode(Int32.self, forKey: .pid)
            state = try members.decode(String.self, forKey: .state)
            uptime_seconds = try members.decode(Double.self, forKey: .uptime_seconds)
            resident_bytes = try members.decode(UInt64.self, forKey: .resident_bytes)
            stale_seconds = try members.decode(Double.self, forKey: .stale_seconds)
            figures = try Figures(from: decoder)
        }
    }

    private let server = ServerIdentity(name: "everycore", version: "1.0 \"x\"", startedUnixSeconds: 1_700_000_000)

    private func page(_ cluster: ClusterFigures) throws -> Page {
        let text = StatsPage.json(cluster, server: server)
        return try JSONDecoder().decode(Page.self, from: Data(text.utf8))
    }

    @Test func `the page has every promised field with the cluster's figures`() throws {
        let page = try page(Sample.cluster())
        #expect(page.server.name == "everycore")
        #expect(page.server.version == "1.0 \"x\"")
        #expect(page.server.started == 1_700_000_000)
        #expect(page.server.uptime_seconds == 10)
        #expect(page.total.requests == 1017)
        #expect(page.total.responses == ["1xx": 0, "2xx": 1015, "3xx": 0, "4xx": 1, "5xx": 1])
        #expect(page.total.bytes_in == 1017 * 50)
        #expect(page.total.bytes_out == 1017 * 150)
        #expect(page.total.connections.accepted == 101)
        #expect(page.total.connections.open == 4)
        #expect(abs(page.total.latency_seconds.p50 - 0.00002) <= 0.0000006)
        #expect(abs(page.total.latency_seconds.p999 - 0.0025) <= 0.000075)
        #expect(page.total.latency_seconds.max == 0.0025)
        #expect(page.total.latency_seconds.p50 <= page.total.latency_seconds.p90)
        #expect(page.total.latency_seconds.p99 <= page.total.latency_seconds.p999)
        #expect(page.total.latency_seconds.mean > 0.00002)
        #expect(page.total.reports.received == 2)
        #expect(page.total.reports.lost == 2)
        #expect(page.total.reports.refused == 0)
        #expect(page.total.reports.ignored == 1)
        #expect(page.total.restarts == 1)
    }

    @Test func `each worker has the same and says who it is`() throws {
        let workers = try page(Sample.cluster()).workers
        #expect(workers.map(\.slot) == [0, 1])
        #expect(workers.map(\.generation) == [1, 2])
        #expect(workers.map(\.pid) == [4001, 4003])
        #expect(workers.map(\.state) == ["ready", "ready"])
        #expect(workers.map(\.uptime_seconds) == [10, 9])
        #expect(workers.map(\.stale_seconds) == [0.5, 0.25])
        #expect(workers.map(\.resident_bytes) == [4_000_000, 4_000_000])
        #expect(workers.map(\.figures.requests) == [1000, 17])
        #expect(workers.map(\.figures.restarts) == [0, 1])
        #expect(workers.map(\.figures.latency_seconds.max) == [0.00002, 0.0025])
    }

    @Test func `a cluster without workers or requests has zeros`() throws {
        let page = try page(ClusterLedger(startedAt: 0, wantedWorkers: 0).figures(now: 0))
        #expect(page.workers.isEmpty)
        #expect(page.total.requests == 0)
        #expect(page.total.latency_seconds.p99 == 0)
    }

    @Test func `the summary as JSON is one line with the same names`() throws {
        struct Summary: Decodable {
            let event: String
            let duration_seconds: Double
            let requests_per_second: Double
            let total: Figures
            let workers: [Worker]
        }
        let text = RunSummary.json(Sample.cluster())
        #expect(!text.contains("\n"))
        let summary = try JSONDecoder().decode(Summary.self, from: Data(text.utf8))
        #expect(summary.event == "summary")
        #expect(summary.duration_seconds == 10)
        #expect(summary.requests_per_second == 101.7)
        #expect(summary.total.requests == 1017)
        #expect(summary.workers.count == 2)
    }

    @Test func `the interval as JSON is one line with the run's counts and the interval's rate`() throws {
        struct Line: Decodable {
            struct Workers: Decodable {
                let ready: Int
                let wanted: Int
            }
            let event: String
            let interval_seconds: Double
            let requests: UInt64
            let requests_per_second: Double
            let responses: [String: UInt64]
            let connections: Figures.Connections
            let latency_seconds: Figures.Latency
            let workers: Workers
            let restarts: UInt64
        }
        let previous = Sample.cluster(requests: 1000, now: 10 * Sample.second)
        let current = Sample.cluster(requests: 1500, now: 12 * Sample.second)
        let text = IntervalLine.json(current, since: previous)
        #expect(!text.contains("\n"))
        let line = try JSONDecoder().decode(Line.self, from: Data(text.utf8))
        #expect(line.event == "figures")
        #expect(line.requests == 1517)
        #expect(line.interval_seconds == 2)
        #expect(line.requests_per_second == 250)
        #expect(line.responses["2xx"] == 1515)
        #expect(abs(line.latency_seconds.p999 - 0.00002) <= 0.0000006)
        #expect(line.workers.ready == 2)
        #expect(line.workers.wanted == 2)
        #expect(line.restarts == 1)
        #expect(line.connections.open == 4)
    }
}
