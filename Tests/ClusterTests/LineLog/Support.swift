// Rings in memory of a test's own, and outputs that take what a test lets them.

import CEverycorePosix
import Cluster

@safe final class TestRings {
    let rings: LineRings
    private let memory: UnsafeMutableRawPointer

    init(_ count: Int, capacity: Int) {
        let byteCount = LineRings.byteCount(rings: count, capacity: capacity)
        unsafe memory = .allocate(byteCount: byteCount, alignment: 64)
        unsafe memory.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
        unsafe rings = LineRings(at: memory, count: count, capacity: capacity)
    }

    deinit { unsafe memory.deallocate() }

    /// Anything may be in memory that others write to.
    func garble(_ body: (UnsafeMutableRawPointer) -> Void) { unsafe body(memory) }
}

extension LineProducer {
    @discardableResult
    func stage(_ line: String) -> Bool {
        var line = line
        return line.withUTF8 { unsafe stage(UnsafeRawBufferPointer($0)) }
    }

    @discardableResult
    func put(_ line: String) -> Bool {
        guard stage(line) else { return false }
        commit()
        return true
    }
}

/// Takes as much of each write as `takes` says, all where it says nothing.
final class TestOutput: LineOutput {
    var taken: [UInt8] = []
    var portion = 1 << 20
    var takes: [LineTransfer] = []
    /// Nil for a pipe.
    var inode: UInt64?
    var writes = 0
    /// Called in the middle of a write that has been done.
    var afterWrite: () -> Void = {}

    var place: LinePlace? { inode.map { LinePlace(device: 1, inode: $0, size: UInt64(taken.count)) } }
    var text: String { String(decoding: taken, as: UTF8.self) }
    var lines: [String] { text.split(separator: "\n").map(String.init) }

    func write(_ parts: [cposix_part]) -> LineTransfer {
        writes += 1
        var bytes: [UInt8] = []
        for index in unsafe parts.indices {
            let part = unsafe parts[index]
            unsafe bytes.append(contentsOf: UnsafeRawBufferPointer(start: part.start, count: part.count))
        }
        switch takes.isEmpty ? .bytes(bytes.count) : takes.removeFirst() {
        case .bytes(let count):
            let count = min(count, bytes.count)
            taken += bytes.prefix(count)
            afterWrite()
            return .bytes(count)
        case let other: return other
        }
    }

    func cut(_ byteCount: Int) { taken.removeLast(min(byteCount, taken.count)) }
}
