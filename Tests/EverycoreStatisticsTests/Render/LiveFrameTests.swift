// What `/events` and `/history` send: an interface for the dashboard and `everycore top`, also of other versions.

import EverycoreStatistics
import Foundation
import Testing

@Suite struct LiveFrameTests {
    private let server = ServerIdentity(name: "everycore", version: "1", startedUnixSeconds: 0)

    private func members(_ text: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    }

    @Test func `a frame has the interval between two readings, with its histogram`() throws {
        let earlier = Sample.cluster(requests: 1000, now: 10 * Sample.second)
        let later = Sample.cluster(requests: 1600, now: 12 * Sample.second)
        let frame = LiveFrame(later, since: earlier)
        let page = try members(frame.json(server: server, unixMilliseconds: 5000, history: nil))
        #expect(page["v"] as? Int == 1 && page["time"] as? Int == 5000)
        let interval = try #require(page["interval"] as? [String: Any])
        #expect(interval["seconds"] as? Double == 2 && interval["requests"] as? Int == 600)
        let pairs = try #require(interval["histogram"] as? [Int])
        #expect(pairs.count == 2 && pairs[1] == 600)
        let workers = try #require(page["workers"] as? [[String: Any]])
        #expect(workers.map { $0["rate"] as? Double } == [300, 0])
        #expect(workers[0]["state"] as? String == "ready" && workers[0]["open"] as? Int == 3)
        #expect(frame.step?.requests == 600)
    }

    @Test func `a worker's CPU time is a share of the interval between the readings`() throws {
        func cluster(cpuSeconds: UInt64, now: UInt64) -> ClusterFigures {
            let figures = Sample.cluster(now: now)
            var slots = figures.slots
            var usage = ProcessUsage()
            usage.userNanoseconds = cpuSeconds * Sample.second
            slots[0].process.usage = usage
            return ClusterFigures(
                takenAtNanoseconds: now, startedAtNanoseconds: 0, wantedWorkers: 2, departed: figures.departed, departedRestarts: 0,
                unassignedReports: figures.unassignedReports, slots: slots)
        }
        let frame = LiveFrame(cluster(cpuSeconds: 6, now: 14 * Sample.second), since: cluster(cpuSeconds: 4, now: 10 * Sample.second))
        let page = try members(frame.json(server: server, unixMilliseconds: 0, history: nil))
        let workers = try #require(page["workers"] as? [[String: Any]])
        #expect(workers.map { $0["cpu"] as? Double } == [0.5, nil])
    }

    @Test func `a frame lists the oldest of the requests that run`() throws {
        let requests = (0..<40).map { number in
            RunningRequest(
                worker: number, generation: 1, pid: 7, state: .running, description: "GET /\(number)", route: "", ageNanoseconds: UInt64(100 - number))
        }
        let figures = ClusterFigures(
            takenAtNanoseconds: 1, startedAtNanoseconds: 0, wantedWorkers: 1, departed: FigureSnapshot(), departedRestarts: 0,
            unassignedReports: ReportTally(), slots: [], requests: requests, waitingRequests: 0)
        let page = try members(LiveFrame(figures, since: nil).json(server: server, unixMilliseconds: 0, history: nil))
        let listed = try #require(page["requests"] as? [[String: Any]])
        #expect(listed.map { $0["target"] as? String } == (0..<LiveFrame.requestLimit).map { "/\($0)" })
    }

    @Test func `a single reading has no rates`() throws {
        let frame = LiveFrame(Sample.cluster(), since: nil)
        let page = try members(frame.json(server: server, unixMilliseconds: 0, history: nil))
        #expect(page["interval"] as? [String: Double] == ["seconds": 0])
        #expect((page["workers"] as? [[String: Any]])?.allSatisfy { $0["rate"] == nil } == true)
        #expect(frame.step == nil)
    }

    @Test func `the history's rows have a value for each column`() throws {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: HistoryMemory.byteCount, alignment: 8)
        defer { unsafe memory.deallocate() }
        let history = unsafe HistoryMemory(at: memory)
        history.begin()
        var step = HistoryStep()
        step.unixMilliseconds = 77
        step.percentiles = [1_500_000, 2, 3, 4]
        history.append(step, to: .day)
        history.append(HistoryMark(.quarantine, unixMilliseconds: 78, text: "GET /\"<x>"))
        let page = try members(HistoryPage.json(history, .day))
        let columns = try #require(page["columns"] as? [String])
        let rows = try #require(page["steps"] as? [[Double]])
        #expect(rows.count == 1 && rows[0].count == columns.count)
        let median = try #require(columns.firstIndex(of: "p50"))
        #expect(rows[0][0] == 77 && rows[0][median] == 0.0015)
        #expect((page["marks"] as? [[Any]])?.first?.last as? String == "GET /\"<x>")
    }
}
