// From the path of a request to the path of a file below the root. What comes out has no `..`, no empty and no hidden segment,
// whatever went in; the kernel checks again when the file is opened.
//
// Pure; runs in the workers.

package struct FilePath: Sendable, Equatable {
    /// Joined by slashes, without one at either end; empty for the root itself. Bytes, since names of files are bytes.
    package private(set) var bytes: [UInt8] = []
    /// The request's path ends in a slash, or in a dot segment that means a directory.
    package private(set) var isDirectory = false

    package enum Failure: Error, Sendable, Equatable {
        /// It holds a NUL, or climbs above the root: no honest client sends that.
        case bad
        /// No file that is served can have this name.
        case absent
    }

    /// Segments that begin with a dot are refused, but for this one at the root: certificates are proven in it (RFC 8615, RFC 8555 §8.3).
    private static let wellKnown = Array(".well-known".utf8)

    /// - Parameter path: as sent, percent-encoded, beginning with a slash.
    ///
    /// Each segment is decoded once. Dot segments, encoded or not, are resolved (RFC 3986 §5.2.4). A decoded slash is part of
    /// a segment's name, which no file has; a backslash is a letter like others.
    package init(_ path: borrowing RawSpan) throws(Failure) {
        guard path.byteCount > 0, path[byte: 0] == UInt8(ascii: "/") else { throw .absent }
        var segments: [[UInt8]] = []
        var start = 1
        var isAbsent = false
        while start <= path.byteCount {
            var end = start
            while end < path.byteCount, path[byte: end] != UInt8(ascii: "/") { end &+= 1 }
            let name = PercentDecoding.decode(path.extracting(start..<end))
            let isLast = end == path.byteCount
            start = end &+ 1
            if name.contains(0) { throw .bad }
            switch name {
            case []:
                // Only the last may be empty. To skip others would give each file many names, and `//host` is none of ours.
                if isLast { isDirectory = true } else { isAbsent = true }
            case [0x2E]:
                isDirectory = isLast
            case [0x2E, 0x2E]:
                guard segments.popLast() != nil else { throw .bad }
                isDirectory = isLast
            default:
                isAbsent = isAbsent || name.contains(UInt8(ascii: "/")) || name.count > 255
                segments.append(name)
            }
        }
        for (depth, name) in segments.enumerated() where name.first == 0x2E {
            isAbsent = isAbsent || depth > 0 || name != Self.wellKnown
        }
        bytes = Array(segments.joined(separator: [UInt8(ascii: "/")]))
        // PATH_MAX, with the end of the text and a sibling's suffix.
        if isAbsent || bytes.count > 4000 { throw .absent }
    }

    /// One that is known to be clean, in tests and for names of index pages.
    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// The file of that name in this directory.
    package func appending(_ name: String) -> FilePath {
        FilePath(bytes: bytes + (bytes.isEmpty ? [] : [UInt8(ascii: "/")]) + Array(name.utf8))
    }

    /// The file next to it whose name is longer by this.
    package func withSuffix(_ suffix: String) -> FilePath { FilePath(bytes: bytes + Array(suffix.utf8)) }

    /// The name behind the last slash, as a segment of a URL. No colon is left in it that could make a scheme of what is before.
    package var lastSegment: String {
        Self.escaped(Array(bytes[(bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]))
    }

    /// A name as a segment of a URL: everything but unreserved characters is escaped (RFC 3986 §2.3).
    package static func escaped(_ name: [UInt8]) -> String {
        var text = ""
        for byte in name { append(byte, to: &text) }
        return text
    }

    private static func append(_ byte: UInt8, to text: inout String) {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), 0x30...0x39, 0x2D, 0x2E, 0x5F, 0x7E:
            text.unicodeScalars.append(Unicode.Scalar(byte))
        default:
            text += byte < 16 ? "%0" : "%"
            text += String(byte, radix: 16, uppercase: true)
        }
    }
}
