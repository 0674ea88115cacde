// The growing bytes of a payload on their way out, bounded in size.
// Used by master and workers, through WireEncoder.

final class WireOutput {
    let memory = GrowingBytes()
    var count: Int { unsafe memory.count }
    var bytes: [UInt8] { memory.bytes }

    @inline(__always)
    func withSpan(_ body: (Span<UInt8>) throws(MessageError) -> Void) throws(MessageError) { try memory.withSpan(body) }

    /// Encoders of containers that were opened for themselves, and where in `bytes` their values belong. They may be
    /// written to in any order, so each has an output of its own until the value around it is complete.
    private var detached: [(offset: Int, encoder: WireValueEncoder)] = []
    private let sizeLimit: Int

    init(sizeLimit: Int) { self.sizeLimit = sizeLimit }

    /// For the next payload, in the same memory.
    func reset() {
        memory.reset(keeping: Self.keptCapacity)
        if !detached.isEmpty { detached = [] }
    }

    private static let keptCapacity = 64 * 1024

    func makeDetachedOutput() -> WireOutput { WireOutput(sizeLimit: sizeLimit) }

    func attach(_ encoder: WireValueEncoder) { detached.append((count, encoder)) }

    @inline(__always)
    func append(_ byte: UInt8) throws(MessageError) {
        try makeRoom(for: 1)
        memory.append(byte)
    }

    @inline(__always)
    func append(number: some FixedWidthInteger, tag: UInt8) throws(MessageError) {
        try makeRoom(for: 1 + number.bitWidth / 8)
        memory.append(tag)
        memory.append(number: number)
    }

    @inline(__always)
    func append(varint value: UInt64) throws(MessageError) {
        try makeRoom(for: 10)
        var rest = value
        while rest >= 0x80 {
            memory.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        memory.append(UInt8(truncatingIfNeeded: rest))
    }

    @inline(__always)
    func append(integer: some FixedWidthInteger) throws(MessageError) {
        if let small = UInt64(exactly: integer) {
            if small < 128 { return try append(WireTag.small | UInt8(truncatingIfNeeded: small)) }
            try append(WireTag.positive)
            try append(varint: small)
        } else if let number = Int64(exactly: integer) {
            try append(WireTag.negative)
            try append(varint: UInt64(bitPattern: ~number))
        } else if let wide = Int128(exactly: integer) {
            try append(number: wide, tag: WireTag.wideSigned)
        } else {
            try append(number: UInt128(truncatingIfNeeded: integer), tag: WireTag.wideUnsigned)
        }
    }

    /// A length and the bytes of a key or a string.
    func append(text: String) throws(MessageError) {
        let count = text.utf8.count
        try append(varint: UInt64(count))
        try makeRoom(for: count)
        memory.append(text: text)
    }

    func append(lengthAndBytes more: UnsafeRawBufferPointer) throws(MessageError) {
        try append(varint: UInt64(more.count))
        try makeRoom(for: more.count)
        unsafe memory.append(more)
    }

    func beginContainer(_ tag: UInt8) throws(MessageError) {
        try append(number: UInt32(0), tag: tag)
    }

    /// Puts what was written apart in its place, and the length into the container's header at `start`.
    func endContainer(at start: Int) throws {
        try collectDetached(from: start)
        memory.replace(at: start + 1, with: UInt32(truncatingIfNeeded: count - start - WireTag.containerHeaderByteCount))
    }

    /// For an encoder whose whole value is another's: `singleValueContainer` or `superEncoder`.
    func collectDetached(from start: Int) throws {
        guard !detached.isEmpty, let first = detached.firstIndex(where: { $0.offset >= start }) else { return }
        let begin = detached[first].offset
        let tail = memory.bytes(from: begin)
        memory.remove(from: begin)
        var position = begin
        for (offset, encoder) in detached[first...] {
            memory.append(Array(tail[position - begin..<offset - begin]))
            position = offset
            try encoder.finish()
            try makeRoom(for: encoder.output.count + tail.count - (position - begin))
            memory.append(encoder.output.bytes)
        }
        memory.append(Array(tail[(position - begin)...]))
        detached.removeSubrange(first...)
    }

    @inline(__always)
    private func makeRoom(for more: Int) throws(MessageError) {
        if more > sizeLimit &- count {
            throw .tooLarge(limit: sizeLimit)
        }
    }
}
