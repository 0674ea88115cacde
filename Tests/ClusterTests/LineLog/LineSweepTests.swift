// Writing what waits: whole lines only, nothing twice, whatever the output takes and whenever the writer dies.

import Cluster
import TestSupport
import Testing

@Suite struct LineSweepTests {
    /// So many rings, each with numbered lines.
    private func filled(_ rings: Int, lines: Int, capacity: Int = 4096) -> TestRings {
        let memory = TestRings(rings, capacity: capacity)
        for (index, ring) in memory.rings.rings.enumerated() {
            let producer = LineProducer(ring) {}
            for number in 0..<lines { producer.put("ring \(index) line \(number)\n") }
        }
        return memory
    }

    private func expected(_ rings: Int, lines: Int) -> Set<String> {
        Set((0..<rings).flatMap { ring in (0..<lines).map { "ring \(ring) line \($0)" } })
    }

    @Test func `one write takes what all rings have`() {
        let memory = filled(5, lines: 20)
        let output = TestOutput()
        var sweep = LineSweep(memory.rings)
        while sweep.write(to: output) != .nothing {}
        #expect(output.writes == 1 && Set(output.lines) == expected(5, lines: 20) && output.lines.count == 100)
    }

    @Test func `a pipe gets whole lines, no more at once than it takes whole`() {
        let memory = filled(3, lines: 100)
        let output = TestOutput()
        output.portion = 100
        var sweep = LineSweep(memory.rings)
        while case .wrote(let count) = sweep.write(to: output) {
            #expect(count <= 100 && output.taken.last == UInt8(ascii: "\n"))
        }
        #expect(Set(output.lines) == expected(3, lines: 100) && output.lines.count == 300)
    }

    @Test func `an output that takes parts gets each line in one piece`() {
        var random = SeededGenerator(seed: 11)
        let memory = filled(4, lines: 50)
        let output = TestOutput()
        output.inode = 7
        var sweep = LineSweep(memory.rings)
        for _ in 0..<10_000 where !memory.rings.isEmpty {
            output.takes = [[.bytes(Int.random(in: 1...30, using: &random)), .full, .failed(errno: 28)].randomElement(using: &random) ?? .full]
            _ = sweep.write(to: output)
        }
        #expect(Set(output.lines) == expected(4, lines: 50) && output.lines.count == 200)
    }

    @Test(arguments: [0, 1, 5, 23, 24, 25, 100, 440, 441])
    func `a writer that dies before it has noted what it wrote is followed by one that repeats nothing and tears nothing`(_ done: Int) {
        let memory = filled(3, lines: 10)
        let output = TestOutput()
        output.inode = 7
        output.takes = [.bytes(done)]
        // What the dead one had noted: everything up to the write's return.
        var noted: [(start: UInt64, byteCount: Int)] = []
        output.afterWrite = { noted = memory.rings.rings.map { ($0.tail, $0.waitingByteCount) } }
        let copy = TestRings(3, capacity: 4096)
        output.afterWrite = {
            unsafe memory.garble { from in unsafe copy.garble { unsafe $0.copyMemory(from: from, byteCount: LineRings.byteCount(rings: 3, capacity: 4096)) } }
        }
        var dead = LineSweep(memory.rings)
        _ = dead.write(to: output)
        output.afterWrite = {}
        var next = LineSweep(copy.rings)
        next.recover(output.place)
        next.recover(output.place)
        while next.write(to: output) != .nothing {}
        #expect(Set(output.lines) == expected(3, lines: 10) && output.lines.count == 30)
        #expect(noted.isEmpty)
    }

    @Test func `where another process has appended meanwhile, or the file is another one, what was claimed is written once more`() {
        for isOther in [true, false] {
            let memory = filled(2, lines: 5)
            let output = TestOutput()
            output.inode = 7
            let copy = TestRings(2, capacity: 4096)
            output.afterWrite = {
                unsafe memory.garble { from in unsafe copy.garble { unsafe $0.copyMemory(from: from, byteCount: LineRings.byteCount(rings: 2, capacity: 4096)) }
                }
            }
            var dead = LineSweep(memory.rings)
            _ = dead.write(to: output)
            output.afterWrite = {}
            if isOther { output.inode = 8 } else { output.taken += Array("another's\n".utf8) }
            var next = LineSweep(copy.rings)
            next.recover(output.place)
            while next.write(to: output) != .nothing {}
            #expect(output.lines.filter { $0.hasPrefix("ring") }.count == 20)
        }
    }

