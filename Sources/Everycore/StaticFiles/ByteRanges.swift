// The value of Range: which bytes of a representation a client wants (RFC 9110 §14.1.2, §14.2).
//
// Pure; runs in the workers.

package enum RangeSelection: Sendable, Equatable {
    /// All of it: the field is of another unit or malformed, or wants too many parts. Or there is nothing to take a part of: no byte
    /// is missing then, and clients that put a range on every request take a 416 for a failure (RFC 9110 §14.2 lets a server ignore it).
    case whole
    /// 416: no byte of it exists.
    case unsatisfiable
    /// One or more parts, none empty, that don't overlap, in the order in which they were asked for.
    case parts([Range<Int64>])

    /// More parts than this in one request are no sane download: the field is ignored (RFC 9110 §17.15).
    package static let maximumParts = 16

    /// - Parameters:
    ///   - field: as sent: `bytes=0-499, -500`.
    ///   - size: of the representation, in bytes.
    package init(_ field: String, size: Int64) {
        guard size > 0, let specifiers = Self.specifiers(field), specifiers.count <= Self.maximumParts else {
            self = .whole
            return
        }
        var parts: [Range<Int64>] = []
        for specifier in specifiers {
            switch specifier {
            case .from(let first, let last):
                guard first < size else { continue }
                Self.merge(first..<min(last ?? .max, size - 1) + 1, into: &parts)
            case .last(let count):
                guard count > 0 else { continue }
                Self.merge(max(0, size - count)..<size, into: &parts)
            }
        }
        self = parts.isEmpty ? .unsatisfiable : .parts(parts)
    }

    private enum Specifier {
        case from(Int64, Int64?)
        case last(Int64)
    }

    /// Nil where the field isn't `bytes=` and a list of well-formed ranges.
    private static func specifiers(_ field: String) -> [Specifier]? {
        var reader = ByteReader(field)
        for letter in "bytes".utf8 {
            guard let byte = reader.next, lowercased(byte) == letter else { return nil }
            reader.advance()
        }
        guard reader.take("=") else { return nil }
        var specifiers: [Specifier] = []
        while true {
            reader.skipBlanks()
            if reader.isAtEnd { break }
            if reader.take(UInt8(ascii: ",")) { continue }
            let first = reader.number()
            guard reader.take(UInt8(ascii: "-")) else { return nil }
            let last = reader.number()
            switch (first, last) {
            case (nil, nil): return nil
            case (nil, let count?): specifiers.append(.last(count))
            case (let first?, let last):
                if let last, last < first { return nil }
                specifiers.append(.from(first, last))
            }
            reader.skipBlanks()
            guard reader.isAtEnd || reader.take(UInt8(ascii: ",")) else { return nil }
        }
        return specifiers.isEmpty ? nil : specifiers
    }

    /// Adds a part; those that overlap it or touch it become one with it, at the place of the first of them.
    private static func merge(_ part: Range<Int64>, into parts: inout [Range<Int64>]) {
        var whole = part
        var place: Int?
        var index = 0
        while index < parts.count {
            let other = parts[index]
            guard other.lowerBound <= whole.upperBound, whole.lowerBound <= other.upperBound else {
                index += 1
                continue
            }
            whole = min(whole.lowerBound, other.lowerBound)..<max(whole.upperBound, other.upperBound)
            parts.remove(at: index)
            place = min(place ?? index, index)
            // It has grown: what it passed by may touch it now.
            index = 0
        }
        parts.insert(whole, at: place ?? parts.count)
    }
}
