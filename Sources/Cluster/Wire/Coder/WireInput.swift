// The bytes of a payload on their way in. Everything in them may be wrong: each read is checked against the bytes
// that are there, lengths before anything is allocated for them. Used by master and workers, through WireDecoder.

struct WireInput {
    /// Where the payload arrived, and is decoded.
    let bytes: ByteStorage
    var start: Int
    let end: Int

    init(_ bytes: ByteStorage) { self.init(bytes, 0..<bytes.count) }

    init(_ bytes: ByteStorage, _ range: Range<Int>) {
        let range = range.clamped(to: 0..<bytes.count)
        self.bytes = bytes
        start = range.lowerBound
        end = range.upperBound
    }

    /// For a payload that is a text and nothing else.
    var wholeText: String { bytes.text(start..<end) }
    var wholeBytes: [UInt8] { bytes.array(start..<end) }

    enum Malformed: Error, CustomStringConvertible {
        case endOfInput, unknownTag(UInt8), overlongNumber, badText

        var description: String {
            switch self {
            case .endOfInput: "a value ends beyond its container"
            case .unknownTag(let tag): "unknown kind of value \(tag)"
            case .overlongNumber: "a number has more than 64 bits"
            case .badText: "a string is not UTF-8"
            }
        }
    }

    /// `end` is where the container around it ends, never beyond the last byte.
    @inline(__always)
    func byte(at offset: Int, end: Int) throws(Malformed) -> UInt8 {
        guard offset < end else { throw .endOfInput }
        return bytes.byte(offset)
    }

    @inline(__always)
    func varint(at offset: inout Int, end: Int) throws(Malformed) -> UInt64 {
        let first = try byte(at: offset, end: end)
        guard first >= 0x80 else {
            offset += 1
            return UInt64(first)
        }
        return try longVarint(at: &offset, end: end)
    }

    private func longVarint(at offset: inout Int, end: Int) throws(Malformed) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte(at: offset, end: end)
            offset += 1
            if shift == 63, byte > 1 { throw .overlongNumber }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    func number<Number: FixedWidthInteger & UnsignedInteger>(
        at offset: Int, end: Int, as type: Number.Type = Number.self
    ) throws(Malformed) -> Number {
        let size = Number.bitWidth / 8
        guard end - offset >= size, bytes.count - offset >= size else { throw .endOfInput }
        return bytes.number(offset, as: Number.self)
    }

    /// A length and so many bytes.
    func range(at offset: inout Int, end: Int) throws(Malformed) -> Range<Int> {
        let count = try varint(at: &offset, end: end)
        guard offset <= end, count <= UInt64(end - offset) else { throw .endOfInput }
        let range = offset..<offset + Int(count)
        offset = range.upperBound
        return range
    }

    func text(in range: Range<Int>) throws(Malformed) -> String {
        guard let text = bytes.validText(range) else { throw .badText }
        return text
    }

    /// What a container of this kind at `offset` holds.
    func contents(of tag: UInt8, at offset: Int, end: Int) throws(Malformed) -> Range<Int>? {
        guard try byte(at: offset, end: end) == tag else { return nil }
        let count = try number(at: offset + 1, end: end, as: UInt32.self)
        let start = offset + WireTag.containerHeaderByteCount
        guard start <= end, Int(count) <= end - start else { throw .endOfInput }
        return start..<start + Int(count)
    }

    /// Where the value that starts at `offset` ends; at least one byte further.
    func skip(from offset: Int, end: Int) throws(Malformed) -> Int {
        let tag = try byte(at: offset, end: end)
        var next = offset + 1
        switch tag {
        case WireTag.small...: return next
        case WireTag.null, WireTag.no, WireTag.yes: return next
        case WireTag.positive, WireTag.negative: _ = try varint(at: &next, end: end)
        case WireTag.float: next += 4
        case WireTag.double: next += 8
        case WireTag.string, WireTag.bytes: _ = try range(at: &next, end: end)
        case WireTag.keyed, WireTag.unkeyed: return try contents(of: tag, at: offset, end: end)?.upperBound ?? end
        case WireTag.wideSigned, WireTag.wideUnsigned: next += 16
        default: throw .unknownTag(tag)
        }
        guard next <= end else { throw .endOfInput }
        return next
    }

    /// The integer at `offset`, nil when there is something else or it doesn't fit.
    func integer<Number: FixedWidthInteger>(at offset: Int, end: Int, as type: Number.Type) throws(Malformed) -> Number? {
        let tag = try byte(at: offset, end: end)
        var next = offset + 1
        switch tag {
        case WireTag.small...: return Number(exactly: tag & 0x7F)
        case WireTag.positive: return Number(exactly: try varint(at: &next, end: end))
        case WireTag.negative: return Number(exactly: ~Int64(bitPattern: try varint(at: &next, end: end)))
        case WireTag.wideSigned:
            return Number(exactly: Int128(bitPattern: try number(at: next, end: end, as: UInt128.self)))
        case WireTag.wideUnsigned: return Number(exactly: try number(at: next, end: end, as: UInt128.self))
        default: return nil
        }
    }
}
