// The CPU quota of the cgroups that a process is in, read from /proc and the cgroup file systems.
// Pure but for the closure that reads files, so tests give it the files of machines and containers that they describe.
// Kernel documentation: admin-guide/cgroup-v2 "cpu.max", scheduler/sched-bwc "cpu.cfs_quota_us".

package enum CPUQuota {
    /// The text of a file, or nil when there is none.
    package typealias FileReader = (_ path: String) -> String?

    /// The smallest quota among the process's own cgroup and all that contain it, in CPUs; nil when none is set.
    package static func find(readingWith read: FileReader) -> Double? {
        let mounts = (read("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { CgroupMount($0) }
        var smallest: Double?
        for membership in (read("/proc/self/cgroup") ?? "").split(separator: "\n").compactMap({ CgroupMembership($0) }) {
            guard let mount = mounts.last(where: { $0.serves(membership) }) else { continue }
            for directory in mount.directories(upFrom: membership.path) {
                let quota =
                    membership.isUnified
                    ? unifiedQuota(read("\(directory)/cpu.max"))
                    : legacyQuota(read("\(directory)/cpu.cfs_quota_us"), read("\(directory)/cpu.cfs_period_us"))
                if let quota { smallest = min(smallest ?? quota, quota) }
            }
        }
        return smallest
    }

    /// `cpu.max` of version 2: `max 100000` or `50000 100000`.
    static func unifiedQuota(_ text: String?) -> Double? {
        let words = (text ?? "").split { $0 == " " || $0 == "\n" }
        guard words.count == 2 else { return nil }
        return ratio(words[0], words[1])
    }

    /// Version 1: the quota is -1 when there is none.
    static func legacyQuota(_ quota: String?, _ period: String?) -> Double? {
        guard let quota = quota?.split(separator: "\n").first, let period = period?.split(separator: "\n").first else {
            return nil
        }
        return ratio(quota, period)
    }

    private static func ratio(_ quota: Substring, _ period: Substring) -> Double? {
        guard let quota = Int64(quota), let period = Int64(period), quota > 0, period > 0 else { return nil }
        return Double(quota) / Double(period)
    }
}

/// One line of /proc/self/cgroup: `4:cpu,cpuacct:/docker/ab12` (version 1) or `0::/user.slice` (version 2).
struct CgroupMembership {
    let isUnified: Bool
    let path: Substring

    init?(_ line: Substring, controller: String = "cpu") {
        let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, parts[2].hasPrefix("/") else { return nil }
        isUnified = parts[0] == "0" && parts[1].isEmpty
        guard isUnified || parts[1].split(separator: ",").contains(controller[...]) else { return nil }
        path = parts[2]
    }
}

/// One cgroup line of /proc/self/mountinfo (proc_pid_mountinfo(5)):
/// `32 31 0:29 /docker/ab12 /sys/fs/cgroup/cpu ro,nosuid - cgroup cgroup rw,cpu`.
struct CgroupMount {
    let isUnified: Bool
    let controllers: [Substring]
    /// The cgroup that is the root of this mount, as seen from the cgroup namespace.
    let root: Substring
    let mountPoint: Substring

    init?(_ line: Substring) {
        let words = line.split(separator: " ")
        guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count >= dash + 4 else { return nil }
        switch words[dash + 1] {
        case "cgroup2": isUnified = true
        case "cgroup": isUnified = false
        default: return nil
        }
        root = words[3]
        mountPoint = words[4]
        controllers = words[dash + 3].split(separator: ",")
    }

    func serves(_ membership: CgroupMembership, controller: String = "cpu") -> Bool {
        membership.isUnified ? isUnified : !isUnified && controllers.contains(controller[...])
    }

    /// The directories of the cgroup at `path` and of all its ancestors that this mount shows, innermost first.
    /// In a container without a cgroup namespace the path is the host's while only its own part is mounted: what
    /// precedes the mount's root is cut off, and a path outside of it leaves the mount point alone.
    func directories(upFrom path: Substring) -> [String] {
        var components: [Substring] = []
        if root == "/" {
            components = path.split(separator: "/")
        } else if path == root || path.hasPrefix("\(root)/") {
            components = path.dropFirst(root.count).split(separator: "/")
        }
        // A path with `..` leads out of the cgroup namespace (cgroup_namespaces(7)): nothing to see there.
        if components.contains("..") { components = [] }
        var directories: [String] = []
        while !components.isEmpty {
            directories.append("\(mountPoint)/\(components.joined(separator: "/"))")
            components.removeLast()
        }
        return directories + [String(mountPoint)]
    }
}
