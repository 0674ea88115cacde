// When there should be more workers, and when fewer: a machine is played, second by second, on which workers are busy as the load has it.

import Cluster
import TestSupport
import Testing

@Suite struct AutoscaleTests {
    private static let second: UInt64 = 1_000_000_000
    private static let step: UInt64 = second / 2

    /// A machine with cores, workers and a load.
    private struct Machine {
        enum Kind {
            /// Handlers run on cores.
            case computing
            /// Handlers sleep.
            case blocking
        }

        var autoscale: Autoscale
        var count: Int
        var cores: Int
        var now: UInt64 = 1_000_000_000
        private var busy: [Int: UInt64] = [:]
        private var demand: [Int: UInt64] = [:]
        /// Every change: when, to how many, why.
        private(set) var changes: [(at: UInt64, count: Int, reason: Autoscale.Reason)] = []
        var isLastOccupied = false
        var areQueuesFilled = false
        var missing = 0

        init(_ bounds: ClosedRange<Int>, count: Int, cores: Int) {
            autoscale = Autoscale(bounds)
            (self.count, self.cores) = (count, cores)
        }

        /// - Parameters:
        ///   - load: how many workers it would keep busy, by the second.
        ///   - others: cores that other programs take.
        mutating func run(
            seconds: Double, kind: Kind = .computing, queues: Bool = false, load: (_ second: Double) -> Double
        ) {
            let begin = now
            while Double(now - begin) / 1e9 < seconds {
                now += AutoscaleTests.step
                let wanted = load(Double(now - begin) / 1e9)
                let perWorker = kind == .computing ? min(wanted / Double(count), 1) : min(wanted / Double(count), 1)
                for slot in 0..<count {
                    busy[slot, default: 0] += UInt64(perWorker * Double(AutoscaleTests.step))
                    if kind == .computing { demand[slot, default: 0] += UInt64(perWorker * Double(AutoscaleTests.step)) }
                }
                let isFilled = areQueuesFilled || queues && wanted > Double(count)
                let workers = (0..<max(count - missing, 0)).map {
                    Autoscale.Worker(
                        slot: $0, pid: Int32($0 + 100), busy: busy[$0] ?? 0, demand: demand[$0] ?? 0, measuredAt: now, isQueueFilled: isFilled)
                }
                let look = Autoscale.Look(now: now, count: count, workers: workers, cores: cores, isLastOccupied: isLastOccupied)
                guard let decision = autoscale.look(look) else { continue }
                changes.append((now - begin, decision.count, decision.reason))
                count = decision.count
            }
        }
    }

    @Test func `a load that needs more workers gets one within three seconds`() {
        var machine = Machine(1...8, count: 1, cores: 8)
        machine.run(seconds: 10) { _ in 0.05 }
        #expect(machine.changes.isEmpty)
        machine.run(seconds: 30) { _ in 6 }
        #expect(machine.changes.first.map { $0.at <= 3 * Self.second } == true)
        #expect(machine.changes.first?.reason == .busy)
        #expect(machine.count >= 6)
        #expect(machine.changes.allSatisfy { $0.count <= 8 })
    }

    @Test func `handlers that compute get no more workers than cores`() {
        var machine = Machine(1...64, count: 4, cores: 4)
        machine.run(seconds: 120) { _ in 100 }
        #expect(machine.changes.isEmpty)
        var grown = Machine(1...64, count: 1, cores: 4)
        grown.run(seconds: 120) { _ in 100 }
        #expect(grown.count == 4)
    }

