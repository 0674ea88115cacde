// Facts about the dashboard's page, its event streams and its history.

import Everycore
import EverycoreLoop
import EverycoreStatistics
import Testing

struct DashboardTests {
    private let identity = ServerIdentity(name: "everycore", version: "1", startedUnixSeconds: 0)

    private func figures(_ number: UInt64, exits: [ExitRecord] = [], requests: [RunningRequest] = []) -> ClusterFigures {
        var total = FigureSnapshot()
        total[.requests] = number * 100
        total[.responses2xx] = number * 100
        return ClusterFigures(
            takenAtNanoseconds: number * 1_000_000_000, startedAtNanoseconds: 0, wantedWorkers: 2, departed: total, departedRestarts: 0,
            unassignedReports: ReportTally(), slots: [], exits: exits, requests: requests)
    }

    /// Each question is answered with figures that are a second newer.
    private func client(
        history: HistoryMemory? = nil, answers: Bool = true, exits: [ExitRecord] = [], requests: [RunningRequest] = []
    ) throws -> (TestClient, LiveFigures) {
        var asked: UInt64 = 0
        var live: LiveFigures?
        let loop = try EventLoop()
        let client = try TestClient(loop: loop) {
            let made = LiveFigures(server: identity, history: history, on: loop) { done in
                asked += 1
                if answers { done(figures(asked, exits: exits, requests: requests)) }
            }
            $0.addDashboard(made)
            live = made
        }
        return (client, try #require(live))
    }

    @Test func `the page is small, has the figures of now, and runs nothing but its own`() throws {
        let (client, live) = try client()
        _ = try client.get("/")
        let page = try client.get("/")
        #expect(page.status == 200 && page.body.utf8.count < 40_000)
        #expect(page.body.contains("<dd id=\"rate\">100</dd>"))
        let policy = try #require(page["content-security-policy"])
        #expect(policy.hasPrefix("default-src 'none';") && !policy.contains("unsafe"))
        let nonce = try #require(policy.firstMatch(of: /script-src 'nonce-([0-9a-f]{32})'/)?.1)
        #expect(page.body.contains("<script nonce=\"\(nonce)\">") && page.body.contains("<style nonce=\"\(nonce)\">"))
        // Nothing from elsewhere, and nothing that the policy would refuse.
        for absent in ["src=", " style=", " onclick=", "http://", "https://", "innerHTML", "eval("] {
            #expect(!page.body.replacing("http://www.w3.org/2000/svg", with: "").contains(absent), "\(absent)")
        }
        #expect(try client.get("/")["content-security-policy"] != policy)
        withExtendedLifetime(live) {}
    }

    @Test func `what requests and workers have said is escaped`() throws {
        var exit = ExitRecord(id: 1, slot: 0, generation: 1, pid: 9, kind: .crash, reason: "<b>", unixSeconds: 0)
        exit.request = ExitRecord.Request(description: "GET /<script>alert('1')&\"", ageNanoseconds: 0)
        let request = RunningRequest(
            worker: -1, generation: 1, pid: 77, state: .waiting, description: "GET /<img src=x>", route: "", ageNanoseconds: 2_500_000_000)
        let (client, live) = try client(exits: [exit], requests: [request])
        let page = try client.get("/").body
        #expect(page.contains("GET /&lt;script&gt;alert(&#39;1&#39;)&amp;&quot;") && page.contains("crash, &lt;b&gt;"))
        #expect(page.ranges(of: "<script").count == 1)
        #expect(page.contains("<th scope=\"row\" class=\"w\">GET /&lt;img src=x&gt;</th><td>2.5s</td><td class=\"t\">waiting</td><td>quarantine</td>"))
        withExtendedLifetime(live) {}
    }

    @Test func `a master that doesn't answer costs the page some milliseconds`() throws {
        let (client, live) = try client(answers: false)
        let began = ContinuousClock.now
        let page = try client.get("/")
        #expect(page.status == 200 && page.body.contains("the master gave no figures"))
        #expect(ContinuousClock.now - began < .milliseconds(500))
        withExtendedLifetime(live) {}
    }

    @Test func `streams end with the worker, and more than the limit are refused`() throws {
        let (client, live) = try client()
        let streams = try (0..<LiveFigures.streamLimit).map { _ in try client.start("GET", "/events") }
        // Each begins in a task.
        let pause = client.loop.after(.milliseconds(50)) { client.loop.stop() }
        client.loop.run()
        withExtendedLifetime(pause) {}
        let refused = try client.get("/events")
        #expect(refused.status == 503 && refused["retry-after"] != nil)
        live.stop()
        for stream in streams where !stream.isAnswered {
            stream.onAnswer = { client.loop.stop() }
            client.loop.run()
        }
        for stream in streams {
            #expect(stream.response?["content-type"] == "text/event-stream")
            #expect(stream.pieces.count >= 2)
        }
    }

    @Test func `a stream that takes nothing has one frame that waits, and is given up`() throws {
        let stream = EventStream(on: try EventLoop())
        for number in 0...10 {
            #expect(!stream.isStalled)
            stream.offer("\(number)")
        }
        #expect(stream.isStalled)
    }

    @Test func `the history is offered by span`() throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: HistoryMemory.byteCount, alignment: 8)
        defer { unsafe memory.deallocate() }
        let history = unsafe HistoryMemory(at: memory)
        history.begin()
        let (client, live) = try client(history: history)
        for span in ["5m", "1h", "24h"] { #expect(try client.get("/history?span=\(span)").body.hasPrefix("{\"span\":\"\(span)\"")) }
        #expect(try client.get("/history").body.hasPrefix("{\"span\":\"5m\""))
        #expect(try client.get("/history?span=1d").status == 400)
        withExtendedLifetime(live) {}
    }
}
