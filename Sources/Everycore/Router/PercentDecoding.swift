// Percent-decoding of paths and queries (RFC 3986 §2.1), made when the text is asked for.
//
// Runs in the workers. The request parser has refused malformed escapes in targets already; text from elsewhere may
// have them, and they stand for themselves. Bytes that are no UTF-8 become U+FFFD in the String.

enum PercentDecoding {
    static func decode(_ bytes: borrowing RawSpan, plusIsSpace: Bool = false) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.byteCount)
        var position = 0
        while position < bytes.byteCount {
            let byte = bytes[byte: position]
            if byte == UInt8(ascii: "%"), position &+ 2 < bytes.byteCount,
                let high = hexValue(bytes[byte: position &+ 1]), let low = hexValue(bytes[byte: position &+ 2])
            {
                decoded.append(high << 4 | low)
                position &+= 3
            } else {
                decoded.append(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                position &+= 1
            }
        }
        return decoded
    }

    static func string(_ bytes: borrowing RawSpan, plusIsSpace: Bool = false) -> String {
        String(decoding: decode(bytes, plusIsSpace: plusIsSpace), as: UTF8.self)
    }

    private static func hexValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }
}

extension RawSpan {
    /// The byte at an offset, bounds-checked.
    @inline(__always)
    subscript(byte offset: Int) -> UInt8 { unsafe unsafeLoad(fromByteOffset: offset, as: UInt8.self) }
}
