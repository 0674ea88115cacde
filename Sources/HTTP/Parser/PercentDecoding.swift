// Percent-encoded text (RFC 3986 §2.1) as parts of a path or a query hold it. What the decoded
// text may contain is for the caller to decide: %00 and %2F come out as NUL and slash. Workers.

package enum PercentDecoding {
    /// The decoded text, or nil where an escape is malformed or the bytes aren't UTF-8.
    ///
    /// - Parameter plusIsSpace: as HTML forms encode queries; in a path a plus is a plus.
    package static func decode(_ bytes: RawSpan, plusIsSpace: Bool = false) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.byteCount)
        var index = 0
        while index < bytes.byteCount {
            let byte = bytes.byte(index)
            index &+= 1
            if byte == 0x25 {
                guard index &+ 1 < bytes.byteCount,
                    let high = ChunkedDecoder.hexadecimalValue(bytes.byte(index)),
                    let low = ChunkedDecoder.hexadecimalValue(bytes.byte(index &+ 1))
                else { return nil }
                decoded.append(high &<< 4 | low)
                index &+= 2
            } else {
                decoded.append(plusIsSpace && byte == 0x2B ? 0x20 : byte)
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
