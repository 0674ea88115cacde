// All rings of a cluster in one piece of memory: one for each page that a worker can have, so that a worker's ring is that of its page. Only
// what is written to takes memory.
//
//   word 0       lines that the writer had to give up
//   words 8…12   the write under way: its bytes (0 for none; stored last), then the file's size before it, its device, its inode, and the
//                ring that it begins with
//   then         the rings' words, then their bytes
//
// Process: any · Thread: loop

internal import CEverycorePosix
package import EverycoreLoop
internal import Glibc

/// A view: copying it copies the pointer.
@safe
package struct LineRings {
    private let words: UnsafeMutablePointer<UInt64>
    package let rings: [LineRing]

    private static let headerByteCount = 128
    /// Of each ring. At 200 bytes a line it holds those of 100 ms at 100,000 requests a second.
    package static let ringByteCount = 2 << 20

    package static func byteCount(rings count: Int, capacity: Int) -> Int { dataOffset(count) + count * capacity }

    private static func dataOffset(_ count: Int) -> Int { (headerByteCount + count * LineRing.headerByteCount + 4095) / 4096 * 4096 }

    /// - Parameters:
    ///   - memory: as many bytes as `byteCount` says, aligned to 8, zeroed at first.
    ///   - capacity: of each ring, a power of two.
    package init(at memory: UnsafeMutableRawPointer, count: Int, capacity: Int) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.headerByteCount / 8)
        let data = unsafe memory + Self.dataOffset(count)
        rings = (0..<count).map { index in
            unsafe LineRing(
                header: memory + Self.headerByteCount + index * LineRing.headerByteCount, bytes: data + index * capacity, capacity: capacity)
        }
    }

    /// Memory of a cluster's own, shared with the processes that are forked from here on, and never given back.
    package static func mapped(count: Int) throws(SystemError) -> LineRings {
        guard let memory = unsafe cposix_map_rings(byteCount(rings: count, capacity: ringByteCount)) else {
            throw SystemError(errno: errno, operation: "map shared memory for the access log's lines")
        }
        return unsafe LineRings(at: memory, count: count, capacity: ringByteCount)
    }

    /// Lines that the writer had to give up.
    package var lostByWriter: UInt64 {
        get { unsafe words[0] }
        nonmutating set { unsafe words[0] = newValue }
    }

    /// All lines that were lost.
    package var lost: UInt64 { rings.reduce(lostByWriter) { $0 &+ $1.lost } }

    /// Lines that wait.
    package var waitingLines: UInt64 { rings.reduce(0) { $0 &+ $1.waitingLines } }

    package var isEmpty: Bool { rings.allSatisfy { $0.waitingByteCount == 0 } }

    // MARK: The write under way

    struct Write: Equatable {
        var byteCount: UInt64
        var sizeBefore: UInt64
        var device: UInt64
        var inode: UInt64
        var firstRing: UInt64
    }

    /// Nil while there is none.
    var write: Write? {
        get {
            let count = unsafe cposix_load64(words + 8)
            guard count > 0 else { return nil }
            return unsafe Write(byteCount: count, sizeBefore: words[9], device: words[10], inode: words[11], firstRing: words[12])
        }
        nonmutating set {
            guard let newValue else { return unsafe cposix_store64(words + 8, 0) }
            unsafe (words[9], words[10], words[11], words[12]) = (newValue.sizeBefore, newValue.device, newValue.inode, newValue.firstRing)
            unsafe cposix_store64(words + 8, newValue.byteCount)
        }
    }
}
