// The functions of a program or library, as its file tells (elf(5)): of its symbol table, or of that for dynamic linking where it has been
// stripped. Read piece by piece and believed in nothing: the file may be any.
// Process: the one that names frames · Thread: its only one

internal import CEverycorePosix
internal import EverycoreStatistics
internal import Glibc

package struct SymbolFile: ~Copyable {
    private struct Segment {
        let offset, address, byteCount: UInt64
    }

    private struct Table {
        let offset, byteCount: UInt64
        /// Of the names.
        let names: Range<UInt64>
    }

    private let descriptor: Int32
    private var segments: [Segment] = []
    /// The better one first.
    private var tables: [Table] = []

    private static let headerByteCount = 64
    private static let segmentByteCount = 56
    private static let sectionByteCount = 64
    private static let symbolByteCount = 24
    private static let pieceByteCount = symbolByteCount * 4096
    private static let nameByteCount = 2048
    /// No program has more, and a file that says so would take long.
    private static let symbolLimit: UInt64 = 8 << 20

    /// Takes the descriptor over. Nil for what is no program or library of 64 bits, little-endian.
    package init?(taking descriptor: Int32) {
        self.descriptor = descriptor
        guard let header = read(0, Self.headerByteCount), header.starts(with: [0x7F, 0x45, 0x4C, 0x46, 2, 1]) else { return nil }
        readSegments(header)
        readTables(header)
    }

    deinit { close(descriptor) }

    /// Exactly so many bytes.
    private func read(_ offset: UInt64, _ count: Int) -> [UInt8]? {
        guard let position = Int(exactly: offset), count >= 0 else { return nil }
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let result = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe pread(descriptor, UnsafeMutableRawBufferPointer(rebasing: bytes[done...]).baseAddress, count - done, position &+ done)
            }
            if result < 0, errno == EINTR { continue }
            guard result > 0 else { return nil }
            done += result
        }
        return bytes
    }

    private static func number<Number: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_ type: Number.Type, _ bytes: [UInt8], _ offset: Int) -> Number {
        bytes.withRawSpan { $0.number(type, at: offset) } ?? 0
    }

    private mutating func readSegments(_ header: [UInt8]) {
        let count = Int(Self.number(UInt16.self, header, 56))
        guard Self.number(UInt16.self, header, 54) == Self.segmentByteCount,
            let bytes = read(Self.number(UInt64.self, header, 32), count * Self.segmentByteCount)
        else { return }
        for start in stride(from: 0, to: bytes.count, by: Self.segmentByteCount) where Self.number(UInt32.self, bytes, start) == 1 {
            segments.append(
                Segment(
                    offset: Self.number(UInt64.self, bytes, start + 8), address: Self.number(UInt64.self, bytes, start + 16),
                    byteCount: Self.number(UInt64.self, bytes, start + 32)))
        }
    }

    private mutating func readTables(_ header: [UInt8]) {
        let count = Int(Self.number(UInt16.self, header, 60))
        guard Self.number(UInt16.self, header, 58) == Self.sectionByteCount,
            let bytes = read(Self.number(UInt64.self, header, 40), count * Self.sectionByteCount)
        else { return }
        // SHT_SYMTAB, then SHT_DYNSYM.
        for type in [UInt32(2), 11] {
            for start in stride(from: 0, to: bytes.count, by: Self.sectionByteCount) where Self.number(UInt32.self, bytes, start + 4) == type {
                let link = Int(Self.number(UInt32.self, bytes, start + 40))
                guard link < count else { continue }
                let begin = Self.number(UInt64.self, bytes, link * Self.sectionByteCount + 24)
                let (end, overflow) = begin.addingReportingOverflow(Self.number(UInt64.self, bytes, link * Self.sectionByteCount + 32))
                guard !overflow else { continue }
                tables.append(
                    Table(
                        offset: Self.number(UInt64.self, bytes, start + 24), byteCount: Self.number(UInt64.self, bytes, start + 32),
                        names: begin..<end))
            }
        }
    }

    // MARK: Functions

    /// The names of the functions that hold these places in the file, each where there is one.
    package func functions(at offsets: [UInt64]) -> [UInt64: String] {
        var missing: [UInt64: [UInt64]] = [:]
        for offset in Set(offsets) { if let address = address(of: offset) { missing[address, default: []].append(offset) } }
        var found: [UInt64: String] = [:]
        for table in tables where !missing.isEmpty {
            for (address, name) in search(table, missing.keys.sorted()) {
                for offset in missing.removeValue(forKey: address) ?? [] { found[offset] = name }
            }
        }
        return found
    }

    private func address(of offset: UInt64) -> UInt64? {
        guard let segment = segments.first(where: { offset >= $0.offset && offset - $0.offset < $0.byteCount }) else { return nil }
        return segment.address &+ (offset - segment.offset)
    }

    private func search(_ table: Table, _ addresses: [UInt64]) -> [(UInt64, String)] {
        var wanted = addresses.map { cposix_symbol(wanted: $0, begin: 0, size: 0, name: 0) }
        var rest = min(table.byteCount / UInt64(Self.symbolByteCount), Self.symbolLimit)
        var offset = table.offset
        while rest > 0 {
            let count = min(Int(rest), Self.pieceByteCount / Self.symbolByteCount)
            guard let bytes = read(offset, count * Self.symbolByteCount) else { break }
            unsafe bytes.withUnsafeBytes { bytes in
                unsafe wanted.withUnsafeMutableBufferPointer { wanted in
                    unsafe cposix_match_symbols(bytes.baseAddress, count, wanted.baseAddress, wanted.count)
                }
            }
            rest -= UInt64(count)
            offset = offset.addingUpToLimit(UInt64(bytes.count))
        }
        return wanted.compactMap { symbol in symbol.size == 0 ? nil : name(symbol.name, table).map { (symbol.wanted, $0) } }
    }

    private func name(_ index: UInt32, _ table: Table) -> String? {
        let (begin, overflow) = table.names.lowerBound.addingReportingOverflow(UInt64(index))
        guard !overflow, begin < table.names.upperBound,
            let bytes = read(begin, Int(min(table.names.upperBound - begin, UInt64(Self.nameByteCount)))),
            let end = bytes.firstIndex(of: 0), end > 0
        else { return nil }
        return String(decoding: bytes[..<end], as: UTF8.self)
    }
}
