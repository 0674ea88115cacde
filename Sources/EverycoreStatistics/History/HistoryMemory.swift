// The history in shared memory: a ring of steps for each span and one of marks. One process writes, others read at any moment.
// Layout, in 64-bit words: magic and version, one unused; for each ring the number of records ever written, then its records. A record is
// written before its number is, so that a reader leaves out those that may have changed under it. The newest mark alone may be written again; a
// reader may then see a part of each text. Numbers are taken as they are and texts checked: the writer may have been an older program.
// Process: master (writes), admin (reads) · Thread: loop

internal import Synchronization

/// A view: copying it copies the pointer.
@safe
package struct HistoryMemory {
    private let words: UnsafeMutablePointer<UInt64>

    private static let magic: UInt64 = 0x4C4F_4348_4345_0001  // "…HISTORY", version 1
    private static let markCapacity = 256
    private static let wordCount =
        2 + HistorySpan.allCases.reduce(0) { $0 + 1 + $1.capacity * HistoryStep.wordCount } + 1 + markCapacity * HistoryMark.wordCount

    /// 285 KB for all rings.
    package static let byteCount = wordCount * 8

    private struct Ring {
        let offset: Int
        let capacity: Int
        let recordWords: Int
    }

    /// - Parameter memory: `byteCount` bytes, aligned to 8, zeroed or written by another of these, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.wordCount)
    }

    /// Whether a program has written here whose layout is this one's.
    package var isKnown: Bool { unsafe words[0] == Self.magic }

    /// Empty, and known. For the process that writes.
    package func begin() {
        unsafe words.update(repeating: 0, count: Self.wordCount)
        unsafe words[0] = Self.magic
    }

    private static func ring(of span: HistorySpan) -> Ring {
        var offset = 2
        for other in HistorySpan.allCases {
            if other == span { break }
            offset += 1 + other.capacity * HistoryStep.wordCount
        }
        return Ring(offset: offset, capacity: span.capacity, recordWords: HistoryStep.wordCount)
    }

    private static let markRing = Ring(
        offset: wordCount - 1 - markCapacity * HistoryMark.wordCount, capacity: markCapacity, recordWords: HistoryMark.wordCount)

    // MARK: The writer

    package func append(_ step: HistoryStep, to span: HistorySpan) { append(step.words, to: Self.ring(of: span)) }

    /// Counts for the mark before where that takes it in.
    package func append(_ mark: HistoryMark) {
        let ring = Self.markRing
        guard let number = newest(of: ring), var last = HistoryMark(words: record(number, of: ring)), last.takesIn(mark) else {
            return append(mark.words, to: ring)
        }
        last = HistoryMark(
            mark.kind, unixMilliseconds: last.unixMilliseconds, number: Int(last.number) + max(Int(mark.number), 1), text: mark.text)
        write(last.words, at: number, of: ring)
    }

    private func append(_ record: [UInt64], to ring: Ring) {
        let written = unsafe words[ring.offset]
        write(record, at: written, of: ring)
        atomicMemoryFence(ordering: .releasing)
        unsafe words[ring.offset] = written &+ 1
    }

    private func write(_ record: [UInt64], at number: UInt64, of ring: Ring) {
        let start = place(number, of: ring)
        for (index, word) in record.prefix(ring.recordWords).enumerated() { unsafe words[start + index] = word }
    }

    // MARK: Readers

    /// Oldest first.
    /// - Parameter last: at most so many, the newest ones.
    package func steps(_ span: HistorySpan, last: Int = .max) -> [HistoryStep] {
        records(of: Self.ring(of: span), last: last).map(HistoryStep.init(words:))
    }

    /// Oldest first.
    package func marks(last: Int = .max) -> [HistoryMark] { records(of: Self.markRing, last: last).compactMap(HistoryMark.init(words:)) }

    private func records(of ring: Ring, last: Int) -> [[UInt64]] {
        guard isKnown else { return [] }
        let written = unsafe words[ring.offset]
        atomicMemoryFence(ordering: .acquiring)
        let count = min(written, UInt64(ring.capacity), UInt64(clamping: max(last, 0)))
        let records = (0..<count).map { record(written &- count &+ $0, of: ring) }
        atomicMemoryFence(ordering: .acquiring)
        // The writer may have been at work: what it has reached meanwhile, and the one that it may be in, are left out.
        let reached = unsafe words[ring.offset] &- written &+ 1
        let spared = UInt64(ring.capacity) &- count
        return Array(records.dropFirst(Int(clamping: reached.subtractingDownToZero(spared))))
    }

    private func newest(of ring: Ring) -> UInt64? {
        let written = unsafe words[ring.offset]
        return written == 0 ? nil : written &- 1
    }

    private func record(_ number: UInt64, of ring: Ring) -> [UInt64] {
        let start = place(number, of: ring)
        return (0..<ring.recordWords).map { unsafe words[start + $0] }
    }

    private func place(_ number: UInt64, of ring: Ring) -> Int {
        ring.offset + 1 + Int(number % UInt64(ring.capacity)) * ring.recordWords
    }
}
