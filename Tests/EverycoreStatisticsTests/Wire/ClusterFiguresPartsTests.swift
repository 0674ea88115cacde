// The way of the figures from the master to the admin worker.

import EverycoreStatistics
import TestSupport
import Testing

@Suite struct ClusterFiguresPartsTests {
    private func assemble(_ parts: [[UInt8]]) throws -> ClusterFigures? {
        var assembler = ClusterFigures.Assembler()
        var result: ClusterFigures?
        for part in parts { result = try assembler.add(part) }
        return result
    }

    private func wide(_ slots: Int, now: UInt64 = 2) -> ClusterFigures {
        var ledger = ClusterLedger(startedAt: 0, wantedWorkers: slots)
        var figures = Sample.figures(requests: 4)
        for bucket in 0..<200 { figures.histogram.setBucket(bucket * 4, to: UInt64(bucket) + 1) }
        for slot in 0..<slots {
            ledger.started(slot: slot, generation: 1, pid: 1, now: 0)
            ledger.refresh(slot: slot, generation: 1, figures: figures, now: 1)
        }
        return ledger.figures(now: now)
    }

    @Test func `two workers fit one part and come out equal`() throws {
        let figures = Sample.cluster()
        let parts = figures.parts()
        #expect(parts.count == 1)
        #expect(try assemble(parts) == figures)
    }

    @Test(arguments: [0, 1024, 1500, 60_000])
    func `many workers come out equal whatever the parts' size`(maximumBytes: Int) throws {
        let figures = wide(64)
        let parts = figures.parts(maximumBytes: maximumBytes)
        #expect(parts.count > 1)
        #expect(parts.allSatisfy { $0.count <= max(1024, maximumBytes) })
        #expect(try assemble(parts) == figures)
    }

    @Test func `1024 workers fit what an assembler holds`() throws {
        let figures = wide(1024)
        #expect(try assemble(figures.parts()) == figures)
    }

    @Test func `an update that was abandoned does not harm the next`() throws {
        let figures = wide(64)
        let parts = figures.parts(maximumBytes: 2000)
        var assembler = ClusterFigures.Assembler()
        _ = try assembler.add(parts[0])
        _ = try assembler.add(parts[1])
        var result: ClusterFigures?
        for part in parts { result = try assembler.add(part) }
        #expect(result == figures)
    }

    @Test func `parts out of order are refused`() throws {
        let parts = wide(64).parts(maximumBytes: 2000)
        var assembler = ClusterFigures.Assembler()
        #expect(throws: ClusterFigures.PartError.outOfOrder) { try assembler.add(parts[1]) }
        _ = try assembler.add(parts[0])
        #expect(throws: ClusterFigures.PartError.outOfOrder) { try assembler.add(parts[2]) }
        #expect(throws: ClusterFigures.PartError.outOfOrder) { try assembler.add(parts[1]) }
    }

    @Test func `parts of two updates do not mix`() throws {
        let one = wide(64, now: 20).parts(maximumBytes: 2000)
        let other = wide(64, now: 21).parts(maximumBytes: 2000)
        var assembler = ClusterFigures.Assembler()
        _ = try assembler.add(one[0])
        #expect(throws: ClusterFigures.PartError.outOfOrder) { try assembler.add(other[1]) }
    }

    @Test func `what is no part is foreign`() {
        var assembler = ClusterFigures.Assembler()
        #expect(throws: ClusterFigures.PartError.foreign) { try assembler.add([]) }
        #expect(throws: ClusterFigures.PartError.foreign) { try assembler.add([UInt8](repeating: 7, count: 99)) }
    }

    @Test func `slots that are out of order, twice there or beyond the last are no figures`() throws {
        let part = wide(2).parts()[0]
        let slotBytes = (part.count - wide(0).parts()[0].count) / 2
        // No exits, nothing quarantined, and nothing that runs.
        let exitsBytes = ExitRecord.Kind.allCases.count * 8 + 1 + 1 + 8 + 2 + 8
        let second = part.count - exitsBytes - slotBytes
        #expect(part[second] == 1)
        for (low, high) in [(0, 0), (0, 4), (0xFF, 0xFF)] as [(UInt8, UInt8)] {
            var changed = part
            (changed[second], changed[second + 1]) = (low, high)
            #expect(throws: ClusterFigures.PartError.garbled) { try assemble([changed]) }
        }
    }

    @Test func `requests that run arrive as they were, at most as many as are allowed`() throws {
        let states: [RunningRequest.State] = [.running, .waiting, .streaming]
        let requests = (0..<300).map { index in
            RunningRequest(
                worker: index - 1, generation: 2, pid: 77, state: states[index % 3], description: "GET /a\n\(index)", route: "GET /:name",
                ageNanoseconds: UInt64(1000 - index))
        }
        let figures = ClusterFigures(
            takenAtNanoseconds: 1, startedAtNanoseconds: 0, wantedWorkers: 1, departed: FigureSnapshot(), departedRestarts: 0,
            unassignedReports: ReportTally(), slots: [], requests: requests, waitingRequests: 7)
        let arrived = try #require(try assemble(figures.parts(maximumBytes: 1024)))
        #expect(arrived == figures)
        #expect(arrived.requests.count == RunningRequest.limit && arrived.waitingRequests == 7)
        #expect(arrived.requests[0].worker == -1 && arrived.requests[2].description == "GET /a?2" && arrived.requests[2].target == "/a?2")
    }

    @Test func `20,000 damaged parts never trap`() {
        var random = SeededGenerator.printingSeed(99)
        let parts = Sample.cluster().parts(maximumBytes: 1024)
        var assembler = ClusterFigures.Assembler()
        for _ in 0..<20_000 {
            var part = parts[Int.random(in: parts.indices, using: &random)]
            if Bool.random(using: &random) {
                part[Int.random(in: part.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Int.random(in: 0..<8, using: &random) == 0 {
                part.removeLast(Int.random(in: 0...part.count, using: &random))
            }
            if let figures = try? assembler.add(part) {
                #expect(figures.slots.count <= Report.slotLimit)
            }
        }
    }

    @Test func `an update without end is given up`() throws {
        let first = wide(64).parts(maximumBytes: 60_000)
        var part = first[0]
        part[8] = 0xFF
        part[9] = 0xFF
        var assembler = ClusterFigures.Assembler()
        var failure: ClusterFigures.PartError?
        for index in 0..<400 where failure == nil {
            part[6] = UInt8(truncatingIfNeeded: index)
            part[7] = UInt8(truncatingIfNeeded: index >> 8)
            do { _ = try assembler.add(part) } catch { failure = error }
        }
        #expect(failure == .tooLong)
    }
}
