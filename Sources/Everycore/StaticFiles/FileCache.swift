// What a worker remembers of the files that it serves: the fields of their answers, and the bytes of small ones.
//
// One per worker, on its loop's thread. The sum of what is kept stays below a bound that the configuration names; what wasn't
// asked for since it was last considered goes first (second chance). This file touches raw memory: it hashes a span's bytes.

internal import EverycoreHTTP
internal import Glibc

struct FileCache {
    /// Bytes that may be kept; 0 keeps nothing.
    let capacity: Int
    /// Bytes that are kept, by estimate.
    private(set) var size = 0

    private struct Entry {
        /// As the path was spelled in requests.
        let path: [UInt8]
        let resource: Resource
        var size: Int
    }

    /// By a hash of the path with the process' random seed, of which no client knows enough to find two paths with the same.
    private var entries: [Key: Entry] = [:]
    /// Every key once, in the order in which they are considered for eviction, from `front` on.
    private var queue: [Key] = []
    private var front = 0

    /// The largest content that is kept. Above, the copy from memory costs more than sendfile(2).
    static let largestContent: Int64 = 65536
    /// What an entry takes besides its content: the objects, the prepared fields.
    private static let overhead = 3072

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    func resource(for path: borrowing RawSpan) -> Resource? {
        guard let entry = entries[Self.key(path)], Self.equal(path, entry.path) else { return nil }
        return entry.resource
    }

    /// Keeps a resource, in the place of another one for this path.
    mutating func insert(_ resource: Resource, for path: borrowing RawSpan) {
        let key = Self.key(path)
        let content = resource.representations.reduce(0) { $0 + ($1.content?.count ?? 0) }
        let entry = Entry(
            path: PathBytes.copy(path), resource: resource,
            size: Self.overhead * resource.representations.count + path.byteCount + content)
        guard entry.size <= capacity else { return remove(path) }
        if let old = entries.updateValue(entry, forKey: key) {
            size -= old.size
        } else {
            queue.append(key)
        }
        size += entry.size
        evict()
    }

    /// Keeps the content of a representation whose resource is kept for this path.
    mutating func keep(_ content: [UInt8], of representation: Representation, for path: borrowing RawSpan) {
        let key = Self.key(path)
        guard var entry = entries[key], Self.equal(path, entry.path), representation.content == nil,
            entry.resource.representations.contains(where: { $0 === representation }), entry.size + content.count <= capacity
        else { return }
        representation.content = content
        entry.size += content.count
        size += content.count
        entry.resource.wasUsed = true
        entries[key] = entry
        evict()
    }

    mutating func remove(_ path: borrowing RawSpan) {
        let key = Self.key(path)
        guard let entry = entries.removeValue(forKey: key) else { return }
        size -= entry.size
        // A key that was considered and kept is in the queue twice, once before the front.
        queue.removeFirst(front)
        front = 0
        queue.removeAll { $0 == key }
    }

    private mutating func evict() {
        while size > capacity, front < queue.count {
            let key = queue[front]
            front += 1
            guard let entry = entries[key] else { continue }
            if entry.resource.wasUsed {
                entry.resource.wasUsed = false
                queue.append(key)
            } else {
                entries.removeValue(forKey: key)
                size -= entry.size
            }
        }
        if front > 1024, front > queue.count / 2 {
            queue.removeFirst(front)
            front = 0
        }
    }

    /// A hash, which the dictionary takes as it is: it isn't hashed again.
    private struct Key: Hashable {
        let hash: Int

        func hash(into hasher: inout Hasher) { hasher.combine(hash) }
        func _rawHashValue(seed: Int) -> Int { hash ^ seed }
    }

    private static func key(_ path: borrowing RawSpan) -> Key {
        var hasher = Hasher()
        unsafe path.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return Key(hash: hasher.finalize())
    }

    private static func equal(_ path: borrowing RawSpan, _ kept: [UInt8]) -> Bool {
        guard path.byteCount == kept.count else { return false }
        return unsafe path.withUnsafeBytes { bytes in
            unsafe kept.withUnsafeBytes { other in
                guard let start = bytes.baseAddress, let keptStart = other.baseAddress else { return bytes.count == other.count }
                return unsafe memcmp(start, keptStart, bytes.count) == 0
            }
        }
    }
}

enum PathBytes {
    static func copy(_ path: borrowing RawSpan) -> [UInt8] {
        unsafe path.withUnsafeBytes { unsafe Array($0) }
    }
}
