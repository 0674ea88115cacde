// Takes an HTTP/1.1 response apart as its bytes come. A pure value: bytes in, content out. What is wrong in them ends it, and nothing traps.
// Process: any other than a service's · Thread: main

#if Command
package struct ResponseReader {
    package enum Malformed: Error, Equatable {
        case notHTTP, tooLong
        /// The bytes ended before the response did.
        case cutShort
    }

    private enum State: Equatable {
        case head
        case length(Int)
        case untilEnd
        case chunkSize
        case chunk(Int)
        /// The line behind a chunk.
        case chunkEnd
        case trailers
        case over
    }

    /// Of a head and those of interim responses before it together, a line, and a trailer section.
    private static let headLimit = 65_536
    private static let beginning = Array("HTTP/1.".utf8)
    private var state = State.head
    /// What is not used yet.
    private var rest: [UInt8] = []
    /// Bytes of interim responses and trailers so far.
    private var overhead = 0
    package private(set) var status: Int?

    package init() {}

    package var isOver: Bool { state == .over }

    /// - Returns: the content that has come with these bytes.
    package mutating func take(_ bytes: some Sequence<UInt8>) throws(Malformed) -> [UInt8] {
        rest += bytes
        var content: [UInt8] = []
        var used = 0
        while let count = try step(rest[used...], &content) { used += count }
        rest.removeFirst(used)
        return content
    }

    /// The other side has ended the connection.
    package mutating func end() throws(Malformed) {
        if state == .untilEnd { state = .over }
        guard state != .over else { return }
        throw state == .head && !rest.isEmpty && !rest.starts(with: Self.beginning) ? .notHTTP : .cutShort
    }

    /// - Returns: how many bytes were used; nil where more have to come.
    private mutating func step(_ bytes: ArraySlice<UInt8>, _ content: inout [UInt8]) throws(Malformed) -> Int? {
        switch state {
        case .head:
            return try head(bytes)
        case .length(let left):
            let count = take(left, of: bytes, &content)
            state = left == count ? .over : .length(left - count)
            return count == 0 ? nil : count
        case .untilEnd:
            content += bytes
            return bytes.isEmpty ? nil : bytes.count
        case .chunkSize:
            guard let (line, count) = try line(in: bytes) else { return nil }
            let digits = line.prefix { $0 != 0x3B && $0 != 0x20 }
            guard !digits.isEmpty, digits.count <= 8, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0 else { throw .notHTTP }
            state = size == 0 ? .trailers : .chunk(size)
            return count
        case .chunk(let left):
            let count = take(left, of: bytes, &content)
            state = left == count ? .chunkEnd : .chunk(left - count)
            return count == 0 ? nil : count
        case .chunkEnd:
            guard let (line, count) = try line(in: bytes) else { return nil }
            guard line.isEmpty else { throw .notHTTP }
            state = .chunkSize
            return count
        case .trailers:
            guard let (line, count) = try line(in: bytes) else { return nil }
            if line.isEmpty { state = .over }
            try spend(count)
            return count
        case .over:
            return nil
        }
    }

    private func take(_ left: Int, of bytes: ArraySlice<UInt8>, _ content: inout [UInt8]) -> Int {
        content += bytes.prefix(left)
        return min(left, bytes.count)
    }

    /// A line without its end, and its length with it.
    private func line(in bytes: ArraySlice<UInt8>) throws(Malformed) -> (line: ArraySlice<UInt8>, count: Int)? {
        guard let end = bytes.firstIndex(of: 0x0A) else {
            if bytes.count > Self.headLimit { throw .tooLong }
            return nil
        }
        var line = bytes[..<end]
        if line.last == 0x0D { line = line.dropLast() }
        return (line, end - bytes.startIndex + 1)
    }

    private mutating func head(_ bytes: ArraySlice<UInt8>) throws(Malformed) -> Int? {
        var (used, lines): (Int, [String]) = (0, [])
        while let (line, count) = try line(in: bytes.dropFirst(used)) {
            used += count
            if used > Self.headLimit { throw .tooLong }
            if lines.isEmpty, !line.starts(with: Self.beginning) { throw .notHTTP }
            if line.isEmpty {
                try spend(used)
                try begin(lines)
                return used
            }
            lines.append(String(decoding: line, as: UTF8.self))
        }
        if bytes.count > Self.headLimit { throw .tooLong }
        // A service of another kind may wait for more than these bytes.
        if bytes.count >= 7, !bytes.starts(with: Self.beginning) { throw .notHTTP }
        return nil
    }

    private mutating func spend(_ count: Int) throws(Malformed) {
        overhead += count
        if overhead > Self.headLimit { throw .tooLong }
    }

    private mutating func begin(_ lines: [String]) throws(Malformed) {
        let words = (lines.first ?? "").split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[1].utf8.count == 3, let status = Int(words[1]), status >= 100 else { throw .notHTTP }
        // More is to come (RFC 9110 §15.2).
        if status < 200 { return }
        self.status = status
        var fields: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { throw .notHTTP }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields[line[..<colon].lowercased()] = String(value)
        }
        if fields["transfer-encoding"]?.lowercased() == "chunked" {
            state = .chunkSize
        } else if let text = fields["content-length"] {
            guard let length = Int(text), length >= 0 else { throw .notHTTP }
            state = length == 0 ? .over : .length(length)
        } else {
            state = status == 204 || status == 304 ? .over : .untilEnd
        }
    }
}
#endif
