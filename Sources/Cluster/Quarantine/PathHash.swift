// The hash by which a path is known once it is suspect: FNV-1a with 64 bits (RFC 9923), never 0.
// The worker hashes the paths of requests while something is quarantined, the master what a dead worker was in.
// Process: any · Thread: any

package enum PathHash {
    private static let seed: UInt64 = 0xcbf2_9ce4_8422_2325

    package static func of(_ bytes: RawSpan) -> UInt64 {
        var hash = seed
        for offset in 0..<bytes.byteCount {
            hash = step(hash, unsafe bytes.unsafeLoad(fromUncheckedByteOffset: offset, as: UInt8.self))
        }
        return nonzero(hash)
    }

    package static func of(_ bytes: some Sequence<UInt8>) -> UInt64 { nonzero(bytes.reduce(seed, step)) }

    /// Of a description such as `GET /item/7`: what follows the first blank.
    package static func ofPath(in description: RawSpan) -> UInt64 {
        var start = 0
        while start < description.byteCount,
            unsafe description.unsafeLoad(fromUncheckedByteOffset: start, as: UInt8.self) != UInt8(ascii: " ")
        { start += 1 }
        return of(description.extracting(droppingFirst: min(start + 1, description.byteCount)))
    }

    private static func step(_ hash: UInt64, _ byte: UInt8) -> UInt64 { (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }

    private static func nonzero(_ hash: UInt64) -> UInt64 { hash == 0 ? 1 : hash }
}
