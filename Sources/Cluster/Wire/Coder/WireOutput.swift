// The growing bytes of a payload on their way out, bounded in size.
// Used by master and workers, through WireEncoder.

final class WireOutput {
    private(set) var bytes: [UInt8] = []
    /// Encoders of containers that were opened for themselves, and where in `bytes` their values belong. They may be
    /// written to in any order, so each has an output of its own until the value around it is complete.
    private var detached: [(offset: Int, encoder: WireValueEncoder)] = []
    private let sizeLimit: Int

    init(sizeLimit: Int) { self.sizeLimit = sizeLimit }

    /// For the next payload, in the same memory.
    func reset() {
        bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
        if !detached.isEmpty { detached = [] }
    }

    private static let keptCapacity = 64 * 1024

    func makeDetachedOutput() -> WireOutput { WireOutput(sizeLimit: sizeLimit) }

    func attach(_ encoder: WireValueEncoder) { detached.append((bytes.count, encoder)) }

    func append(_ byte: UInt8) throws(MessageError) {
        try makeRoom(for: 1)
        bytes.append(byte)
    }

    func append(number: some FixedWidthInteger, tag: UInt8) throws(MessageError) {
        try makeRoom(for: 1 + number.bitWidth / 8)
        bytes.append(tag)
        for shift in stride(from: 0, to: number.bitWidth, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
    }

    func append(varint value: UInt64) throws(MessageError) {
        try makeRoom(for: 10)
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

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
        let text = text.utf8
        try append(varint: UInt64(text.count))
        try makeRoom(for: text.count)
        bytes.append(contentsOf: text)
    }

    func append(lengthAndBytes more: [UInt8]) throws(MessageError) {
        try append(varint: UInt64(more.count))
        try makeRoom(for: more.count)
        bytes.append(contentsOf: more)
    }

    func beginContainer(_ tag: UInt8) throws(MessageError) {
        try append(number: UInt32(0), tag: tag)
    }

    /// Puts what was written apart in its place, and the length into the container's header at `start`.
    func endContainer(at start: Int) throws {
        try collectDetached(from: start)
        let count = UInt32(truncatingIfNeeded: bytes.count - start - WireTag.containerHeaderByteCount)
        for index in 0..<4 { bytes[start + 1 + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
    }

    /// For an encoder whose whole value is another's: `singleValueContainer` or `superEncoder`.
    func collectDetached(from start: Int) throws {
        guard let first = detached.firstIndex(where: { $0.offset >= start }) else { return }
        var position = detached[first].offset
        let tail = bytes[position...]
        bytes.removeSubrange(position...)
        for (offset, encoder) in detached[first...] {
            bytes.append(contentsOf: tail[position..<offset])
            position = offset
            try encoder.finish()
            try makeRoom(for: encoder.output.bytes.count + tail.endIndex - position)
            bytes.append(contentsOf: encoder.output.bytes)
        }
        bytes.append(contentsOf: tail[position...])
        detached.removeSubrange(first...)
    }

    private func makeRoom(for count: Int) throws(MessageError) {
        if count > sizeLimit - bytes.count {
            throw .tooLarge(limit: sizeLimit)
        }
    }
}
