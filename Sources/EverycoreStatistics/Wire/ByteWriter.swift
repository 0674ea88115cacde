// Appends numbers to a datagram, little-endian and unpadded.
// Used by a worker for its reports and by the master for the figures that it hands to the admin worker.
// Process: any · Thread: loop

package struct ByteWriter {
    package private(set) var bytes: [UInt8] = []

    package init(capacity: Int = 0) {
        bytes.reserveCapacity(max(0, capacity))
    }

    package mutating func append<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number) {
        var rest = number
        for _ in 0..<(Number.bitWidth / 8) {
            bytes.append(UInt8(truncatingIfNeeded: rest))
            rest = Number.bitWidth > 8 ? rest >> 8 : 0
        }
    }

    package mutating func append(_ more: [UInt8]) {
        bytes.append(contentsOf: more)
    }

    /// Writes over a number that was appended before; an offset outside what is there changes nothing.
    package mutating func overwrite<Number: FixedWidthInteger & UnsignedInteger>(_ number: Number, at offset: Int) {
        let width = Number.bitWidth / 8
        guard offset >= 0, offset <= bytes.count - width else { return }
        for byte in 0..<width {
            bytes[offset + byte] = UInt8(truncatingIfNeeded: number >> Number(byte * 8))
        }
    }
}
