// The parser's inner loops: words of eight bytes examined at once, byte classes as bit masks.
// The only file of the parser that reads memory without a bounds check in release builds; debug
// builds assert each one. Callers pass offsets within the span. Runs in workers.

/// Every byte of a word at once. A set top bit in the result marks a byte that matched; marks
/// above the lowest one may be false (a borrow), so only the lowest is used.
enum Bytewise {
    static var ones: UInt64 { 0x0101_0101_0101_0101 }
    static var tops: UInt64 { 0x8080_8080_8080_8080 }

    /// Controls, the tab among them. A byte below 0x20 borrows, and so does zero, which is what
    /// 0x7F becomes; bytes above ASCII are left out.
    @inline(__always)
    static func control(_ word: UInt64) -> UInt64 {
        ((word &- ones &* 0x20) | zero(0x7F, word)) & ~word & tops
    }

    /// Space, controls, `#`, `%`, `?`, and bytes above ASCII.
    @inline(__always)
    static func targetStop(_ word: UInt64) -> UInt64 {
        let stops = (word &- ones &* 0x21) | zero(0x23, word) | zero(0x25, word) | zero(0x3F, word)
        return ((stops & ~word) | word) & tops
    }

    /// Sets the top bit where the byte, known to be ASCII, is this one.
    @inline(__always)
    private static func zero(_ byte: UInt8, _ word: UInt64) -> UInt64 {
        (word ^ (ones &* UInt64(byte))) &- ones
    }

    /// Exact in every byte: ASCII letters and the hyphen, which is what field names are made of.
    @inline(__always)
    static func letterOrHyphen(_ word: UInt64) -> UInt64 {
        let folded = (word | (ones &* 0x20)) & ~tops
        let letter = (folded &+ ones &* 0x1F) & ~(folded &+ ones &* 0x05)
        let hyphen = word ^ (ones &* 0x2D)
        return (letter | ~((hyphen & ~tops) &+ ~tops)) & ~word & tops
    }

    /// Exact in every byte: what most hosts are made of, ASCII letters, digits, hyphens and dots.
    @inline(__always)
    static func hostByte(_ word: UInt64) -> UInt64 {
        let low = word & ~tops
        // From 0x2D to 0x39, but for the slash.
        let digit = (low &+ ones &* 0x53) & ~(low &+ ones &* 0x46)
        let isSlash = ~(((low ^ (ones &* 0x2F)) &+ ~tops))
        return (letterOrHyphen(word) | (digit & ~isSlash)) & ~word & tops
    }

    /// The word that loads from up to eight letters; a constant to the optimiser.
    @inline(__always)
    static func word(_ text: StaticString) -> UInt64 {
        let bytes = unsafe text.rawBytes.bytes
        return bytes.partialWord(0, end: bytes.byteCount)
    }

    /// ASCII capitals made small, all other bytes as they are.
    @inline(__always)
    static func lowercased(_ word: UInt64) -> UInt64 {
        let low = word & ~tops
        let capital = (low &+ ones &* 0x3F) & ~(low &+ ones &* 0x25) & ~word & tops
        return word | (capital >> 2)
    }
}

/// A set of ASCII bytes.
struct ByteClass {
    let low: UInt64
    let high: UInt64

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        byte < 0x80 && ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }

    /// tchar, RFC 9110 §5.6.2.
    static var token: ByteClass { ByteClass(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe) }
    /// What a registered name is made of besides percent escapes, RFC 3986 §3.2.2.
    static var registeredName: ByteClass { ByteClass(low: 0x2bff_7fd2_0000_0000, high: 0x47ff_fffe_87ff_fffe) }
    static var hexadecimal: ByteClass { ByteClass(low: 0x03ff_0000_0000_0000, high: 0x0000_007e_0000_007e) }
}

extension RawSpan {
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 {
        assert(offset >= 0 && offset < byteCount)
        return unsafe unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
    }

    @inline(__always)
    func word(_ offset: Int) -> UInt64 {
        assert(offset >= 0 && offset &+ 8 <= byteCount)
        return unsafe UInt64(littleEndian: unsafeLoadUnaligned(fromUncheckedByteOffset: offset, as: UInt64.self))
    }

    /// The bytes from `offset` on that are before `end`, at most eight; zero fills the rest.
    @inline(__always)
    func partialWord(_ offset: Int, end: Int) -> UInt64 {
        if offset &+ 8 <= byteCount {
            let word = word(offset)
            return offset &+ 8 <= end ? word : word & ((1 &<< UInt64((end &- offset) &* 8)) &- 1)
        }
        if end >= 8 { return word(end &- 8) &>> UInt64((8 &- (end &- offset)) &* 8) }
        var word: UInt64 = 0
        var index = end
        while index > offset {
            index &-= 1
            word = word &<< 8 | UInt64(byte(index))
        }
        return word
    }

