// Which deaths were the kernel's out-of-memory killer's, by what the cgroup counts: `oom_kill` in memory.events (version 2)
// or memory.oom_control (version 1). Owned by the master. The counting is a pure value; the reader of files is given.
// Kernel documentation: admin-guide/cgroup-v2 "memory.events", admin-guide/cgroup-v1/memory "oom_control".
//
// The kernel counts before it sends the signal, so a death that was its doing is counted when it is reaped. The counter knows no
// process: kills that no death of ours has claimed within a few seconds were of another program.

internal import EverycoreLoop

package struct OutOfMemoryKills {
    package typealias FileReader = (_ path: String) -> String?

    /// A large process takes a while to be taken apart after the kill.
    package static let validFor: UInt64 = 5_000_000_000

    private let read: FileReader
    private let path: String?
    private var count: UInt64 = 0
    /// When kills were first seen that no death has claimed.
    private var unclaimed: [UInt64] = []

    /// Finds the file of the process's own cgroup.
    package init(readingWith read: @escaping FileReader) {
        self.read = read
        path = Self.candidates(read).first { Self.kills(in: read($0)) != nil }
        count = path.flatMap { Self.kills(in: read($0)) } ?? 0
    }

    /// Whether any cgroup counts.
    package var isKnown: Bool { path != nil }

    /// Takes in what was counted up to now.
    package mutating func observe(now: UInt64) {
        guard let path, let newCount = Self.kills(in: read(path)) else { return }
        // More at once than there can be workers is no news about each.
        for _ in 0..<min(newCount > count ? newCount - count : 0, 1024) { unclaimed.append(now) }
        count = newCount
        unclaimed.removeAll { now &- min($0, now) > Self.validFor }
    }

    /// Whether a death by KILL that was just reaped was one of those counted. Each counts for one death.
    package mutating func claim(now: UInt64) -> Bool {
        unclaimed.removeAll { now &- min($0, now) > Self.validFor }
        guard !unclaimed.isEmpty else { return false }
        unclaimed.removeFirst()
        return true
    }

    /// `oom_kill 3` in a line of its own.
    static func kills(in text: String?) -> UInt64? {
        for line in (text ?? "").split(separator: "\n") {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "oom_kill" { return UInt64(words[1]) }
        }
        return nil
    }

    private static func candidates(_ read: FileReader) -> [String] {
        let mounts = (read("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap { CgroupMount($0) }
        let lines = (read("/proc/self/cgroup") ?? "").split(separator: "\n")
        return lines.compactMap { line in
            guard let membership = CgroupMembership(line, controller: "memory"),
                let mount = mounts.last(where: { $0.serves(membership, controller: "memory") }),
                let directory = mount.directories(upFrom: membership.path).first
            else { return nil }
            return "\(directory)/\(membership.isUnified ? "memory.events" : "memory.oom_control")"
        }
    }
}
