// A worker's ring: what counts, what is lost, and what is left by a worker that was killed.

import Cluster
import Testing

@Suite struct LineRingTests {
    private func written(_ rings: LineRings) -> String {
        let output = TestOutput()
        var sweep = LineSweep(rings)
        while sweep.write(to: output) != .nothing {}
        return output.text
    }

    @Test func `a line counts when it is committed, and not before`() {
        let memory = TestRings(1, capacity: 1024)
        let producer = LineProducer(memory.rings.rings[0]) {}
        #expect(producer.stage("one\n") && memory.rings.isEmpty)
        producer.commit()
        #expect(memory.rings.waitingLines == 1)
        #expect(written(memory.rings) == "one\n" && memory.rings.isEmpty)
    }

    @Test func `a worker that is killed before it commits leaves nothing of the line, and the next one goes on behind the last whole one`() {
        let memory = TestRings(1, capacity: 1024)
        for round in 0..<50 {
            let producer = LineProducer(memory.rings.rings[0]) {}
            #expect(producer.put("whole \(round)\n"))
            #expect(producer.stage("torn \(round) by its worker's death\n"))
        }
        #expect(written(memory.rings) == (0..<50).map { "whole \($0)\n" }.joined())
        #expect(memory.rings.lost == 0)
    }

    @Test func `lines go round the end of the ring`() {
        let memory = TestRings(1, capacity: 64)
        let producer = LineProducer(memory.rings.rings[0]) {}
        for round in 0..<1000 {
            let line = String(repeating: "x", count: round % 50) + "\(round)\n"
            #expect(producer.put(line))
            #expect(written(memory.rings) == line)
        }
    }

    @Test func `a full ring loses lines and counts them, and takes them again when there is room`() {
        let memory = TestRings(1, capacity: 64)
        var woken = 0
        let producer = LineProducer(memory.rings.rings[0]) { woken += 1 }
        // One byte always stays free.
        for _ in 0..<6 { #expect(producer.put("123456789\n")) }
        #expect(!producer.put("123456789\n") && !producer.put("123456789\n"))
        #expect(memory.rings.lost == 2 && woken == 1)
        #expect(producer.put("ab\n"), "a shorter one still fits")
        #expect(written(memory.rings) == String(repeating: "123456789\n", count: 6) + "ab\n")
        #expect(producer.put("123456789\n"))
        #expect(memory.rings.lost == 2)
    }

    @Test func `the writer is woken when a quarter is full, and not by each line`() {
        let memory = TestRings(1, capacity: 4096)
        var woken = 0
        let producer = LineProducer(memory.rings.rings[0]) { woken += 1 }
        let line = String(repeating: "x", count: 9) + "\n"
        for _ in 0..<102 { producer.put(line) }
        #expect(woken == 0)
        for _ in 0..<200 { producer.put(line) }
        #expect(woken == 1, "the writer has done nothing since")
        _ = written(memory.rings)
        for _ in 0..<200 { producer.put(line) }
        #expect(woken == 2)
    }

    @Test func `a line longer than the ring is lost`() {
        let memory = TestRings(1, capacity: 64)
        let producer = LineProducer(memory.rings.rings[0]) {}
        #expect(!producer.put(String(repeating: "x", count: 64) + "\n"))
        #expect(producer.put("ok\n"))
        #expect(written(memory.rings) == "ok\n" && memory.rings.lost == 1)
    }

    @Test func `words that a worker has written over trap nobody, and the ring goes on`() {
        for word in [0, 8, 9, 10] {
            for value in [UInt64.max, 1 << 40, 65] {
                let memory = TestRings(1, capacity: 64)
                let producer = LineProducer(memory.rings.rings[0]) {}
                #expect(producer.put("before\n"))
                unsafe memory.garble { unsafe $0.storeBytes(of: value, toByteOffset: 128 + word * 8, as: UInt64.self) }
                _ = written(memory.rings)
                let next = LineProducer(memory.rings.rings[0]) {}
                for _ in 0..<20 {
                    next.put("after\n")
                    _ = written(memory.rings)
                }
                #expect(next.put("at last\n"))
                #expect(written(memory.rings) == "at last\n")
            }
        }
    }
}