    /// The first control byte other than a tab, or `end`.
    @inline(__always)
    func firstControl(from start: Int, to end: Int) -> Int {
        var index = start
        while true {
            while index &+ 16 <= end, Bytewise.control(word(index)) | Bytewise.control(word(index &+ 8)) == 0 {
                index &+= 16
            }
            let isWhole = index &+ 8 <= end
            if !isWhole, index >= end { return end }
            // Past the end the word is filled with zeros, which stop the search just there.
            let word = isWhole ? word(index) : partialWord(index, end: end)
            let stops = Bytewise.control(word)
            if stops == 0 {
                index &+= 8
                continue
            }
            index &+= stops.trailingZeroBitCount &>> 3
            if index >= end || byte(index) != 0x09 { return index }
            index &+= 1
        }
    }

    /// The first byte that can't be in a token, or `end`.
    @inline(__always)
    func firstNonToken(from start: Int, to end: Int) -> Int {
        var index = start
        while index < end {
            let stops = ~Bytewise.letterOrHyphen(partialWord(index, end: end)) & Bytewise.tops
            if stops == 0 {
                index &+= 8
                continue
            }
            index &+= stops.trailingZeroBitCount &>> 3
            if index >= end { return end }
            let byte = byte(index)
            if byte == 0x3A || !ByteClass.token.contains(byte) { return index }
            index &+= 1
        }
        return end
    }

    /// The first byte that means something in a target or can't be in one: space and controls,
    /// `#`, `%`, `?`, and bytes above ASCII; or `end`.
    @inline(__always)
    func firstTargetStop(from start: Int, to end: Int) -> Int {
        var index = start
        while index < end {
            let word = partialWord(index, end: end)
            let stops = Bytewise.targetStop(word)
            if stops != 0 { return min(index &+ (stops.trailingZeroBitCount &>> 3), end) }
            index &+= 8
        }
        return end
    }

    /// Whether all bytes from `start` to `end` are of the class.
    @inline(__always)
    func consists(of allowed: ByteClass, from start: Int, to end: Int) -> Bool {
        var index = start
        while index < end {
            if !allowed.contains(byte(index)) { return false }
            index &+= 1
        }
        return true
    }

    /// Equal but for the case of ASCII letters.
    package func equalsIgnoringCase(_ other: RawSpan) -> Bool {
        other.byteCount == byteCount && equalsIgnoringCase(other, from: 0)
    }

    /// Whether the bytes from `start` on begin with those of `other` but for the case of ASCII letters.
    func equalsIgnoringCase(_ other: RawSpan, from start: Int) -> Bool {
        let count = other.byteCount
        guard start >= 0, start <= byteCount, count <= byteCount &- start else { return false }
        var index = 0
        while index < count {
            let left = partialWord(start &+ index, end: start &+ count)
            let right = other.partialWord(index, end: count)
            if left != right, Bytewise.lowercased(left) != Bytewise.lowercased(right) { return false }
            index &+= 8
        }
        return true
    }

    /// Whether two ranges of the bytes are equal but for the case of ASCII letters.
    func rangesEqual(_ left: ByteRange, _ right: ByteRange) -> Bool {
        guard left.count == right.count else { return false }
        var index = 0
        while index < left.count {
            let first = partialWord(Int(left.start) &+ index, end: Int(left.end))
            let second = partialWord(Int(right.start) &+ index, end: Int(right.end))
            if Bytewise.lowercased(first) != Bytewise.lowercased(second) { return false }
            index &+= 8
        }
        return true
    }

    /// Whether ten bytes without controls are `keep-alive` but for the case of letters: setting the bit that tells small letters from
    /// capitals makes only a control into a hyphen, and nothing else into a letter.
    @inline(__always)
    func isKeepAlive(_ range: ByteRange) -> Bool {
        let small = Bytewise.ones &* 0x20
        return word(Int(range.start)) | small == Bytewise.word("keep-ali") && word(Int(range.end) &- 8) | small == Bytewise.word("ep-alive")
    }

    /// Whether that range of the bytes is `text` but for the case of ASCII letters.
    @inline(__always)
    func range(_ range: ByteRange, equals text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount else { return false }
        return unsafe equalsIgnoringCase(text.rawBytes.bytes, from: Int(range.start))
    }
}

extension StaticString {
    /// Its UTF-8 bytes, which live as long as the program.
    @inline(__always)
    var rawBytes: UnsafeRawBufferPointer {
        guard hasPointerRepresentation else { return unsafe UnsafeRawBufferPointer(start: nil, count: 0) }
        return unsafe UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}
