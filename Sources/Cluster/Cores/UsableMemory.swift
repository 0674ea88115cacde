// How much memory the processes of this cluster may use: the machine's, or less where a cgroup has a limit.
// Pure but for the closure that reads files. Kernel documentation: admin-guide/cgroup-v2 "memory.max", cgroup-v1 "memory.limit_in_bytes".
// Process: any · Thread: loop

internal import EverycoreLoop

package enum UsableMemory {
    private static let controller = "memory"

    /// In bytes; nil where nothing tells.
    package static func find(readingWith read: CPUQuota.FileReader) -> UInt64? {
        var smallest = installed(read("/proc/meminfo"))
        let mounts = (read("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { CgroupMount($0) }
        let memberships = (read("/proc/self/cgroup") ?? "").split(separator: "\n")
        for membership in memberships.compactMap({ CgroupMembership($0, controller: controller) }) {
            guard let mount = mounts.last(where: { $0.serves(membership, controller: controller) }) else { continue }
            for directory in mount.directories(upFrom: membership.path) {
                let name = membership.isUnified ? "memory.max" : "memory.limit_in_bytes"
                guard let limit = number(read("\(directory)/\(name)")), limit > 0 else { continue }
                smallest = min(smallest ?? limit, limit)
            }
        }
        return smallest
    }

    /// `MemTotal:       16384000 kB` (proc_meminfo(5)).
    private static func installed(_ text: String?) -> UInt64? {
        let line = text?.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return number(line?.split(separator: " ").dropFirst().first.map(String.init))?.multipliedReportingOverflow(by: 1024).partialValue
    }

    /// `max` is none.
    private static func number(_ text: String?) -> UInt64? { text?.split { $0 == "\n" || $0 == " " }.first.flatMap { UInt64($0) } }

    /// What one of so many workers may hold for slow clients: they all together a quarter of the memory.
    package static func share(workers: Int, readingWith read: CPUQuota.FileReader) -> UInt64 {
        (find(readingWith: read) ?? 1 << 31) / 4 / UInt64(clamping: max(workers, 1))
    }
}

extension Worker {
    /// What this worker may hold in memory for slow clients, in bytes.
    package var memoryShare: UInt64 { UsableMemory.share(workers: siblings, readingWith: readSmallFile) }
}
