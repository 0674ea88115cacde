// Lines of one worker on their way to the writer, in memory that outlives both. One producer, one consumer, no lock: each side stores only
// its own words, and a line counts from the store of `head` on, which comes last. A worker that is killed in the middle of a line leaves
// none of it; the worker after it goes on at `head`, whether or not what is before was written by then.
//
//   producer's words   0  head: bytes of whole lines, since the ring was made
//                      1  lost: lines that found no room
//   consumer's words   8  tail: bytes that are written
//                      9  where its part of the write under way begins, and  10  ends
//
// What a word says may be anything, once a worker has written where it should not: no reader traps on it.
// Process: any · Thread: loop

internal import CEverycorePosix
internal import Glibc

/// A view: copying it copies the pointers.
@safe
package struct LineRing {
    private let words: UnsafeMutablePointer<UInt64>
    private let bytes: UnsafeMutableRawPointer
    /// A power of two. One byte less can wait: the byte before `tail` stays, which tells whether a line begins at `tail`.
    package let capacity: Int

    /// No line is longer, its end included: as much as a pipe takes whole (PIPE_BUF, pipe(7)).
    package static let longestLine = 4096
    /// Two cache lines, and one that keeps the next ring's apart.
    package static let headerByteCount = 192
    static let newline = UInt8(ascii: "\n")

    /// - Parameters:
    ///   - header: `headerByteCount` bytes, zeroed at first.
    ///   - bytes: `capacity` bytes.
    package init(header: UnsafeMutableRawPointer, bytes: UnsafeMutableRawPointer, capacity: Int) {
        unsafe words = header.bindMemory(to: UInt64.self, capacity: Self.headerByteCount / 8)
        unsafe self.bytes = unsafe bytes
        self.capacity = capacity
    }

    private func offset(_ place: UInt64) -> Int { Int(truncatingIfNeeded: place) & (capacity &- 1) }

    // MARK: The producer's side

    package var head: UInt64 {
        get { unsafe cposix_load64(words) }
        nonmutating set { unsafe cposix_store64(words, newValue) }
    }

    package var lost: UInt64 {
        get { unsafe words[1] }
        nonmutating set { unsafe words[1] = newValue }
    }

    /// Copies a line to where the next one goes. There has to be room.
    func store(_ line: UnsafeRawBufferPointer, at place: UInt64) {
        let start = offset(place)
        let first = min(line.count, capacity &- start)
        guard let source = line.baseAddress else { return }
        unsafe (bytes + start).copyMemory(from: source, byteCount: first)
        if first < line.count { unsafe bytes.copyMemory(from: source + first, byteCount: line.count &- first) }
    }

    // MARK: The consumer's side

    package var tail: UInt64 {
        get { unsafe cposix_load64(words + 8) }
        nonmutating set { unsafe cposix_store64(words + 8, newValue) }
    }

    /// This ring's part of the write that is under way.
    var claim: (start: UInt64, end: UInt64) {
        get { unsafe (words[9], words[10]) }
        nonmutating set { unsafe (words[9], words[10]) = newValue }
    }

    /// How many bytes wait.
    package var waitingByteCount: Int {
        let count = head &- tail
        return count < UInt64(capacity) ? Int(count) : 0
    }

    /// The words can't be true.
    var isBroken: Bool { head &- tail >= UInt64(capacity) }

    /// The first part of a line was written, and its rest waits.
    var isMidLine: Bool {
        let tail = tail
        return tail > 0 && !isBroken && head != tail && byte(at: tail &- 1) != Self.newline
    }

    private func byte(at place: UInt64) -> UInt8 { unsafe bytes.load(fromByteOffset: offset(place), as: UInt8.self) }

    /// How many of the first `limit` waiting bytes are whole lines, or the rest of one. A line that isn't whole within them counts only
    /// where it is longer than any line can be.
    func wholeLines(within limit: Int) -> Int {
        let waiting = waitingByteCount
        guard waiting > limit else { return waiting }
        let start = tail
        var count = limit
        while count > 0, byte(at: start &+ UInt64(count &- 1)) != Self.newline { count &-= 1 }
        return count > 0 || limit < Self.longestLine ? count : limit
    }

    /// The rest of the line that was begun, its end included.
    var restOfLine: Int {
        let (start, waiting) = (tail, waitingByteCount)
        for count in 0..<waiting where byte(at: start &+ UInt64(count)) == Self.newline { return count &+ 1 }
        return waiting
    }

    /// The first `count` bytes that wait: one part, or two where they go round the end.
    func appendParts(_ count: Int, to parts: inout [cposix_part]) {
        let start = offset(tail)
        let first = min(count, capacity &- start)
        unsafe parts.append(cposix_part(start: bytes + start, count: first))
        if first < count { unsafe parts.append(cposix_part(start: bytes, count: count &- first)) }
    }

    func consume(_ count: Int) { tail = tail &+ UInt64(count) }

    /// How many bytes of a line are behind the last line's end in this range; nil where it has no line's end.
    func fragment(from start: UInt64, to end: UInt64) -> Int? {
        var place = end
        while place != start {
            if byte(at: place &- 1) == Self.newline { return Int(truncatingIfNeeded: end &- place) }
            place &-= 1
        }
        return nil
    }

    /// How many lines wait.
    package var waitingLines: UInt64 {
        let (start, waiting) = (tail, waitingByteCount)
        var lines: UInt64 = 0
        for count in 0..<waiting where byte(at: start &+ UInt64(count)) == Self.newline { lines &+= 1 }
        return lines
    }

    /// Drops what waits.
    func drop() { tail = head }
}
