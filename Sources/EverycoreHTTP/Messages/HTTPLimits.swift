// The bounds on everything a peer can make long or many. One value per server, copied into
// each connection's parser. Values are clamped when the limits are made, so that the parsers
// can add to them without overflow. Runs in workers.

package struct HTTPLimits: Sendable, Equatable {
    /// Bytes of the request line, without its CRLF. Beyond: 414, or 501 where the method alone is longer.
    package let requestLine: Int
    /// Bytes of the request target. Beyond: 414.
    package let target: Int
    /// Bytes of one field line, without its CRLF, in the header or the trailer section. Beyond: 431.
    package let fieldLine: Int
    /// Bytes from the first field line to the end of the blank line, both included. Beyond: 431.
    package let headerSection: Int
    /// Field lines in a header or trailer section. Beyond: 431.
    package let fieldCount: Int
    /// Bytes of a request's content that a handler is given unless its route says otherwise. Beyond: 413.
    package let body: Int
    /// Bytes of all chunk extensions of one body together. Beyond: 400.
    package let chunkExtensions: Int
    /// Bytes of the trailer section with its blank line. Beyond: 431.
    package let trailerSection: Int

    package init(
        requestLine: Int = 8192,
        target: Int = 8000,
        fieldLine: Int = 8192,
        headerSection: Int = 32768,
        fieldCount: Int = 100,
        body: Int = 1 << 20,
        chunkExtensions: Int = 4096,
        trailerSection: Int = 8192
    ) {
        let longest = 1 << 24
        self.requestLine = min(max(requestLine, 16), longest)
        self.target = min(max(target, 1), longest)
        self.fieldLine = min(max(fieldLine, 16), longest)
        self.headerSection = min(max(headerSection, 16), longest)
        self.fieldCount = min(max(fieldCount, 1), 10_000)
        self.body = max(body, 0)
        self.chunkExtensions = min(max(chunkExtensions, 0), longest)
        self.trailerSection = min(max(trailerSection, 2), longest)
    }

    /// The most bytes that the parser asks a connection to keep of one head: the request line and the header section.
    package var longestHead: Int { requestLine &+ 2 &+ headerSection }
}
