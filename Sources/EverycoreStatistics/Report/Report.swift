// What a worker tells the master at each interval: who it is, and its figures since it began. Cumulative, so a lost report
// costs freshness and never a count.
// The worker fills one in and sends its bytes as one datagram; the master decodes it in `ClusterLedger.ingest`.
// Process: worker, master · Thread: loop

package struct Report: Equatable, Sendable {
    /// The first number that is no slot's.
    package static let slotLimit = 1024

    package var slot: Int
    package var generation: Int
    /// 1 for a generation's first report, and one more for each that was sent. A report that the kernel refused gives its number
    /// to the next one, so that what was refused is not also counted as lost.
    package var sequence: UInt64
    package var pid: Int32
    package var uptimeNanoseconds: UInt64
    /// The monotonic clock's reading when the figures were taken.
    package var monotonicNanoseconds: UInt64
    package var figures: FigureSnapshot

    package init(
        slot: Int, generation: Int, sequence: UInt64, pid: Int32,
        uptimeNanoseconds: UInt64, monotonicNanoseconds: UInt64, figures: FigureSnapshot
    ) {
        self.slot = slot
        self.generation = generation
        self.sequence = sequence
        self.pid = pid
        self.uptimeNanoseconds = uptimeNanoseconds
        self.monotonicNanoseconds = monotonicNanoseconds
        self.figures = figures
    }
}

/// Why a datagram is no report.
package enum ReportError: Error, Equatable, CustomStringConvertible {
    /// It ends before its header or before what its header announces.
    case short(byteCount: Int)
    case badMagic(UInt32)
    case foreignVersion(UInt16)
    case unknownKind(UInt16)
    /// It goes on behind what its header announces, or announces other counters than this layout has.
    case badLength(byteCount: Int)
    case badChecksum
    case badSlot(UInt32)
    /// A bucket is unknown, out of order or empty.
    case badHistogram

    package var description: String {
        switch self {
        case .short(let byteCount): "the report ends after \(byteCount) bytes"
        case .badMagic(let magic): "no report: it begins with 0x\(String(magic, radix: 16))"
        case .foreignVersion(let version): "a report of layout \(version); this is layout \(Report.layoutVersion)"
        case .unknownKind(let kind): "a report of unknown kind \(kind)"
        case .badLength(let byteCount): "a report of \(byteCount) bytes does not fit its header"
        case .badChecksum: "the report was damaged: its checksum is wrong"
        case .badSlot(let slot): "a report of slot \(slot); slots end below \(Report.slotLimit)"
        case .badHistogram: "the report's histogram is damaged"
        }
    }
}
