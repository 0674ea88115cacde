// The words that a worker writes and the master reads.

import EverycoreStatistics
import Testing

@Suite struct WorkerFiguresTests {
    private func withFigures(_ body: (WorkerFigures) -> Void) {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: WorkerFigures.byteCount, alignment: 8)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerFigures.byteCount)
        unsafe body(WorkerFigures(at: memory))
        unsafe memory.deallocate()
    }

    @Test(arguments: [
        (100, Counter.responses1xx), (199, .responses1xx), (200, .responses2xx), (299, .responses2xx),
        (304, .responses3xx), (404, .responses4xx), (499, .responses4xx), (500, .responses5xx), (599, .responses5xx),
    ])
    func `a response counts as a request and in its class`(status: Int, counter: Counter) {
        withFigures { figures in
            figures.recordResponse(status: status, count: 3)
            #expect(figures[.requests] == 3)
            #expect(figures[counter] == 3)
            #expect(Counter.statusClasses.reduce(0) { $0 + figures[$1] } == 3)
        }
    }

    @Test(arguments: [0, -1, 99, 600, 1000, Int.max, Int.min])
    func `a status that no response can have counts as 5xx`(status: Int) {
        withFigures { figures in
            figures.recordResponse(status: status)
            #expect(figures[.responses5xx] == 1)
            #expect(figures[.requests] == 1)
        }
    }

    @Test func `an interim response is no request`() {
        withFigures { figures in
            figures.recordInterimResponse()
            #expect(figures[.responses1xx] == 1)
            #expect(figures[.requests] == 0)
        }
    }

    @Test func `a gauge goes up and down and stops at zero`() {
        withFigures { figures in
            figures.add(.connectionsOpen, 2)
            figures.subtract(.connectionsOpen, 1)
            #expect(figures[.connectionsOpen] == 1)
            figures.subtract(.connectionsOpen, 5)
            #expect(figures[.connectionsOpen] == 0)
        }
    }

    @Test func `latencies add up in sum, maximum and bucket`() {
        withFigures { figures in
            figures.recordLatency(nanoseconds: 10_000, count: 16)
            figures.recordLatency(nanoseconds: 50)
            figures.recordLatency(nanoseconds: .max)
            let histogram = figures.snapshot().histogram
            #expect(histogram.count == 18)
            #expect(histogram.overflowCount == 1)
            #expect(histogram.maxNanoseconds == .max)
            #expect(histogram.percentile(50) == HistogramScale.midpoint(of: HistogramScale.bucket(of: 10_000)))
        }
    }

    @Test func `a snapshot holds every counter and every bucket`() {
        withFigures { figures in
            for counter in Counter.allCases {
                figures.set(counter, UInt64(counter.rawValue) + 1)
            }
            var expected = LatencyHistogram()
            for bucket in 0..<LatencyHistogram.bucketCount {
                let value = HistogramScale.lowerEdge(of: bucket)
                figures.recordLatency(nanoseconds: value, count: UInt64(bucket) + 1)
                expected.record(nanoseconds: value, count: UInt64(bucket) + 1)
            }
            let snapshot = figures.snapshot()
            #expect(snapshot.histogram.buckets == expected.buckets)
            for counter in Counter.allCases {
                #expect(snapshot[counter] == figures[counter])
            }
        }
    }

    @Test func `two views of the same memory see the same figures`() {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: WorkerFigures.byteCount, alignment: 8)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: WorkerFigures.byteCount)
        let worker = unsafe WorkerFigures(at: memory)
        let master = unsafe WorkerFigures(at: memory)
        worker.recordResponse(status: 204, count: 7)
        #expect(master.snapshot()[.responses2xx] == 7)
        unsafe memory.deallocate()
    }
}
