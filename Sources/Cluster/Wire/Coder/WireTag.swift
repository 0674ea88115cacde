// The first byte of every value in a message's payload: what follows and how long it is.
// Used by master and workers; the only place where the payload's bytes are laid out, with tests on golden bytes.
//
// A payload is one value. Numbers are little-endian; `varint` is LEB128, seven bits a byte, lowest first.

/// 0x80…0xFF stand for the integers 0…127 themselves.
enum WireTag {
    static let null: UInt8 = 0x00
    static let no: UInt8 = 0x01
    static let yes: UInt8 = 0x02
    /// varint: the value.
    static let positive: UInt8 = 0x03
    /// varint: the value's complement, so -1 is 0.
    static let negative: UInt8 = 0x04
    /// Four bytes.
    static let float: UInt8 = 0x05
    /// Eight bytes.
    static let double: UInt8 = 0x06
    /// varint: byte count; UTF-8.
    static let string: UInt8 = 0x07
    /// varint: byte count; the elements of a `[UInt8]`, or another value that WireBytes knows.
    static let bytes: UInt8 = 0x08
    /// Four bytes: byte count of the entries; entries of a key (varint byte count, UTF-8) and a value.
    static let keyed: UInt8 = 0x09
    /// Four bytes: byte count of the elements; values.
    static let unkeyed: UInt8 = 0x0A
    /// Sixteen bytes, for integers that need more than 64 bits.
    static let wideSigned: UInt8 = 0x0B
    static let wideUnsigned: UInt8 = 0x0C
    /// Or-ed with an integer of 0…127.
    static let small: UInt8 = 0x80

    /// Tag and length of a container.
    static let containerHeaderByteCount = 5
    /// Containers within containers; bounds the stack that a payload can make its reader use.
    static let depthLimit = 256
}
