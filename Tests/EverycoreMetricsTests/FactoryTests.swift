// The factory of swift-metrics in one process: what its handlers count, and which series they are. All tests share the process's pages.

#if TestPrograms
import Cluster
import Dispatch
import EverycoreMetrics
import EverycoreStatistics
import Metrics
import Testing

@Suite(.serialized) struct FactoryTests {
    private let factory = EverycoreMetrics(gauges: ["test.lowest": .minimum, "test.latest": .latest])

    /// What this process's pages say of a series.
    private func value(_ kind: MetricKind, _ label: String, _ dimensions: [MetricDimension] = []) throws -> MetricValue? {
        let region = try #require(MetricsMemory.region)
        for index in 0..<region.used {
            let place = region.place(index)
            guard place.state == .live, let identity = region.identity(at: index, place) else { continue }
            if identity.kind == kind, identity.label == label, identity.dimensions == dimensions { return region.value(at: index, kind) }
        }
        return nil
    }

    @Test func `counters count, and never go down`() throws {
        let counter = Counter(label: "test.counter", factory: factory)
        counter.increment()
        counter.increment(by: 41)
        counter.increment(by: -5)
        counter.reset()
        #expect(try value(.counter, "test.counter") == .count(42))
        let real = FloatingPointCounter(label: "test.real", factory: factory)
        for amount in [0.5, 0.25, -1, .nan, .infinity] { real.increment(by: amount) }
        #expect(try value(.floatingCounter, "test.real") == .sum(0.75))
    }

    @Test func `a series made twice is one, however its dimensions are ordered`() throws {
        Counter(label: "test.same", dimensions: [("a", "1"), ("b", "2")], factory: factory).increment()
        Counter(label: "test.same", dimensions: [("b", "2"), ("a", "1")], factory: factory).increment()
        #expect(try value(.counter, "test.same", [.init("a", "1"), .init("b", "2")]) == .count(2))
    }

    @Test func `gauges, meters and recorders that don't aggregate have the last value`() throws {
        let gauge = Gauge(label: "test.gauge", factory: factory)
        #expect(try value(.gauge, "test.gauge") == .gauge(0, setAt: 0))
        gauge.record(7)
        gauge.record(-2.5)
        #expect(try value(.gauge, "test.gauge") == .gauge(-2.5, setAt: 1))
        let meter = Meter(label: "test.meter", factory: factory)
        meter.set(10)
        meter.increment(by: 2.5)
        meter.decrement(by: 5.0)
        #expect(try value(.gauge, "test.meter") == .gauge(7.5, setAt: 1))
        Gauge(label: "test.latest", factory: factory).record(1)
        guard case .gauge(1, let setAt)? = try value(.gauge, "test.latest") else { return #expect(Bool(false), "no gauge") }
        #expect(setAt > 1, "the one that was set last is found by the time")
    }

    @Test func `timers and recorders are histograms with their exact sums`() throws {
        let timer = Timer(label: "test.timer", factory: factory)
        for duration in [1000, 2000, -5, Int64.max] { timer.recordNanoseconds(duration) }
        guard case .timer(let counts, let sum, let maximum)? = try value(.timer, "test.timer") else { return #expect(Bool(false), "no timer") }
        #expect(counts.count == 4 && sum == 3000 + MetricValue.longestTime && maximum == MetricValue.longestTime)
        let recorder = Recorder(label: "test.recorder", factory: factory)
        for value in [3.0, 5, -1, .nan] { recorder.record(value) }
        guard case .recorder(let values, let total, let highest)? = try value(.recorder, "test.recorder") else {
            return #expect(Bool(false), "no recorder")
        }
        #expect(values.count == 3 && total == 7 && highest == 5)
    }

    @Test func `counting from many threads loses nothing`() throws {
        let counter = Counter(label: "test.threads", factory: factory)
        let real = FloatingPointCounter(label: "test.threads", factory: factory)
        let timer = Timer(label: "test.threads", factory: factory)
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            for _ in 0..<20_000 {
                counter.increment()
                real.increment(by: 0.5)
                timer.recordNanoseconds(100)
            }
        }
        #expect(try value(.counter, "test.threads") == .count(160_000))
        #expect(try value(.floatingCounter, "test.threads") == .sum(80_000))
        guard case .timer(let counts, let sum, _)? = try value(.timer, "test.threads") else { return #expect(Bool(false), "no timer") }
        #expect(counts.count == 160_000 && sum == 16_000_000)
    }

    @Test func `series made by many threads at once are one`() throws {
        DispatchQueue.concurrentPerform(iterations: 8) { thread in
            for index in 0..<200 { Counter(label: "test.race", dimensions: [("n", "\(index)")], factory: factory).increment() }
        }
        for index in 0..<200 { #expect(try value(.counter, "test.race", [.init("n", "\(index)")]) == .count(8)) }
    }

    @Test func `a destroyed series counts nothing more, and may be made again`() throws {
        let counter = Counter(label: "test.destroyed", factory: factory)
        counter.increment(by: 3)
        counter.destroy()
        #expect(try value(.counter, "test.destroyed") == nil)
        counter.increment(by: 100)
        let again = Counter(label: "test.destroyed", factory: factory)
        again.increment()
        // The master has not taken the first three: they stay.
        #expect(try value(.counter, "test.destroyed") == .count(4))
        counter.destroy()
        #expect(try value(.counter, "test.destroyed") == .count(4), "it destroys its own series, which is no more")
    }

    @Test func `a name that is too long is refused, and its handler still works`() throws {
        let refused = try #require(MetricsMemory.region).refused
        let counter = Counter(label: String(repeating: "x", count: 600), factory: factory)
        counter.increment()
        Timer(label: String(repeating: "x", count: 600), factory: factory).recordNanoseconds(5)
        counter.destroy()
        #expect(try #require(MetricsMemory.region).refused == refused + 2)
    }
}
#endif
