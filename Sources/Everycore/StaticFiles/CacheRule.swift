// How long browsers and caches may keep a file: the value of Cache-Control by a pattern of its path.
//
// Part of the configuration: read in the master before the fork, applied in the workers when a file is looked at first. Pure.

/// What files under a pattern are sent with as `Cache-Control`.
public struct CacheRule: Sendable, Equatable {
    /// `*` stands for any number of characters, a slash among them, `?` for one. A pattern with a slash is compared with the
    /// whole path, which begins with one; a pattern without, with the file's name.
    public let pattern: String
    /// The field's value: `public, max-age=31536000, immutable`.
    public let value: String

    /// - Returns: nil where the pattern is empty or has a space or `;` in it, or the value is no field's value.
    public init?(pattern: String, value: String) {
        let name = pattern.utf8, text = value.utf8
        guard !name.isEmpty, name.allSatisfy({ $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ";") }),
            let first = text.first, let last = text.last, first > 0x20, last > 0x20,
            text.allSatisfy({ 0x20...0x7E ~= $0 && $0 != UInt8(ascii: ";") })
        else { return nil }
        self.pattern = pattern
        self.value = value
    }

    /// - Parameter path: below the root, without a slash at its begin.
    package func matches(_ path: [UInt8]) -> Bool {
        let pattern = Array(pattern.utf8)
        if pattern.contains(UInt8(ascii: "/")) { return Self.matches(pattern, [UInt8(ascii: "/")] + path) }
        return Self.matches(pattern, Array(path[(path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]))
    }

    /// Goes back to the last star only: the time is bounded by the product of the lengths.
    private static func matches(_ pattern: [UInt8], _ text: [UInt8]) -> Bool {
        var (p, t) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (p, t) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.count
    }
}