    @Test func `handlers that block get as many as may be`() {
        var machine = Machine(1...12, count: 2, cores: 2)
        machine.run(seconds: 60, kind: .blocking) { _ in 100 }
        #expect(machine.count == 12)
        // Not all at once: each step shows its effect first.
        #expect(machine.changes.count >= 4)
        for (one, next) in zip(machine.changes, machine.changes.dropFirst()) { #expect(next.at - one.at >= 1_500_000_000) }
    }

    @Test func `queues that stay filled are a reason while cores are free`() {
        var machine = Machine(1...4, count: 2, cores: 4)
        // Loops at three quarters: not busy enough by themselves.
        machine.run(seconds: 10, queues: true) { _ in 2.2 }
        #expect(machine.count > 2)
        var steady = Machine(1...4, count: 2, cores: 4)
        steady.run(seconds: 10, queues: true) { _ in 1.5 }
        #expect(steady.changes.isEmpty)
    }

    @Test func `queues that idle loops leave filled are no reason`() {
        var machine = Machine(1...4, count: 2, cores: 4)
        machine.areQueuesFilled = true
        machine.run(seconds: 30) { _ in 0.2 }
        #expect(machine.changes.isEmpty)
    }

    @Test func `a quiet service loses one worker a minute, down to the fewest`() {
        var machine = Machine(2...8, count: 6, cores: 8)
        machine.run(seconds: 600) { _ in 0.2 }
        #expect(machine.count == 2)
        #expect(machine.changes.map(\.count) == [5, 4, 3, 2])
        #expect(machine.changes[0].at >= 60 * Self.second)
        for (one, next) in zip(machine.changes, machine.changes.dropFirst()) { #expect(next.at - one.at >= 60 * Self.second) }
    }

    @Test(arguments: [20.0, 45, 90, 200])
    func `a square wave changes nothing downwards more than once a minute, and is followed upwards within three seconds`(period: Double) {
        var machine = Machine(1...4, count: 1, cores: 4)
        let wave = { (second: Double) in second.truncatingRemainder(dividingBy: period) < period / 2 ? 3.6 : 0.1 }
        machine.run(seconds: 1200, load: wave)
        let downs = zip([(at: 0, count: 1, reason: .idle)] + machine.changes, machine.changes).filter { $1.count < $0.count }.map { $1.at }
        for (one, next) in zip(downs, downs.dropFirst()) { #expect(next - one >= 60 * Self.second) }
        // In each half with load there are enough within a few steps of at most three seconds.
        let ups = zip([(at: 0, count: 1, reason: .idle)] + machine.changes, machine.changes).filter { $1.count > $0.count }.map { $1.at }
        for up in ups {
            let into = (Double(up) / 1e9).truncatingRemainder(dividingBy: period)
            #expect(into <= 12, "\(into)")
        }
        #expect(machine.changes.first.map { $0.at <= 3 * Self.second } == true)
    }

    @Test func `noise around a steady load changes nothing`() {
        var random = SeededGenerator.printingSeed(7)
        var machine = Machine(1...8, count: 4, cores: 8)
        var noise: [Double] = []
        for _ in 0..<2000 { noise.append(.random(in: 1.4...2.9, using: &random)) }
        machine.run(seconds: 900) { noise[Int($0 * 2) % noise.count] }
        #expect(machine.changes.isEmpty)
    }

    @Test func `short peaks in quiet times keep what they need`() {
        var machine = Machine(1...4, count: 4, cores: 4)
        machine.run(seconds: 600) { $0.truncatingRemainder(dividingBy: 50) < 3 ? 3.5 : 0.1 }
        #expect(machine.count == 4)
    }

    @Test func `cores that are taken away end the growth, and begin the minute anew`() {
        var machine = Machine(1...8, count: 4, cores: 8)
        machine.cores = 2
        machine.run(seconds: 60) { _ in 4 }
        #expect(machine.changes.isEmpty)
        machine.run(seconds: 50) { _ in 0.1 }
        machine.cores = 8
        machine.run(seconds: 50) { _ in 0.1 }
        #expect(machine.changes.isEmpty)
        machine.run(seconds: 15) { _ in 0.1 }
        #expect(machine.count == 3)
    }

    @Test func `a worker with a long request is not ended`() {
        var machine = Machine(1...4, count: 3, cores: 4)
        machine.isLastOccupied = true
        machine.run(seconds: 200) { _ in 0.1 }
        #expect(machine.changes.isEmpty)
        machine.isLastOccupied = false
        machine.run(seconds: 2) { _ in 0.1 }
        #expect(machine.count == 2)
    }

    @Test func `requests that never end are waited for five minutes`() {
        var machine = Machine(1...4, count: 3, cores: 4)
        machine.isLastOccupied = true
        machine.run(seconds: 355) { _ in 0.1 }
        #expect(machine.changes.isEmpty)
        machine.run(seconds: 15) { _ in 0.1 }
        #expect(machine.count == 2)
    }

    @Test func `a worker that starts is waited for`() {
        var machine = Machine(1...8, count: 2, cores: 8)
        machine.missing = 1
        machine.run(seconds: 60) { _ in 8 }
        #expect(machine.changes.isEmpty)
        machine.missing = 0
        machine.run(seconds: 3) { _ in 8 }
        #expect(machine.count == 3)
    }

    @Test func `a number outside the bounds is put right at once`() {
        var machine = Machine(2...4, count: 9, cores: 4)
        machine.run(seconds: 1) { _ in 9 }
        #expect(machine.changes.map(\.count) == [4])
        #expect(machine.changes.first?.reason == .bounds)
        var low = Machine(2...4, count: 1, cores: 4)
        low.run(seconds: 1) { _ in 0 }
        #expect(low.count == 2)
    }

    @Test func `a decision carries the numbers that made it`() throws {
        var autoscale = Autoscale(1...4)
        var decision: Autoscale.Decision?
        for step in 1...6 where decision == nil {
            let now = UInt64(step) * Self.step
            let workers = (0..<2).map {
                Autoscale.Worker(slot: $0, pid: Int32($0), busy: now, demand: now / 2, measuredAt: now, isQueueFilled: $0 == 0)
            }
            decision = autoscale.look(.init(now: now, count: 2, workers: workers, cores: 4))
        }
        let made = try #require(decision)
        #expect(made.count == 3)
        #expect(made.reason == .busy)
        #expect([made.median, made.mean, made.coresUsed] == [1, 1, 1])
        #expect(made.cores == 4)
        #expect(made.filledQueues == 1)
    }

    @Test func `numbers that can't be true decide nothing and trap nowhere`() {
        var random = SeededGenerator.printingSeed(11)
        var autoscale = Autoscale(1...1024)
        var now: UInt64 = 0
        for _ in 0..<5000 {
            now &+= UInt64.random(in: 0...Self.second, using: &random)
            let numbers: [UInt64] = [0, 1, .max, .max - 1, now, UInt64.random(in: 0...(.max), using: &random)]
            let workers = (0..<Int.random(in: 0...5, using: &random)).map {
                Autoscale.Worker(
                    slot: $0, pid: Int32($0), busy: numbers.randomElement(using: &random) ?? 0, demand: numbers.randomElement(using: &random) ?? 0,
                    measuredAt: numbers.randomElement(using: &random) ?? 0, isQueueFilled: Bool.random(using: &random))
            }
            let count = Int.random(in: 0...6, using: &random)
            if let decision = autoscale.look(.init(now: now, count: count, workers: workers, cores: 3)) {
                #expect((1...1024).contains(decision.count))
            }
        }
    }
}
