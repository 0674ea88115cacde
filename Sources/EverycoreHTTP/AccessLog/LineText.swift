// The line that is being made: a piece of memory of the worker's, used again for each. Text of a client is escaped, so that no request can
// end a line, a quoted field or an object, nor reach the terminal of its reader; and cut, so that each line has a bound. Touches raw memory.
// Process: worker · Thread: loop

/// How text of a client is written.
package enum LineEscape: Sendable {
    /// `\"`, `\\`, and `\xHH` for each byte that isn't printable ASCII.
    case text
    /// As in a JSON string, all in ASCII: `\u00e9`. What isn't UTF-8 becomes `\ufffd`.
    case json
}

@safe
package struct LineText: ~Copyable {
    /// Its end included: what a pipe takes whole (PIPE_BUF, pipe(7)).
    package static var longest: Int { 4096 }

    private let bytes: UnsafeMutableRawPointer
    package private(set) var count = 0
    /// Copying goes by eight bytes, the last of which may be beyond the end.
    private static var slack: Int { 16 }

    package init() { unsafe bytes = .allocate(byteCount: Self.longest + Self.slack, alignment: 16) }

    deinit { unsafe bytes.deallocate() }

    /// What there is.
    package var line: UnsafeRawBufferPointer { unsafe UnsafeRawBufferPointer(start: bytes, count: count) }

    package mutating func removeAll() { count = 0 }

    /// The end of the line always has a place.
    private var room: Int { Self.longest &- 1 &- count }

    package mutating func endLine() {
        unsafe bytes.storeBytes(of: 0x0A, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    // MARK: The program's own text

    @inline(__always)
    mutating func append(_ text: StaticString) { unsafe append(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)) }

    mutating func append(_ text: [UInt8]) { unsafe text.withUnsafeBytes { unsafe append($0) } }

    @inline(__always)
    private mutating func append(_ text: UnsafeRawBufferPointer) {
        guard text.count <= room, let source = text.baseAddress else { return }
        unsafe (bytes + count).copyMemory(from: source, byteCount: text.count)
        count &+= text.count
    }

    @inline(__always)
    private mutating func append(byte: UInt8) {
        guard room > 0 else { return }
        unsafe bytes.storeBytes(of: byte, toByteOffset: count, as: UInt8.self)
        count &+= 1
    }

    mutating func append(decimal number: UInt64, digits least: Int = 1) {
        // The greatest number has 20 digits.
        var digits = 1
        var bound: UInt64 = 10
        while digits < 20, number >= bound {
            digits &+= 1
            bound = bound &* 10
        }
        digits = max(digits, least)
        guard digits <= room else { return }
        var rest = number
        var place = count &+ digits
        count = place
        while place > count &- digits {
            place &-= 1
            unsafe bytes.storeBytes(of: UInt8(truncatingIfNeeded: 0x30 &+ rest % 10), toByteOffset: place, as: UInt8.self)
            rest /= 10
        }
    }

    /// Seconds with six digits behind the point.
    mutating func append(seconds nanoseconds: UInt64) {
        append(decimal: nanoseconds / 1_000_000_000)
        append(byte: 0x2E)
        append(decimal: nanoseconds / 1000 % 1_000_000, digits: 6)
    }

    // MARK: A client's text

    /// - Parameter limit: bytes that it takes at most; a text that is cut ends with `...`.
    package mutating func append(_ text: UnsafeRawBufferPointer, limit: Int, as escape: LineEscape) {
        if text.count <= min(limit, room), unsafe appendPlain(text) { return }
        unsafe appendEscaped(text, limit: min(limit, room), escape)
    }

    /// Copies text in which nothing has to be escaped. False where something has; nothing was appended then.
    @inline(__always)
    private mutating func appendPlain(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let source = text.baseAddress else { return true }
        let target = unsafe bytes + count
        var special: UInt64 = 0
        var offset = 0
        while offset &+ 8 <= text.count {
            let word = unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            special |= Bytewise.special(word)
            unsafe target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset &+= 8
        }
        if offset < text.count, text.count >= 8 {
            // The last eight, some of them for the second time.
            offset = text.count &- 8
            let word = unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            special |= Bytewise.special(word)
            unsafe target.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
            offset = text.count
        }
        while offset < text.count {
            let byte = unsafe source.load(fromByteOffset: offset, as: UInt8.self)
            special |= Bytewise.special(UInt64(byte) | Bytewise.spaces << 8)
            unsafe target.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
            offset &+= 1
        }
        guard special == 0 else { return false }
        count &+= text.count
        return true
    }

    @inline(never)
    private mutating func appendEscaped(_ text: UnsafeRawBufferPointer, limit: Int, _ escape: LineEscape) {
        let end = count &+ limit
        var offset = 0
        while offset < text.count {
            let (scalar, length) = unsafe escape == .json ? Self.scalar(in: text, at: offset) : (UInt32(text[offset]), 1)
            let size = Self.size(of: scalar, escape)
            let isLast = offset &+ length >= text.count
            guard count &+ size &+ (isLast ? 0 : 3) <= end else {
                if count &+ 3 <= end { append("...") }
                return
            }
            append(scalar, escape, size)
            offset &+= length
        }
    }

    private static func size(of scalar: UInt32, _ escape: LineEscape) -> Int {
        if scalar == 0x22 || scalar == 0x5C { return 2 }
        if (0x20..<0x7F).contains(scalar) { return 1 }
        return escape == .text ? 4 : scalar > 0xFFFF ? 12 : 6
    }

    private mutating func append(_ scalar: UInt32, _ escape: LineEscape, _ size: Int) {
        switch size {
        case 1: append(byte: UInt8(truncatingIfNeeded: scalar))
        case 2:
            append(byte: 0x5C)
            append(byte: UInt8(truncatingIfNeeded: scalar))
        case 4:
            append("\\x")
            append(hexadecimal: scalar, digits: 2)
        case 6:
            append("\\u")
            append(hexadecimal: scalar, digits: 4)
        default:
            append("\\u")
            append(hexadecimal: 0xD800 &+ (scalar &- 0x10000) >> 10, digits: 4)
            append("\\u")
            append(hexadecimal: 0xDC00 &+ (scalar & 0x3FF), digits: 4)
        }
    }

    private mutating func append(hexadecimal number: UInt32, digits: UInt32) {
        for place in (0..<digits).reversed() {
            let digit = UInt8(truncatingIfNeeded: number >> (4 &* place)) & 0xF
            append(byte: digit &+ (digit < 10 ? 0x30 : 0x57))
        }
    }

    /// The scalar at an offset of UTF-8, and its length; U+FFFD for a byte that begins none (Unicode 17, table 3-7).
    private static func scalar(in text: UnsafeRawBufferPointer, at offset: Int) -> (UInt32, Int) {
        let lead = unsafe text[offset]
        let (length, low, high): (Int, UInt8, UInt8)
        switch lead {
        case 0..<0x80: return (UInt32(lead), 1)
        case 0xC2...0xDF: (length, low, high) = (2, 0x80, 0xBF)
        case 0xE0: (length, low, high) = (3, 0xA0, 0xBF)
        case 0xED: (length, low, high) = (3, 0x80, 0x9F)
        case 0xE1...0xEF: (length, low, high) = (3, 0x80, 0xBF)
        case 0xF0: (length, low, high) = (4, 0x90, 0xBF)
        case 0xF4: (length, low, high) = (4, 0x80, 0x8F)
        case 0xF1...0xF3: (length, low, high) = (4, 0x80, 0xBF)
        default: return (0xFFFD, 1)
        }
        guard offset &+ length <= text.count, unsafe (low...high).contains(text[offset &+ 1]) else { return (0xFFFD, 1) }
        var scalar = UInt32(lead) & (length == 2 ? 0x1F : length == 3 ? 0xF : 0x7)
        for next in 1..<length {
            let byte = unsafe text[offset &+ next]
            guard byte & 0xC0 == 0x80 else { return (0xFFFD, 1) }
            scalar = scalar << 6 | UInt32(byte & 0x3F)
        }
        return (scalar, length)
    }
}

extension Bytewise {
    static var spaces: UInt64 { ones &* 0x20 }

    /// Not zero where a byte is a control, a quote, a backslash or none of ASCII. Which byte it is can't be told by it.
    @inline(__always)
    static func special(_ word: UInt64) -> UInt64 {
        let quote = word ^ (ones &* 0x22), backslash = word ^ (ones &* 0x5C)
        return (word | (word &+ ones) | (word &- spaces) | (quote &- ones) | (backslash &- ones)) & tops
    }
}
