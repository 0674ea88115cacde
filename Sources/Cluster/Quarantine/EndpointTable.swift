// What each endpoint of a worker does, in memory that outlives it: how many of its requests wait in async handlers, and how many it
// has answered. Written by the worker with plain stores, read by the master.
//
// Entries of three words, in the order in which endpoints are first used: the endpoint's number (0 ends the table), its waiting
// requests, its answers. The last entry stands for all endpoints that found no room, under a number that no endpoint has.

internal import EverycoreStatistics

/// A view: copying it copies the pointer.
@safe
@usableFromInline package struct EndpointTable {
    @usableFromInline let words: UnsafeMutablePointer<UInt64>

    package static let capacity = 256
    package static let byteCount = capacity * 24
    /// Stands for the endpoints that found no room.
    package static let others = UInt64.max

    /// - Parameter memory: `byteCount` zeroed bytes, aligned to 8, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.byteCount / 8)
    }

    // MARK: The worker

    /// Takes an entry for an endpoint: once for each, by the worker alone.
    package func enter(_ endpoint: UInt64) -> Int {
        for index in 0..<Self.capacity - 1 {
            let number = unsafe words[index * 3]
            if number == endpoint { return index }
            guard number == 0 else { continue }
            unsafe words[index * 3] = endpoint
            return index
        }
        unsafe words[(Self.capacity - 1) * 3] = Self.others
        return Self.capacity - 1
    }

    /// - Parameter entry: what `enter` returned.
    @inlinable package func answered(_ entry: Int) { unsafe words[entry &* 3 &+ 2] &+= 1 }

    package func beganToWait(_ entry: Int) { unsafe words[entry &* 3 &+ 1] &+= 1 }
    package func endedToWait(_ entry: Int) { unsafe words[entry &* 3 &+ 1] &-= 1 }

    // MARK: The master

    /// The endpoints of requests that wait.
    package var waiting: Set<UInt64> {
        var found: Set<UInt64> = []
        for index in 0..<Self.capacity {
            let endpoint = unsafe words[index * 3]
            guard endpoint != 0 else { break }
            if endpoint != Self.others, unsafe words[index * 3 + 1] != 0 { found.insert(endpoint) }
        }
        return found
    }

    /// What was answered since `earlier`, which is brought up to date.
    package func answers(since earlier: inout [UInt64]) -> [UInt64: UInt64] {
        var counts: [UInt64: UInt64] = [:]
        for index in 0..<Self.capacity {
            let endpoint = unsafe words[index * 3]
            guard endpoint != 0 else { break }
            let answered = unsafe words[index * 3 + 2]
            if earlier.count == index { earlier.append(0) }
            let added = answered.subtractingDownToZero(earlier[index])
            earlier[index] = answered
            if added > 0, endpoint != Self.others { counts[endpoint] = (counts[endpoint] ?? 0).addingUpToLimit(added) }
        }
        return counts
    }
}
