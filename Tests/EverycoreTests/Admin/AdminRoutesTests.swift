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

    @Test func `the admin worker has a health of its own`() throws {
        let client = try TestClient { $0.addAdmin(server: identity) { $0(figures(1)) } }
        #expect(try client.get("/health").status == 200)
    }
}