    @Test func `a line that was begun ends in the old file before lines go to the new one`() {
        let memory = filled(2, lines: 5)
        let (old, new) = (TestOutput(), TestOutput())
        var sweep = LineSweep(memory.rings)
        old.takes = [.bytes(20)]
        _ = sweep.write(to: old)
        sweep.endLine(on: old)
        while sweep.write(to: new) != .nothing {}
        #expect(old.taken.last == UInt8(ascii: "\n"))
        #expect(Set(old.lines + new.lines) == expected(2, lines: 5) && old.lines.count + new.lines.count == 10)
        #expect(memory.rings.lost == 0)
    }

    @Test func `a file that is emptied in the middle of a line begins with the next one`() {
        let memory = filled(2, lines: 5)
        let output = TestOutput()
        output.inode = 7
        var sweep = LineSweep(memory.rings)
        output.takes = [.bytes(20), .failed(errno: 28)]
        _ = sweep.write(to: output)
        _ = sweep.write(to: output)
        output.taken = []
        while sweep.write(to: output) != .nothing {}
        #expect(Set(output.lines).isSubset(of: expected(2, lines: 5)) && output.lines.count == 8 && memory.rings.lost == 1)
    }

    @Test func `one that can't be ended is taken away, and counted as lost`() {
        let memory = filled(2, lines: 5)
        let (old, new) = (TestOutput(), TestOutput())
        var sweep = LineSweep(memory.rings)
        old.takes = [.bytes(3), .bytes(17), .failed(errno: 28)]
        _ = sweep.write(to: old)
        _ = sweep.write(to: old)
        sweep.endLine(on: old)
        while sweep.write(to: new) != .nothing {}
        #expect(old.text == "ring 0 line 0\n")
        #expect(old.lines.count + new.lines.count == 9 && memory.rings.lost == 1)
        #expect(Set(new.lines).isSubset(of: expected(2, lines: 5)))
    }

    @Test func `no ring waits for ever behind another that is never empty`() {
        let memory = TestRings(3, capacity: 4096)
        let producers = memory.rings.rings.map { LineProducer($0) {} }
        let output = TestOutput()
        output.portion = 60
        var sweep = LineSweep(memory.rings)
        for producer in producers { producer.put("once\n") }
        for _ in 0..<20 {
            for _ in 0..<10 { producers[0].put("again\n") }
            _ = sweep.write(to: output)
        }
        #expect(output.lines.filter { $0 == "once" }.count == 3)
    }
}

@Suite struct LineWriterPaceTests {
    @Test func `the writer comes often while lines come, and seldom while none do`() {
        var pace = LineWriterPace()
        #expect(pace.delay(after: .wrote) == .milliseconds(50))
        #expect(pace.delay(after: .wrote) == .milliseconds(50))
        #expect([0, 1, 2, 3].map { _ in pace.delay(after: .idle) } == [.milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(250)])
        #expect(pace.delay(after: .yielded) == .zero && !pace.isHeld)
    }

    @Test func `a reader that is slow and a disk that is full are asked again, ever less often`() {
        var pace = LineWriterPace()
        #expect((0..<6).map { _ in pace.delay(after: .full) }.last == .milliseconds(100) && pace.isHeld)
        // One that reads what there was has the next at once.
        #expect((0..<3).allSatisfy { _ in pace.delay(after: .filled) == .milliseconds(1) } && pace.isHeld)
        #expect((0..<6).map { _ in pace.delay(after: .failed) } == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(pace.isHeld)
    }

    @Test func `a writer that dies is followed at once, and after a pause where it dies again and again`() {
        var backoff = LineWriterBackoff()
        #expect(backoff.delay(now: 5) == .zero)
        backoff.started(now: 10)
        #expect(backoff.delay(now: 20) == .milliseconds(100))
        backoff.started(now: 20)
        #expect(backoff.delay(now: 30) == .milliseconds(200))
        for _ in 0..<20 { _ = backoff.delay(now: 30) }
        #expect(backoff.delay(now: 30) == .milliseconds(500))
        #expect(backoff.delay(now: 5_000_000_000) == .zero)
    }
}
