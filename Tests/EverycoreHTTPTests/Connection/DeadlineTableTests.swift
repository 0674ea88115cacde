// Deadlines of many connections, with no clock but the test's.

import EverycoreHTTP
import TestSupport
import Testing

@Suite struct DeadlineTableTests {
    private static let tick: UInt64 = 1 << 20

    @Test func `a deadline is found within two ticks of its time, and not before it`() {
        var generator = SeededGenerator(seed: 4)
        let table = DeadlineTable(interval: Self.tick)
        var expected: [Int: UInt64] = [:]
        var now: UInt64 = 5_000_000_000_000
        for _ in 0..<200 { expected[table.allocate()] = DeadlineTable.never }
        for _ in 0..<4000 {
            for _ in 0..<Int.random(in: 0..<20, using: &generator) {
                let slot = Int.random(in: 0..<200, using: &generator)
                let deadline =
                    Int.random(in: 0..<8, using: &generator) == 0 ? DeadlineTable.never : now + UInt64.random(in: 0..<200 * Self.tick, using: &generator)
                table[slot] = deadline
                expected[slot] = deadline
            }
            now += UInt64.random(in: 0..<(Int.random(in: 0..<50, using: &generator) == 0 ? 300 : 2) * Self.tick, using: &generator)
            for slot in table.expired(at: now) {
                #expect((expected[slot] ?? .max) <= now)
                expected[slot] = DeadlineTable.never
                table[slot] = DeadlineTable.never
            }
            #expect(expected.allSatisfy { $0.value > now - min(now, 2 * Self.tick) })
        }
    }

    @Test func `a deadline that moves on with each request is looked at once for each timeout`() {
        let table = DeadlineTable(interval: Self.tick)
        let slots = (0..<1000).map { _ in table.allocate() }
        let start: UInt64 = 9_000_000_000_000
        _ = table.expired(at: start)
        for turn in 0..<640 {
            let now = start + UInt64(turn) * Self.tick
            for slot in slots { table[slot] = now + 32 * Self.tick }
            #expect(table.expired(at: now).isEmpty)
        }
        #expect(table.looks <= 1000 * (640 / 31 + 1))
    }

    @Test func `a slot that is free has no deadline, and the next connection's is its own`() {
        let table = DeadlineTable(interval: Self.tick)
        let (first, second) = (table.allocate(), table.allocate())
        table[first] = 10 * Self.tick
        table[second] = 10 * Self.tick
        table.release(first)
        #expect(table.expired(at: 20 * Self.tick) == [second])
        #expect(table.allocate() == first)
        #expect(table[first] == DeadlineTable.never)
        table[first] = 30 * Self.tick
        #expect(table.expired(at: 29 * Self.tick).isEmpty)
        #expect(table.expired(at: 31 * Self.tick) == [first])
    }
}
