// One write after the other of what waits in the rings. Nothing is taken from a ring before it was written: a writer that dies loses none.
// Before each write to a file its extent is noted in the rings' memory, so that the next writer finds by the file's size how much of it
// was done: it goes on in the middle of a line, and repeats none.
// Process: writer · Thread: loop

internal import CEverycorePosix

@safe
package struct LineSweep {
    package enum Progress: Equatable {
        /// Nothing waits.
        case nothing
        case wrote(Int)
        /// The reader is slow.
        case full
        case failed(errno: Int32)
    }

    private let rings: LineRings
    /// The ring that the next write begins with.
    private var next = 0
    private var parts: [cposix_part] = unsafe []
    /// So many bytes of a line were written whose rest waits.
    private var fragment = 0

    private static let partLimit = 1000

    package init(_ rings: LineRings) { self.rings = rings }

    // MARK: Writing

    package mutating func write(to output: some LineOutput) -> Progress {
        guard !rings.rings.isEmpty else { return .nothing }
        if let begun = rings.rings.first(where: \.isMidLine), output.place?.size == 0 {
            // The file was emptied, and with it the beginning of this line.
            begun.consume(begun.restOfLine)
            rings.lostByWriter &+= 1
        }
        let first = rings.rings.firstIndex(where: \.isMidLine) ?? next
        let byteCount = claim(from: first, atMost: output.portion)
        guard byteCount > 0 else { return .nothing }
        if let place = output.place {
            rings.write = .init(
                byteCount: UInt64(byteCount), sizeBefore: place.size, device: place.device, inode: place.inode, firstRing: UInt64(first))
        }
        let transfer = unsafe output.write(parts)
        if case .bytes(let count) = transfer { advance(UInt64(count), from: first) }
        rings.write = nil
        return switch transfer {
        case .bytes(let count): .wrote(count)
        case .full: .full
        case .failed(let code): .failed(errno: code)
        }
    }

    /// Notes what each ring has for the next write. A line that was begun goes first: nothing may come between its parts.
    private mutating func claim(from first: Int, atMost limit: Int) -> Int {
        unsafe parts.removeAll(keepingCapacity: true)
        var total = 0
        for step in rings.rings.indices {
            let index = (first + step) % rings.rings.count
            let ring = rings.rings[index]
            if ring.isBroken {
                // A worker has written where it should not.
                ring.drop()
                rings.lostByWriter &+= 1
            }
            let hasRoom = unsafe total < limit && parts.count < Self.partLimit
            let count = hasRoom ? ring.wholeLines(within: limit - total) : 0
            let start = ring.tail
            ring.claim = (start, start &+ UInt64(count))
            guard count > 0 else { continue }
            unsafe ring.appendParts(count, to: &parts)
            total += count
            next = (index + 1) % rings.rings.count
        }
        return total
    }

    /// So many bytes of what was claimed are written. Said again, it changes nothing more.
    private mutating func advance(_ byteCount: UInt64, from first: Int) {
        var rest = byteCount
        for step in rings.rings.indices where rest > 0 {
            let ring = rings.rings[(first + step) % rings.rings.count]
            let (start, end) = ring.claim
            let count = min(rest, end &- start)
            guard count > 0, count < UInt64(ring.capacity) else { continue }
            fragment = ring.fragment(from: start, to: start &+ count) ?? fragment + Int(count)
            ring.tail = start &+ count
            rest -= count
        }
    }

    // MARK: What another writer left

    /// Takes note of how much the writer before this one had written when it died.
    package mutating func recover(_ place: LinePlace?) {
        guard let write = rings.write else { return }
        defer { rings.write = nil }
        // Where another process has appended as well, or the file is another one, nothing is known: what was claimed is written once more.
        guard let place, place.device == write.device, place.inode == write.inode, place.size > write.sizeBefore,
            place.size - write.sizeBefore <= write.byteCount, write.firstRing < UInt64(rings.rings.count)
        else { return }
        advance(place.size - write.sizeBefore, from: Int(write.firstRing))
    }

    // MARK: Another file

    /// Ends a line that was begun, before lines go elsewhere. One that can't be ended is given up, and its beginning taken away.
    package mutating func endLine(on output: some LineOutput) {
        guard let ring = rings.rings.first(where: \.isMidLine) else { return }
        while ring.isMidLine {
            let rest = ring.restOfLine
            unsafe parts.removeAll(keepingCapacity: true)
            unsafe ring.appendParts(rest, to: &parts)
            guard case .bytes(let count) = unsafe output.write(parts), count > 0 else {
                output.cut(fragment)
                ring.consume(rest)
                rings.lostByWriter &+= 1
                return
            }
            fragment += count
            ring.consume(min(count, rest))
        }
    }
}
