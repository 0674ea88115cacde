// What a process has mapped where, as /proc/PID/maps tells (proc_pid_maps(5)). A pure value; the process has made the names up.
// Process: the one that names frames · Thread: its only one

package struct MemoryMap: Equatable {
    package struct Mapping: Equatable {
        package let range: Range<UInt64>
        /// Of the file's content that is mapped at the range's beginning.
        package let offset: UInt64
        /// As the kernel writes it: major and minor number.
        package let device: String
        package let inode: UInt64
        /// Without the mark of a deleted file.
        package let path: String
        package let isDeleted: Bool

        /// Where in the file an address is.
        package func fileOffset(of address: UInt64) -> UInt64 { offset &+ (address &- range.lowerBound) }

        /// The last part of the path.
        package var name: String { String(path.split(separator: "/").last ?? "?") }
    }

    /// What can be executed and is a file's, or the kernel's own code.
    package private(set) var mappings: [Mapping] = []

    private static let limit = 4096
    private static let deletedMark = " (deleted)"

    package init(_ text: String) {
        for line in text.split(separator: "\n") where mappings.count < Self.limit {
            if let mapping = Self.mapping(line) { mappings.append(mapping) }
        }
    }

    private static func mapping(_ line: Substring) -> Mapping? {
        let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
        guard fields.count == 6, fields[1].contains("x") else { return nil }
        let ends = fields[0].split(separator: "-")
        guard ends.count == 2, let begin = UInt64(ends[0], radix: 16), let end = UInt64(ends[1], radix: 16), begin < end,
            let offset = UInt64(fields[2], radix: 16), let inode = UInt64(fields[4])
        else { return nil }
        var path = fields[5].drop { $0 == " " }
        guard path.hasPrefix("/") || path == "[vdso]" else { return nil }
        let isDeleted = path.hasSuffix(deletedMark)
        if isDeleted { path = path.dropLast(deletedMark.count) }
        return Mapping(
            range: begin..<end, offset: offset, device: String(fields[3]), inode: inode, path: String(path), isDeleted: isDeleted)
    }

    package func mapping(of address: UInt64) -> Mapping? { mappings.first { $0.range.contains(address) } }
}
