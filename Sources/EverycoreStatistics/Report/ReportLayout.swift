// The report as bytes: the one place that knows its layout. All numbers are little-endian.
//      0  UInt32  magic "ECRP"             20  UInt64  sequence
//      4  UInt16  layout version           28  UInt32  pid
//      6  UInt16  kind (1: figures)        32  UInt64  uptime, nanoseconds
//      8  UInt32  slot                     40  UInt64  monotonic clock, nanoseconds
//     12  UInt32  generation               48  UInt64  checksum of every other byte
//     16  UInt16  number of counters       56  the snapshot (FigureSnapshot+Wire.swift)
//     18  UInt16  number of bucket entries
// Process: worker, master · Thread: loop

extension Report {
    package static let magic: UInt32 = 0x5052_4345
    package static let layoutVersion: UInt16 = 5
    package static let headerByteCount = 56
    package static let maximumByteCount = headerByteCount + FigureSnapshot.maximumWireByteCount

    private static let figuresKind: UInt16 = 1
    private static let entriesOffset = 18
    private static let checksumOffset = 48

    /// The datagram. Runs in the worker.
    package func encoded() -> [UInt8] {
        var writer = ByteWriter(capacity: 2048)
        writer.append(Self.magic)
        writer.append(Self.layoutVersion)
        writer.append(Self.figuresKind)
        writer.append(UInt32(clamping: slot))
        writer.append(UInt32(clamping: generation))
        writer.append(UInt16(Counter.count))
        writer.append(UInt16(0))
        writer.append(sequence)
        writer.append(UInt32(bitPattern: pid))
        writer.append(uptimeNanoseconds)
        writer.append(monotonicNanoseconds)
        writer.append(UInt64(0))
        let entries = figures.write(to: &writer)
        writer.overwrite(entries, at: Self.entriesOffset)
        let checksum = writer.bytes.withRawSpan { Self.checksum(of: $0) }
        writer.overwrite(checksum, at: Self.checksumOffset)
        return writer.bytes
    }

    /// Reads a datagram. Runs in the master, on whatever arrived.
    package init(decoding bytes: RawSpan) throws(ReportError) {
        var offset = 0
        guard let magic = bytes.next(UInt32.self, &offset), let version = bytes.next(UInt16.self, &offset),
            let kind = bytes.next(UInt16.self, &offset)
        else { throw .short(byteCount: bytes.byteCount) }
        guard magic == Self.magic else { throw .badMagic(magic) }
        guard version == Self.layoutVersion else { throw .foreignVersion(version) }
        guard kind == Self.figuresKind else { throw .unknownKind(kind) }

        guard let slot = bytes.next(UInt32.self, &offset), let generation = bytes.next(UInt32.self, &offset),
            let counters = bytes.next(UInt16.self, &offset), let entries = bytes.next(UInt16.self, &offset),
            let sequence = bytes.next(UInt64.self, &offset), let pid = bytes.next(UInt32.self, &offset),
            let uptime = bytes.next(UInt64.self, &offset), let monotonic = bytes.next(UInt64.self, &offset),
            let checksum = bytes.next(UInt64.self, &offset)
        else { throw .short(byteCount: bytes.byteCount) }

        let announced =
            Self.headerByteCount + Int(counters) * 8 + Int(entries) * FigureSnapshot.bucketEntryByteCount
        guard bytes.byteCount >= announced else { throw .short(byteCount: bytes.byteCount) }
        guard bytes.byteCount == announced, Int(counters) == Counter.count else {
            throw .badLength(byteCount: bytes.byteCount)
        }
        guard checksum == Self.checksum(of: bytes) else { throw .badChecksum }
        guard slot < UInt32(Self.slotLimit) else { throw .badSlot(slot) }
        guard let figures = FigureSnapshot(reading: bytes, at: &offset, bucketEntries: entries) else {
            throw .badHistogram
        }
        self.init(
            slot: Int(slot), generation: Int(generation), sequence: sequence, pid: Int32(bitPattern: pid),
            uptimeNanoseconds: uptime, monotonicNanoseconds: monotonic, figures: figures)
    }

    private static func checksum(of bytes: RawSpan) -> UInt64 {
        var checksum = Checksum()
        checksum.add(bytes, 0..<checksumOffset)
        checksum.add(bytes, headerByteCount..<max(headerByteCount, bytes.byteCount))
        return checksum.value
    }
}
