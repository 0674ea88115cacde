// The program's own metrics through the deaths, reloads and upgrades of what counts them.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct MetricsOfTheApplication {
        private func counting(_ settings: String...) throws -> TestedServer {
            let arguments = ["metrics=1", "port=0", "admin=127.0.0.1:0", "workers=2", "respawn.delay_first=10ms", "quarantine.deaths=0"] + settings
            return try TestedServer(Running("everycore-test-server", arguments))
        }

        private func page(_ server: TestedServer) throws -> String {
            let reply = try server.getAdmin("/metrics")
            try #require(reply.status == 200)
            return reply.body
        }

        private func value(_ series: String, _ server: TestedServer) throws -> Double? { value(series, in: try page(server)) }

        private func value(_ series: String, in page: String) -> Double? {
            page.split(separator: "\n").first { $0.hasPrefix(series + " ") }.flatMap { Double($0.dropFirst(series.utf8.count + 1)) }
        }

        private let visits = #"test_visits_total{page="a \"b\""}"#

        /// Visits over connections of their own, so that both workers have some.
        private func visit(_ server: TestedServer, _ count: Int) throws {
            for _ in 0..<count { #expect(try server.get("/metric/visit").status == 200) }
        }

        @Test func areSummedOverWorkersAndTheMaster() throws {
            let server = try counting()
            try visit(server, 40)
            let page = try page(server)
            #expect(value(visits, in: page) == 40)
            #expect(value("test_work_seconds_count", in: page) == 40)
            #expect(value(#"test_work_seconds_bucket{le="0.0025"}"#, in: page) == 40)
            #expect(value(#"test_work_seconds_bucket{le="0.001"}"#, in: page) == 0)
            #expect(value("test_begun_total", in: page) == 1, "counted in the master, before the first fork")
            #expect(value("test_forks_total", in: page) == 2)
            let stats = try server.getAdmin("/stats").body
            #expect(stats.contains(#"{"label":"test.visits","kind":"counter","dimensions":{"page":"a \"b\""},"value":40}"#), "\(stats)")
            #expect(server.stop() == 0)
        }

        @Test func areExactAfterKill() throws {
            let server = try counting()
            try visit(server, 30)
            for round in 1...5 {
                // The series is made and counted, and the worker is gone in the next moment.
                let client = try server.connect()
                client.request("GET", "/metric/die")
                #expect(client.awaitEnd() == "closed")
                #expect(server.program.becomesTrue(within: .seconds(5)) { server.workers.count == 2 })
                let page = try page(server)
                let died = page.split(separator: "\n").filter { $0.hasPrefix("test_died_total{") }
                #expect(died.count == round && died.allSatisfy { $0.hasSuffix(" 1") }, "\(died)")
                #expect(value(visits, in: page) == 30)
            }
            kill(try #require(server.workers.first), SIGKILL)
            #expect(server.program.becomesTrue(within: .seconds(5)) { (try? value(visits, server)) == 30 && server.workers.count == 2 })
            try visit(server, 10)
            #expect(try value(visits, server) == 40)
            #expect(server.stop() == 0)
        }

        @Test func leaveNothingOfTheDeadButTheirCounts() throws {
            let server = try counting("recycle.requests=0")
            let pid = try #require(pid_t(try server.get("/metric/gauge?value=7").body.trimmingCharacters(in: .whitespacesAndNewlines)))
            #expect(try value("test_gauge", server) == 7 && (try value("test_lowest", server)) == 7)
            let before = try mappings(server.program.pid)
            kill(pid, SIGKILL)
            #expect(server.program.becomesTrue(within: .seconds(5)) { (try? value("test_gauge", server)) == nil }, "gauges of the dead vanish")
            for _ in 0..<20 {
                let client = try server.connect()
                client.request("GET", "/metric/die")
                _ = client.awaitEnd()
            }
            #expect(server.program.becomesTrue(within: .seconds(5)) { server.workers.count == 2 })
            _ = try page(server)
            #expect(try mappings(server.program.pid) <= before + 1, "the pages of the dead are given back")
            #expect(server.stop() == 0)
        }

        /// How many mappings of metrics' pages a process has.
        private func mappings(_ pid: pid_t) throws -> Int {
            let maps = try String(contentsOfFile: "/proc/\(pid)/maps", encoding: .utf8)
            return maps.split(separator: "\n").count { line in
                let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt64($0, radix: 16) }
                return ends.count == 2 && (20 << 20..<40 << 20).contains(ends[1] - ends[0]) && line.contains("rw-s")
            }
        }

        @Test func countFromThreadsOfAWorker() throws {
            let server = try counting()
            #expect(try server.get("/metric/threads?n=25000", within: .seconds(30)).status == 200)
            #expect(try value(visits, server) == 100_000)
            #expect(server.stop() == 0)
        }

        @Test func haveABoundThatIsSaid() throws {
            let server = try counting("workers=1")
            #expect(try server.get("/metric/many?n=5000", within: .seconds(30)).status == 200)
            let page = try page(server)
            let made = page.split(separator: "\n").count { $0.hasPrefix("test_many_total{") }
            #expect(made > 4000 && made <= 4096)
            #expect(value(#"everycore_metrics_refused_total{by="process"}"#, in: page) == Double(5000 - made))
            #expect(server.program.error.ranges(of: "event=metrics_series_refused").count == 1, "\(server.program.error)")
            // What there was before still counts.
            try visit(server, 3)
            #expect(try value(visits, server) == 3)
            #expect(server.stop() == 0)
        }

        @Test func destroyedSeriesVanishAndBeginAnew() throws {
            let server = try counting("workers=1")
            let series = #"test_added_total{kind="x"}"#
            #expect(try server.get("/metric/add?kind=x&n=5").status == 200)
            #expect(try value(series, server) == 5)
            #expect(try server.get("/metric/destroy?kind=x").status == 200)
            #expect(try value(series, server) == nil)
            #expect(try server.get("/metric/add?kind=x&n=2").status == 200)
            #expect(try value(series, server) == 2)
            #expect(server.stop() == 0)
        }

        @Test func areThereAsOpenMetrics() throws {
            let server = try counting()
            try visit(server, 3)
            let connection = try Connection(try #require(server.admin))
            connection.request("GET", "/metrics", headers: "Accept: application/openmetrics-text; version=1.0.0\r\nConnection: close\r\n")
            let reply = try connection.reply()
            #expect(reply.fields.contains { $0.name.lowercased() == "content-type" && $0.value.hasPrefix("application/openmetrics-text") })
            #expect(reply.body.hasSuffix("# EOF\n") && reply.body.contains("# TYPE test_visits counter\n"))
            #expect(reply.body.contains(#" # {worker=""#), "exemplars")
            #expect(server.stop() == 0)
        }

        @Test func workInAClusterWithoutHTTP() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-metrics"
            defer { unsafe unlink(path) }
            let program = try Running("everycore-test-server", ["metrics_cluster=\(path)"])
            // Two generations of each of two workers die, the third stays.
            let isThere = program.becomesTrue(within: .seconds(10)) {
                (try? String(contentsOfFile: path, encoding: .utf8))?.contains("\ntest_starts_total 6\n") == true
            }
            #expect(isThere, "\((try? String(contentsOfFile: path, encoding: .utf8)) ?? "no page") \(program.error)")
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }

        @Test func neverGoBackwardsThroughUpgradesAndReloads() throws {
            let server = try counting()
            var master = server.program.pid
            var last: [String: Double] = [:]
            func scrape() throws {
                // The admin's process may change between the connection and the answer.
                guard let reply = try? server.getAdmin("/metrics"), reply.status == 200 else { return }
                for line in reply.body.split(separator: "\n") where line.first != "#" && line.contains("_total") && !line.hasPrefix("everycore_worker_") {
                    guard let space = line.lastIndex(of: " "), let count = Double(line[line.index(after: space)...]) else { continue }
                    let name = String(line[..<space])
                    #expect(count >= last[name] ?? 0, "\(name) went from \(last[name] ?? 0) to \(count)")
                    last[name] = count
                }
            }
            var sent = 0.0
            for round in 1...3 {
                if round == 2 { kill(master, SIGHUP) }
                let successors = server.program.successors.count
                kill(master, SIGUSR2)
                for _ in 0..<400 where server.program.successors.count == successors || lines(server) < round {
                    if (try? server.get("/metric/visit").status) == 200 { sent += 1 }
                    try scrape()
                }
                #expect(lines(server) >= round, "\(server.program.error)")
                master = try #require(server.program.successors.last)
            }
            try scrape()
            #expect(last[visits] == sent)
            #expect(last["test_begun_total"] == 4, "each master has counted once")
            kill(master, SIGTERM)
            #expect(server.program.becomesTrue(within: .seconds(8)) { server.program.members.isEmpty })
            server.program.collect()
        }

        private func lines(_ server: TestedServer) -> Int { server.program.error.ranges(of: "] the old master has exited").count }

        // MARK: StatsD

        @Test func arePushedToAStatsDReceiver() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-statsd"
            let receiver = try DatagramReceiver(path)
            let server = try counting("statsd.address=\(path)", "statsd.interval=1s", "statsd.prefix=shop.")
            try visit(server, 5)
            let isThere = server.program.becomesTrue(within: .seconds(5)) {
                receiver.receiveAll()
                return receiver.sum(of: "shop.test_visits:", "|c|#page:a_\"b\"") == 5
            }
            #expect(isThere, "\(receiver.lines)")
            try visit(server, 2)
            // The last push is that of the stop.
            #expect(server.stop() == 0)
            receiver.receiveAll()
            #expect(receiver.sum(of: "shop.test_visits:", "|c|#page:a_\"b\"") == 7)
            #expect(receiver.sum(of: "shop.everycore_requests:", "|c") >= 7)
            #expect(receiver.lines.contains { $0.hasPrefix("shop.test_work_seconds_p99:") })
        }

        @Test func aDeadReceiverCostsNothing() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-nostatsd"
            let server = try counting("statsd.address=\(path)", "statsd.interval=1s")
            try visit(server, 5)
            #expect(server.program.becomesTrue(within: .seconds(5)) { server.program.error.contains("event=statsd_unreachable") })
            // A receiver that comes later gets what was counted since.
            let receiver = try DatagramReceiver(path)
            let isThere = server.program.becomesTrue(within: .seconds(5)) {
                receiver.receiveAll()
                return receiver.lines.contains { $0.hasPrefix("everycore_uptime_seconds:") }
            }
            #expect(isThere)
            #expect(server.program.error.ranges(of: "event=statsd_unreachable").count == 1)
            #expect(server.stop() == 0)
        }
    }
}
