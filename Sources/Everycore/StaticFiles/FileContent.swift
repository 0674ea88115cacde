// The content of an answer that comes from a file: all of it, a part, or several parts as multipart/byteranges (RFC 9110 §14.6).
//
// Made in the workers, for one answer.

/// Parts of a file, and what is written around them.
package final class FileContent: Sendable {
    package struct Part: Sendable, Equatable {
        /// What comes before the part's bytes.
        package let prefix: [UInt8]
        package let range: Range<Int64>
    }

    package let file: OpenFile
    package let parts: [Part]
    /// What comes after the last part.
    package let suffix: [UInt8]
    /// All of the file, where it was read already.
    let bytes: [UInt8]?

    /// One part as it is.
    init(_ file: OpenFile, _ range: Range<Int64>) {
        self.file = file
        parts = [Part(prefix: [], range: range)]
        suffix = []
        bytes = nil
    }

    /// All of the file, which was read.
    init(_ file: OpenFile, _ bytes: [UInt8]) {
        self.file = file
        parts = [Part(prefix: [], range: 0..<Int64(bytes.count))]
        suffix = []
        self.bytes = bytes
    }

    /// Several parts, each with a head of its own.
    /// - Parameter boundary: must not occur in the content; one of random digits doesn't.
    init(_ file: OpenFile, parts ranges: [Range<Int64>], contentType: String, boundary: String) {
        self.file = file
        bytes = nil
        let size = file.facts.size
        parts = ranges.enumerated().map { index, range in
            let head = """
                \(index == 0 ? "" : "\r\n")--\(boundary)\r
                Content-Type: \(contentType)\r
                Content-Range: \(Self.contentRange(range, of: size))\r
                \r\n
                """
            return Part(prefix: Array(head.utf8), range: range)
        }
        suffix = Array("\r\n--\(boundary)--\r\n".utf8)
    }

    /// The file's bytes that are all of the content, where nothing is written around them.
    var wholePart: Range<Int64>? { parts.count == 1 && suffix.isEmpty ? parts.first?.range : nil }

    /// In bytes.
    package var length: Int64 {
        parts.reduce(Int64(suffix.count)) { $0 &+ Int64($1.prefix.count) &+ Int64($1.range.count) }
    }

    static func contentRange(_ range: Range<Int64>, of size: Int64) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound &- 1)/\(size)"
    }

    static func randomBoundary() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    }
}

/// Writes several parts of a file, at the client's pace: one piece in memory at a time.
final class PartsWriter<Exchange: RequestExchange> {
    private let content: FileContent
    private let exchange: Exchange
    private var part = 0
    /// Within the part.
    private var offset: Int64 = 0

    private static var pieceSize: Int64 { 65536 }

    init(_ content: FileContent, to exchange: Exchange) {
        self.content = content
        self.exchange = exchange
    }

    /// Goes on until the socket is full; the exchange then keeps this until there is room.
    func run() {
        while !exchange.isAnswered {
            guard exchange.isWritable else { return exchange.whenWritable { self.run() } }
            guard part < content.parts.count else {
                let suffix = content.suffix
                unsafe exchange.write(suffix.span.bytes)
                return exchange.end()
            }
            let current = content.parts[part]
            if offset == 0 {
                let prefix = current.prefix
                unsafe exchange.write(prefix.span.bytes)
            }
            let length = Int64(current.range.count)
            let count = min(Self.pieceSize, length &- offset)
            guard let bytes = content.file.read(at: current.range.lowerBound &+ offset, count: Int(count)), bytes.count == count
            else {
                // The file has become shorter than announced: only a close tells the client.
                return exchange.abort()
            }
            unsafe exchange.write(bytes.span.bytes)
            offset &+= count
            if offset >= length {
                part += 1
                offset = 0
            }
        }
    }
}
