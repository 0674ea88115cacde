// Entity tags: one version of one representation has one (RFC 9110 §8.8.3). And the lists of them that clients send back.
//
// Pure; runs in the workers.

package struct EntityTag: Sendable, Equatable, CustomStringConvertible {
    /// What is between the quotes.
    package let opaque: String
    /// Says that two versions with this tag are as good as each other, not that they have the same bytes.
    package let isWeak: Bool

    package init(_ opaque: String, isWeak: Bool = false) {
        self.opaque = opaque
        self.isWeak = isWeak
    }

    /// A tag as it is written in a field, and nothing else.
    package init?(parsing text: String) {
        var reader = ByteReader(text)
        guard let tag = reader.takeTag(), reader.isAtEnd else { return nil }
        self = tag
    }

    package var description: String { isWeak ? "W/\"\(opaque)\"" : "\"\(opaque)\"" }

    /// The same bytes for certain: neither tag is weak (RFC 9110 §8.8.3.2).
    package func matchesStrongly(_ other: EntityTag) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

    package func matchesWeakly(_ other: EntityTag) -> Bool { opaque == other.opaque }
}

/// The value of `If-Match` or `If-None-Match`.
package enum EntityTagList: Sendable, Equatable {
    /// `*`: any representation there is.
    case any
    case tags([EntityTag])

    /// A list that isn't well formed matches nothing: `If-Match` then refuses, `If-None-Match` lets pass.
    package init(parsing text: String) {
        var reader = ByteReader(text)
        if text == "*" {
            self = .any
            return
        }
        var tags: [EntityTag] = []
        while !reader.isAtEnd {
            reader.skipBlanks()
            if reader.take(UInt8(ascii: ",")) { continue }
            if reader.isAtEnd { break }
            guard let tag = reader.takeTag() else {
                self = .tags([])
                return
            }
            tags.append(tag)
            reader.skipBlanks()
            guard reader.isAtEnd || reader.next == UInt8(ascii: ",") else {
                self = .tags([])
                return
            }
        }
        self = .tags(tags)
    }

    package func contains(where matches: (EntityTag) -> Bool) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(where: matches)
        }
    }
}

extension ByteReader {
    /// `"…"` or `W/"…"`; the W is case-sensitive. Between the quotes is anything visible but a quote, and bytes above ASCII.
    fileprivate mutating func takeTag() -> EntityTag? {
        let isWeak = take("W/")
        guard take(UInt8(ascii: "\"")) else { return nil }
        let start = position
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte == 0x21 || byte >= 0x23, byte != 0x7F else { return nil }
            advance()
        }
        let opaque = text(from: start)
        return take(UInt8(ascii: "\"")) ? EntityTag(opaque, isWeak: isWeak) : nil
    }
}
