// The history: which steps end when, what they hold, and rings in memory that others read and that an older program may have written.

import EverycoreStatistics
import Testing

@Suite struct HistoryTests {
    /// Zeroed memory of a history, which lives as long as this does.
    @safe private final class Memory {
        let start = UnsafeMutableRawPointer.allocate(byteCount: HistoryMemory.byteCount, alignment: 8)
        init() { unsafe start.initializeMemory(as: UInt8.self, repeating: 0, count: HistoryMemory.byteCount) }
        deinit { unsafe start.deallocate() }
        var history: HistoryMemory { unsafe HistoryMemory(at: start) }
        var words: UnsafeMutablePointer<UInt64> { unsafe start.assumingMemoryBound(to: UInt64.self) }
    }

    private func figures(_ snapshot: FigureSnapshot, at seconds: UInt64) -> ClusterFigures {
        ClusterFigures(
            takenAtNanoseconds: seconds * Sample.second, startedAtNanoseconds: 0, wantedWorkers: 2, departed: snapshot, departedRestarts: 0,
            unassignedReports: ReportTally(), slots: [])
    }

    @Test func `a step of a second ends each time, one of ten where the clock passes a multiple of ten`() {
        var recorder = HistoryRecorder()
        var counts: [HistorySpan: Int] = [:]
        for second in 0...120 as ClosedRange<UInt64> {
            let ended = recorder.tick(figures(FigureSnapshot(), at: second), unixMilliseconds: 1_000_000_005_000 + second * 1000)
            for (span, step) in ended {
                counts[span, default: 0] += 1
                if span != .fiveMinutes { #expect(step.unixMilliseconds % span.stepMilliseconds < 1000) }
            }
        }
        #expect(counts == [.fiveMinutes: 120, .hour: 12, .day: 2])
    }

    @Test func `the percentiles of a rougher step are those of all its requests`() throws {
        var recorder = HistoryRecorder()
        var total = FigureSnapshot()
        var tens: [HistoryStep] = []
        for second in 0...10 as ClosedRange<UInt64> {
            // In the first second ninety fast requests, in the last ten slow ones: an average of p99s would be neither.
            if second == 1 { total.merge(Sample.figures(requests: 90, nanoseconds: 10_000)) }
            if second == 10 { total.merge(Sample.figures(requests: 10, nanoseconds: 50_000_000)) }
            tens += recorder.tick(figures(total, at: second), unixMilliseconds: 1_000_000_000_000 + second * 1000).filter { $0.span == .hour }.map(\.step)
        }
        let step = try #require(tens.last)
        #expect(step.requests == 100 && step.responses[1] == 100)
        #expect(step.nanoseconds == 10 * Sample.second && step.rate(step.requests) == 10)
        #expect((9_000...11_000).contains(step.percentiles[0]) && (45_000_000...55_000_000).contains(step.percentiles[2]))
    }

    @Test func `the last steps end early when another master goes on`() {
        var recorder = HistoryRecorder()
        _ = recorder.tick(figures(FigureSnapshot(), at: 0), unixMilliseconds: 1_000_000_001_000)
        let ended = recorder.end(figures(Sample.figures(requests: 5), at: 3), unixMilliseconds: 1_000_000_004_000)
        #expect(ended.map(\.span) == HistorySpan.allCases)
        #expect(ended.allSatisfy { $0.step.requests == 5 && $0.step.nanoseconds == 3 * Sample.second })
    }

    @Test func `steps and marks come back as they were written, the newest when there are too many`() {
        let memory = Memory()
        let history = memory.history
        #expect(!history.isKnown && history.steps(.hour).isEmpty)
        history.begin()
        #expect(history.isKnown && history.steps(.hour).isEmpty && history.marks().isEmpty)
        for number in 1...1000 as ClosedRange<UInt64> {
            var step = HistoryStep()
            step.unixMilliseconds = number
            step.connectionsOpen = 7
            (step.workersReady, step.workersWanted) = (3, 4)
            step.percentiles = [1, 2, 3, number]
            history.append(step, to: .hour)
            history.append(HistoryMark(.scaling, unixMilliseconds: number * 5000, number: Int(number), text: "é\u{1B}[31m"))
        }
        let steps = history.steps(.hour)
        // One may be in the making.
        #expect(steps.map(\.unixMilliseconds) == Array(642...1000))
        #expect(steps.allSatisfy { $0.connectionsOpen == 7 && $0.workersReady == 3 && $0.workersWanted == 4 && $0.percentiles[3] == $0.unixMilliseconds })
        #expect(history.steps(.hour, last: 2).map(\.unixMilliseconds) == [999, 1000])
        #expect(history.steps(.fiveMinutes).isEmpty && history.steps(.day).isEmpty)
        #expect(history.marks().count == 255)
        #expect(history.marks().last?.number == 1000)
        #expect(history.marks().last?.text == "???[31m")
    }

    @Test func `deaths within a second are one mark with their number`() {
        let memory = Memory()
        let history = memory.history
        history.begin()
        history.append(HistoryMark(.reload, unixMilliseconds: 1000))
        for time in [2000, 2300, 2999, 3100] as [UInt64] { history.append(HistoryMark(.death, unixMilliseconds: time, number: 1, text: "worker 1: \(time)")) }
        history.append(HistoryMark(.reload, unixMilliseconds: 3200))
        history.append(HistoryMark(.reload, unixMilliseconds: 3300))
        #expect(history.marks().map(\.kind) == [.reload, .death, .death, .reload, .reload])
        #expect(history.marks().map(\.number) == [0, 3, 1, 0, 0])
        #expect(history.marks()[1].text == "worker 1: 2999")
    }

    @Test func `memory that anything has written over traps no reader`() {
        let memory = Memory()
        let history = memory.history
        history.begin()
        var random = SystemRandomNumberGenerator()
        for filling in 0..<20 {
            for word in 1..<HistoryMemory.byteCount / 8 { unsafe memory.words[word] = filling == 0 ? .max : random.next() }
            for span in HistorySpan.allCases { #expect(history.steps(span).count <= span.capacity) }
            #expect(history.marks().count <= 256)
        }
        unsafe memory.words[0] = 17
        #expect(history.steps(.day).isEmpty)
    }
}
