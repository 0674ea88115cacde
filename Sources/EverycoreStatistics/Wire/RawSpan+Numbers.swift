// Reads numbers out of a datagram, little-endian and at any alignment. What lies outside the bytes is nil, never a trap:
// the bytes come from another process.
// Used by the master for reports and by the admin worker for what the master sends it.
// Process: any · Thread: loop

extension RawSpan {
    /// The number at an offset, or nil when the bytes end before it does.
    package func number<Number: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ type: Number.Type, at offset: Int
    ) -> Number? {
        let width = MemoryLayout<Number>.size
        guard offset >= 0, width <= byteCount, offset <= byteCount - width else { return nil }
        return unsafe Number(littleEndian: unsafeLoadUnaligned(fromByteOffset: offset, as: Number.self))
    }

    /// The number at `offset`, which moves on behind it.
    package func next<Number: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ type: Number.Type, _ offset: inout Int
    ) -> Number? {
        guard let number = number(type, at: offset) else { return nil }
        offset += MemoryLayout<Number>.size
        return number
    }
}

/// FNV-1a with 64 bits (RFC 9923): tells a datagram that was damaged from one that was not. Each step maps the state one to
/// one, so no change of a single byte goes unseen. It does not protect against forged datagrams.
package struct Checksum {
    package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

    package init() {}

    package mutating func add(_ bytes: RawSpan, _ range: Range<Int>) {
        for offset in range.clamped(to: 0..<bytes.byteCount) {
            let byte = unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self)
            value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
    }
}

extension [UInt8] {
    /// Lends the bytes as a raw span. Bytes have no padding that a raw view could lay open.
    package func withRawSpan<Result: ~Copyable, Failure: Error>(
        _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try unsafe body(span.bytes)
    }
}
