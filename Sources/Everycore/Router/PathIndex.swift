// The paths without parameters, in one open-addressing hash table: the first thing that a request's path meets.
//
// Filled before the fork, read-only in the workers, shared copy-on-write. A lookup allocates nothing. Clients choose
// only what is looked up, never what is stored, so a fast hash without a secret is safe: no probe sequence is longer
// than the stored paths make it. This file touches raw memory: it loads whole words from spans, at offsets below their length.

struct PathIndex: Sendable {
    private struct Entry {
        var hash: UInt64 = 0
        var offset = 0
        var length = -1
        var node = -1
    }

    private var entries: [Entry]
    private var keys: [UInt8] = []
    private let mask: Int

    init(_ paths: [(path: [UInt8], node: Int)]) {
        var capacity = 8
        while capacity < paths.count &* 2 { capacity &*= 2 }
        entries = Array(repeating: Entry(), count: capacity)
        mask = capacity &- 1
        for (path, node) in paths {
            let hash = unsafe Self.hash(path.span.bytes)
            var position = Int(truncatingIfNeeded: hash) & mask
            while entries[position].node >= 0 { position = (position &+ 1) & mask }
            entries[position] = Entry(hash: hash, offset: keys.count, length: path.count, node: node)
            keys += path
        }
    }

    /// The node of the path that is spelled exactly so, or -1.
    @inline(__always)
    func node(for path: borrowing RawSpan) -> Int {
        let hash = Self.hash(path)
        var position = Int(truncatingIfNeeded: hash) & mask
        let entries = entries.span
        // At least half of the entries are empty, so the probe ends.
        while true {
            let entry = entries[position]
            if entry.node < 0 { return -1 }
            if entry.hash == hash, entry.length == path.byteCount, agree(path, at: entry.offset) {
                return entry.node
            }
            position = (position &+ 1) & mask
        }
    }

    @inline(__always)
    private func agree(_ path: borrowing RawSpan, at offset: Int) -> Bool {
        let keys = unsafe keys.span.bytes
        let count = path.byteCount
        guard count >= 8 else { return Self.short(path, at: 0, count) == Self.short(keys, at: offset, count) }
        return Self.word(path, at: count &- 8) == Self.word(keys, at: offset &+ count &- 8)
            && Self.word(path, at: 0) == Self.word(keys, at: offset)
            && (count <= 16 || Self.agree(path, keys, at: offset, upTo: count &- 8))
    }

    @inline(never)
    private static func agree(_ path: borrowing RawSpan, _ keys: borrowing RawSpan, at offset: Int, upTo end: Int) -> Bool {
        var position = 8
        while position < end {
            guard word(path, at: position) == word(keys, at: offset &+ position) else { return false }
            position &+= 8
        }
        return true
    }

    /// Eight bytes a step, each step a multiplication and a fold of the product's upper bits into the lower. Most paths take two.
    @inline(__always)
    private static func hash(_ path: borrowing RawSpan) -> UInt64 {
        let count = path.byteCount
        let seed = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        guard count >= 8 else { return mix(seed ^ short(path, at: 0, count)) }
        let start = count <= 16 ? mix(seed ^ word(path, at: 0)) : hash(seed, path, upTo: count &- 8)
        return mix(start ^ word(path, at: count &- 8))
    }

    @inline(never)
    private static func hash(_ seed: UInt64, _ path: borrowing RawSpan, upTo end: Int) -> UInt64 {
        var (hash, position) = (seed, 0)
        while position < end {
            hash = mix(hash ^ word(path, at: position))
            position &+= 8
        }
        return hash
    }

    /// All of `count` bytes, fewer than eight.
    @inline(__always)
    private static func short(_ bytes: borrowing RawSpan, at offset: Int, _ count: Int) -> UInt64 {
        // Two halves, which overlap.
        if count >= 4 { return half(bytes, at: offset) << 32 | half(bytes, at: offset &+ count &- 4) }
        var word: UInt64 = 0
        var position = offset
        while position < offset &+ count {
            word = word << 8 | UInt64(byte(bytes, at: position))
            position &+= 1
        }
        return word
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value &* 0xD6E8_FEB8_6659_FD93
        return product ^ product >> 32
    }

    @inline(__always)
    private static func word(_ bytes: borrowing RawSpan, at offset: Int) -> UInt64 {
        unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self)
    }

    @inline(__always)
    private static func half(_ bytes: borrowing RawSpan, at offset: Int) -> UInt64 {
        UInt64(unsafe bytes.unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt32.self))
    }

    @inline(__always)
    private static func byte(_ bytes: borrowing RawSpan, at offset: Int) -> UInt8 {
        unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }
}
