// Facts about the admin worker's pages.

import Everycore
import EverycoreLoop
import EverycoreStatistics
import Testing

struct AdminRoutesTests {
    private let identity = ServerIdentity(name: "everycore", version: "1", startedUnixSeconds: 0)

    private func figures(_ wanted: Int) -> ClusterFigures {
        ClusterFigures(
            takenAtNanoseconds: 2_000_000_000, startedAtNanoseconds: 0, wantedWorkers: wanted, departed: FigureSnapshot(),
            departedRestarts: 0, unassignedReports: ReportTally(), slots: [])
    }

    @Test func `stats is JSON from figures asked for anew`() throws {
        var asked = 0
        let client = try TestClient {
            $0.addAdmin(server: identity) { answer in
                asked += 1
                answer(figures(asked))
            }
        }
        for wanted in 1...2 {
            let response = try client.get("/stats")
            #expect(response["content-type"] == "application/json")
            #expect(response["cache-control"] == "no-store")
            #expect(response.body.contains("\"workers_wanted\":\(wanted)"))
        }
    }

    @Test func `metrics is Prometheus text, also when the figures take their time`() throws {
        var pending: ((ClusterFigures?) -> Void)?
        let client = try TestClient { $0.addAdmin(server: identity) { pending = $0 } }
        let exchange = try client.start("GET", "/metrics")
        #expect(!exchange.isAnswered)
        exchange.onAnswer = { client.loop.stop() }
        pending?(figures(2))
        client.loop.run()
        #expect(exchange.response?["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(exchange.response?.body.hasPrefix("# HELP ") == true)
    }

    @Test func `without figures the answer is a 503`() throws {
        let client = try TestClient { $0.addAdmin(server: identity) { $0(nil) } }
        #expect(try client.get("/stats").status == 503)
        #expect(try client.get("/metrics").status == 503)
    }

    @Test func `stacks are the master's, and no other site's page can ask for them`() throws {
        var (asked, answer) = (0, Array("{\"stacks\":[]}".utf8) as [UInt8]?)
        let client = try TestClient {
            $0.addAdmin(
                server: identity, figures: { $0(figures(1)) },
                stacks: {
                    asked += 1
                    $0(answer)
                })
        }
        let response = try client.get("/stacks")
        #expect(response.body == "{\"stacks\":[]}" && response["content-type"] == "application/json" && response["cache-control"] == "no-store")
        #expect(try client.send("GET", "/stacks", headers: [("Sec-Fetch-Site", "same-origin")]).status == 200)
        for site in ["cross-site", "same-site", ""] {
            #expect(try client.send("GET", "/stacks", headers: [("Sec-Fetch-Site", site)]).status == 403, "\(site)")
        }
        #expect(asked == 2)
        answer = nil
        #expect(try client.get("/stacks").status == 503)
        #expect(try TestClient { $0.addAdmin(server: identity) { $0(figures(1)) } }.get("/stacks").status == 404)
    }

    @Test func `the admin worker has a health of its own`() throws {
        let client = try TestClient { $0.addAdmin(server: identity) { $0(figures(1)) } }
        #expect(try client.get("/health").status == 200)
    }
}
