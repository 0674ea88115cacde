// How many workers fit: the cores that the affinity mask allows, cut down by the CPU quota of the cgroups above us.
// Runs in the master before the first fork. The parsing is in CPUQuota.swift, which sees files only through a closure.

internal import CEverycorePosix

/// How many cores this process may keep busy, and the words that explain the number to an operator.
///
/// The affinity mask (`sched_getaffinity(2)`, `taskset`, `--cpuset-cpus`) says on how many cores the process may run.
/// The CPU quota of its cgroup and of every cgroup above (version 1 and 2, `docker run --cpus`) says how much time it
/// gets on them. The smaller one counts; a fraction is rounded up, and there is always at least one.
public struct UsableCores: Sendable, Equatable {
    /// At least 1.
    public let count: Int
    /// Such as `2 cores: affinity mask allows 2, no CPU quota`.
    public let reason: String

    /// Reads the affinity mask and the cgroup files of the running process.
    public static func current() -> UsableCores {
        UsableCores(affinity: Int(cposix_usable_cpus()), quota: CPUQuota.find(readingWith: readSmallFile))
    }

    package init(affinity: Int, quota: Double?) {
        let allowed = max(affinity, 1)
        guard let quota, quota < Double(allowed) else {
            count = allowed
            let granted = quota.map { "quota grants \(Self.decimal($0))" } ?? "no CPU quota"
            reason = "\(Self.cores(allowed)): affinity mask allows \(allowed), \(granted)"
            return
        }
        // Below `allowed`, so the conversion can't overflow.
        count = max(Int(quota.rounded(.up)), 1)
        let rounded = Double(count) == quota ? "" : " rounded up"
        reason = "\(Self.cores(count)): cgroup quota of \(Self.decimal(quota)) CPU\(rounded), affinity mask allows \(allowed)"
    }

    private static func cores(_ count: Int) -> String { count == 1 ? "1 core" : "\(count) cores" }

    /// Two decimals at most, without Foundation's formatting.
    private static func decimal(_ value: Double) -> String {
        guard value < 1e9 else { return "more" }
        let hundredths = Int((value * 100).rounded())
        let (whole, rest) = (hundredths / 100, hundredths % 100)
        if rest == 0 { return "\(whole)" }
        return rest % 10 == 0 ? "\(whole).\(rest / 10)" : "\(whole).\(rest < 10 ? "0" : "")\(rest)"
    }
}

/// How many workers a cluster keeps.
public enum WorkerCount: Sendable, Equatable {
    /// One for each usable core: see ``UsableCores``.
    case perCore
    /// A fixed number, from 1 to 1024.
    case count(Int)
    /// As many as the load needs, between two bounds from 1 to 1024.
    case range(ClosedRange<Int>)
}
