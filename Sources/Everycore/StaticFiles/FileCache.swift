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

    /// By a hash of the path with random seeds, of which no client knows enough to find two paths with the same.
    private var entries: [Key: Resource] = [:]
    private let seeds = (UInt64.random(in: 1...(.max)), UInt64.random(in: 1...(.max)))
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
        guard let resource = entries[key(path)], Self.equal(path, resource.path) else { return nil }
        return resource
    }

    /// Keeps a resource, in the place of another one for this path.
    mutating func insert(_ resource: Resource, for path: borrowing RawSpan) {
        let key = key(path)
        let content = resource.representations.reduce(0) { $0 + ($1.content?.count ?? 0) }
        resource.path = PathBytes.copy(path)
        resource.size = Self.overhead * resource.representations.count + path.byteCount + content
        guard resource.size <= capacity else { return remove(path) }
        if let old = entries.updateValue(resource, forKey: key) {
            size -= old.size
        } else {
            queue.append(key)
        }
        size += resource.size
        evict()
    }

    /// Keeps the content of a representation whose resource is kept for this path.
    mutating func keep(_ content: [UInt8], of representation: Representation, for path: borrowing RawSpan) {
        guard let resource = resource(for: path), representation.content == nil,
            resource.representations.contains(where: { $0 === representation }), resource.size + content.count <= capacity
        else { return }
        representation.content = content
        resource.size += content.count
        size += content.count
        resource.wasUsed = true
        evict()
    }

    mutating func remove(_ path: borrowing RawSpan) {
        let key = key(path)
        guard let resource = entries.removeValue(forKey: key) else { return }
        size -= resource.size
        // A key that was considered and kept is in the queue twice, once before the front.
        queue.removeFirst(front)
        front = 0
        queue.removeAll { $0 == key }
    }

    private mutating func evict() {
        while size > capacity, front < queue.count {
            let key = queue[front]
            front += 1
            guard let resource = entries[key] else { continue }
            if resource.wasUsed {
                resource.wasUsed = false
                queue.append(key)
            } else {
                entries.removeValue(forKey: key)
                size -= resource.size
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

    /// Each step multiplies eight bytes, mixed with what came before, by one seed, and folds the product. The last eight overlap those before.
    private func key(_ path: borrowing RawSpan) -> Key {
        let count = path.byteCount
        var hash = seeds.0 ^ UInt64(truncatingIfNeeded: count)
        var position = 0
        while position &+ 8 < count {
            hash = unsafe Self.fold(hash ^ Self.word(path, position), seeds.1)
            position &+= 8
        }
        var rest: UInt64 = 0
        if count >= 8 {
            unsafe rest = Self.word(path, count &- 8)
        } else {
            while position < count {
                rest = rest &<< 8 | UInt64(path[byte: position])
                position &+= 1
            }
        }
        hash = Self.fold(hash ^ rest, seeds.1)
        return Key(hash: Int(truncatingIfNeeded: Self.fold(hash, seeds.0)))
    }

    /// - Parameter position: at least eight bytes before the path's end.
    @unsafe @inline(__always)
    private static func word(_ path: borrowing RawSpan, _ position: Int) -> UInt64 {
        unsafe path.unsafeLoadUnaligned(fromUncheckedByteOffset: position, as: UInt64.self)
    }

    @inline(__always)
    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
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

/// What a request's path stands for: a file, and its compressed siblings.
final class Resource {
    /// The file itself comes first.
    let representations: [Representation]
    let codings: CodingSet
    /// When it was last looked at, in monotonic nanoseconds.
    var checkedAt: UInt64
    /// Since it was last considered for eviction.
    var wasUsed = false
    /// Of the cache that has it: the path as it was spelled in requests, and the bytes that it takes, by estimate.
    var path: [UInt8] = []
    var size = 0

    init(representations: [Representation], checkedAt: UInt64) {
        self.representations = representations
        self.checkedAt = checkedAt
        var codings = CodingSet()
        for representation in representations {
            if let coding = representation.coding { codings.insert(coding) }
        }
        self.codings = codings
    }

    /// The index of the representation that the client likes best, or nil when it refuses all.
    func choice(for accepted: AcceptedCodings) -> Int? {
        switch accepted.choice(of: codings) {
        case .identity: return 0
        case .coding(let coding): return representations.firstIndex { $0.coding == coding }
        case .nothing: return nil
        }
    }
}

enum PathBytes {
    static func copy(_ path: borrowing RawSpan) -> [UInt8] {
        unsafe path.withUnsafeBytes { unsafe Array($0) }
    }
}
