// Counting: what the clients were answered is what `/stats`, the printed lines and the summary say.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct TheFigures {
        private static let request = "GET /plaintext HTTP/1.1\r\nHost: test\r\n\r\n"

        /// Sends so many requests over several connections, a few in flight on each, and counts the answers.
        private func load(_ server: TestedServer, requests: Int, connections count: Int) throws -> Int {
            let connections = try (0..<count).map { _ in try server.connect() }
            var answered = 0
            for (index, connection) in connections.enumerated() {
                var left = requests / count + (index < requests % count ? 1 : 0)
                while left > 0 {
                    let batch = min(left, 8)
                    connection.send(String(repeating: Self.request, count: batch))
                    for _ in 0..<batch where try connection.reply().status == 200 { answered += 1 }
                    left -= batch
                }
            }
            return answered
        }

        @Test func countEveryRequestExactly() throws {
            let server = try TestedServer.everycore()
            let before = try server.stats()
            #expect(try load(server, requests: 5000, connections: 9) == 5000)
            let missing = "GET /nowhere HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
            let client = try server.connect()
            client.send(missing)
            #expect(try client.reply().status == 404)
            #expect(client.awaitEnd() == "closed")
            let after = try server.stats()
            #expect(after.total.requests - before.total.requests == 5001)
            #expect((after.total.responses["2xx"] ?? 0) - (before.total.responses["2xx"] ?? 0) == 5000)
            #expect((after.total.responses["4xx"] ?? 0) - (before.total.responses["4xx"] ?? 0) == 1)
            #expect(after.total.connections.accepted - before.total.connections.accepted == 10)
            #expect(after.total.bytes_in - before.total.bytes_in == 5000 * Self.request.utf8.count + missing.utf8.count)
            #expect(after.workers.map(\.requests).reduce(0, +) == after.total.requests)
            #expect(after.workers.map(\.slot) == [0, 1])
            #expect(after.workers.allSatisfy { $0.state == "ready" && $0.resident_bytes > 0 && $0.stale_seconds < 1 })
            let latency = after.total.latency_seconds
            #expect(try #require(latency.p50) <= (try #require(latency.p99)))
            #expect(try #require(latency.p99) <= (try #require(latency.max)))
            // Reports that were lost would cost freshness, and there is no reason here to lose any.
            #expect(after.total.reports.lost == 0)
            #expect(server.stop() == 0)
            let summary = server.program.output
            #expect(summary.contains("requests    \(after.total.requests) ("), "\(summary)")
            #expect(summary.contains("restarts    0"))
        }

        @Test func countWhatAStuckWorkerHasServed() throws {
            let server = try TestedServer.harmful("stuck.limit=off", workers: 1)
            let before = try server.stats().total.requests
            let client = try server.connect()
            for _ in 0..<25 {
                client.request("GET", "/constant")
                #expect(try client.reply().status == 200)
            }
            client.request("GET", "/spin")
            server.awaitHeld(server.workers)
            #expect(try server.stats().total.requests == before + 25)
            server.stop(SIGQUIT)
        }

        @Test func arePrintedAsALineOfTextPerInterval() throws {
            let server = try TestedServer.everycore("--report-interval", "100ms")
            let before = try server.stats().total.requests
            #expect(try load(server, requests: 300, connections: 3) == 300)
            #expect(server.program.prints("requests=\(before + 300) rate="))
            #expect(server.program.output.contains("workers=2/2 restarts=0\n"))
            #expect(server.stop() == 0)
            #expect(server.program.output.contains("requests    \(before + 300) ("))
        }

        @Test func arePrintedAsJSONInEveryLine() throws {
            let server = try TestedServer.everycore("--report-interval", "100ms", "--log-format", "json")
            let before = try server.stats().total.requests
            #expect(try load(server, requests: 300, connections: 3) == 300)
            #expect(server.program.prints(#""requests":\#(before + 300),"#))
            #expect(server.stop() == 0)
            let output = server.program.output
            let events = try output.split(separator: "\n").map { line in
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                return (name: object?["event"] as? String, object: object)
            }
            #expect(events.first?.name == "start")
            #expect(events.contains { $0.name == "figures" })
            #expect(events.last?.name == "summary")
            let total = events.last?.object?["total"] as? [String: Any]
            #expect(total?["requests"] as? Int == before + 300)
            for line in server.program.error.split(separator: "\n") {
                let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
                #expect(object?["level"] is String && object?["message"] is String)
            }
        }

        @Test func arePrintedOnRequestAlsoByAQuietServer() throws {
            // A quiet server prints no banner, so it can't be asked which port it has: the test chooses one.
            let holder = try Endpoint.ipv4(0).listening(reusesPort: false)
            let port = Endpoint.port(of: holder)
            Glibc.close(holder)
            let program = try Running("everycore", ["serve", "--quiet", "--port", "\(port)", "--admin", "off", "--workers", "1"])
            let endpoint = Endpoint.ipv4(port)
            #expect(program.becomesTrue(within: .seconds(5)) { (try? Connection(endpoint).whoami()) != nil })
            #expect(program.output == "")
            program.signal(SIGUSR1)
            #expect(program.prints("requests"))
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
            #expect(program.error == "")
        }

        @Test func areServedThoughTheReaderOfTheOutputIsGone() throws {
            let server = try TestedServer.everycore("--report-interval", "100ms")
            server.program.closeOutput()
            server.program.letTimePass(.milliseconds(350))  // Three intervals, each a write to a pipe without a reader.
            #expect(try load(server, requests: 100, connections: 2) == 100)
            #expect(try server.stats().total.requests >= 100)
            #expect(server.stop() == 0)
        }

        @Test func surviveTheAdminProcess() throws {
            let server = try TestedServer.everycore()
            #expect(try load(server, requests: 100, connections: 2) == 100)
            let before = try server.stats().total.requests
            let admin = try #require(ProcessTable.children(of: server.program.pid).first { !server.workers.contains($0) })
            kill(admin, SIGKILL)
            #expect(try server.get("/plaintext").status == 200)
            let after = try server.stats()
            #expect(after.total.requests == before + 1)
            #expect(after.total.restarts == 0)
            #expect(server.stop() == 0)
        }
    }
}
