// Ends of workers in the ledger, on the wire and on the pages.

import EverycoreStatistics
import Foundation
import TestSupport
import Testing

@Suite struct ExitRecordTests {
    private let server = ServerIdentity(name: "everycore", version: "1", startedUnixSeconds: 0)

    private func exit(_ id: Int, _ kind: ExitRecord.Kind = .killed) -> ExitRecord {
        var exit = ExitRecord(
            id: id, slot: id % 2, generation: 3, pid: 4711, kind: kind, reason: "SIGKILL", unixSeconds: 1_700_000_000)
        exit.uptimeNanoseconds = 1_500_000_000
        exit.requests = 42
        exit.peakResidentBytes = 9 << 20
        return exit
    }

    private func figures(_ exits: [ExitRecord]) -> ClusterFigures {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: 2)
        for exit in exits { ledger.exited(exit) }
        return ledger.figures(now: 1)
    }

    private func onceAround(_ figures: ClusterFigures) throws -> ClusterFigures? {
        var assembler = ClusterFigures.Assembler()
        var result: ClusterFigures?
        for part in figures.parts(maximumBytes: 1024) { result = try assembler.add(part) }
        return result
    }

    @Test func `the last hundred are kept and all are counted`() throws {
        let figures = figures((1...250).map { exit($0, $0 % 5 == 0 ? .crash : .voluntary) })
        #expect(figures.exits.map(\.id) == Array(151...250))
        #expect(figures.exitCounts[.crash] == 50 && figures.exitCounts[.voluntary] == 200 && figures.exitCounts[.stuck] == 0)
        #expect(try onceAround(figures) == figures)
    }

    @Test func `every field comes through`() throws {
        for outOfMemory in [nil, true, false] as [Bool?] {
            var exit = exit(1)
            exit.outOfMemory = outOfMemory
            exit.waitingRequests = 3
            exit.request = .init(description: "GET /\u{1B}ä", ageNanoseconds: 7)
            #expect(exit.request?.description == "GET /???")
            let figures = figures([exit])
            #expect(try onceAround(figures)?.exits == [exit])
        }
    }

    @Test func `texts are cut to what fits`() throws {
        var exit = ExitRecord(
            id: 1, slot: 0, generation: 1, pid: 0, kind: .notStarted, reason: String(repeating: "x", count: 5000), unixSeconds: 0)
        exit.request = .init(description: String(repeating: "é", count: 5000), ageNanoseconds: 0)
        #expect(exit.reason.utf8.count == 240 && exit.request?.description.utf8.count == 240)
        #expect(try onceAround(figures(Array(repeating: exit, count: 100)))?.exits.count == 100)
    }

    @Test func `damaged exits never trap`() {
        var random = SeededGenerator.printingSeed(5)
        var exit = exit(1)
        exit.request = .init(description: "GET /", ageNanoseconds: 1)
        let parts = figures([exit, exit]).parts()
        var assembler = ClusterFigures.Assembler()
        for round in 0..<20_000 {
            var part = parts[0]
            part[Int.random(in: 18..<part.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            if Bool.random(using: &random) { part.removeLast(Int.random(in: 0...300, using: &random) % part.count) }
            if let figures = try? assembler.add(part) {
                #expect(figures.exits.count <= 100)
                // A page costs a hundred times as much as a part.
                if round % 16 == 0 { _ = StatsPage.json(figures, server: server) }
            }
        }
    }

    @Test func `the pages name them`() throws {
        var known = exit(2, .outOfMemory)
        known.outOfMemory = true
        known.request = .init(description: "GET /eat", ageNanoseconds: 250_000_000)
        let text = StatsPage.json(figures([exit(1), known]), server: server)
        let page = try #require(JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let exits = try #require(page["exits"] as? [[String: Any]])
        #expect(exits.count == 2)
        #expect(exits[0]["out_of_memory"] == nil && exits[0]["request"] == nil)
        #expect(exits[0]["uptime_seconds"] as? Double == 1.5 && exits[0]["voluntary"] as? Bool == false)
        #expect(exits[1]["out_of_memory"] as? Bool == true && exits[1]["kind"] as? String == "out_of_memory")
        #expect((exits[1]["request"] as? [String: Any])?["age_seconds"] as? Double == 0.25)
        #expect((page["exits_by_kind"] as? [String: Int])?["killed"] == 1)
        let metrics = MetricsPage.text(figures([exit(1), known]), server: server)
        #expect(metrics.contains("everycore_exits_total{kind=\"out_of_memory\"} 1\n"))
        #expect(metrics.contains("everycore_exits_total{kind=\"stuck\"} 0\n"))
    }
}
