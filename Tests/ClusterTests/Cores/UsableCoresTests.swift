// How many cores there are to use, by the cgroup files of machines that the test makes up.

import Cluster
import Testing

@Suite struct UsableCoresTests {
    /// A machine's files.
    private func quota(_ files: [String: String]) -> Double? { CPUQuota.find { files[$0] } }

    private static let v1Mounts = """
        32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct
        35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:9 - cgroup2 cgroup2 rw

        """
    private static let v2Mounts = "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

    @Test func memoryIsTheSmallestLimitOfAllAncestorsOrWhatTheMachineHas() {
        var files = ["/proc/meminfo": "MemTotal:        8000000 kB\nMemFree:         100 kB\n"]
        let unlimited = UsableMemory.find { files[$0] }
        #expect(unlimited == 8_192_000_000)
        files["/proc/self/mountinfo"] = Self.v2Mounts
        files["/proc/self/cgroup"] = "0::/user.slice/app.service\n"
        files["/sys/fs/cgroup/user.slice/app.service/memory.max"] = "max\n"
        files["/sys/fs/cgroup/user.slice/memory.max"] = "536870912\n"
        let limited = UsableMemory.find { files[$0] }
        #expect(limited == 536_870_912)
        files["/proc/self/mountinfo"] = Self.v1Mounts
        files["/proc/self/cgroup"] = "4:memory:/other\n1:cpu,cpuacct:/app\n0::/\n"
        files["/sys/fs/cgroup/memory/other/memory.limit_in_bytes"] = "1073741824\n"
        let (legacy, share) = (UsableMemory.find { files[$0] }, UsableMemory.share(workers: 4) { files[$0] })
        #expect(legacy == 1_073_741_824 && share == 67_108_864)
        let (unknown, some) = (UsableMemory.find { _ in nil }, UsableMemory.share(workers: 0) { _ in nil })
        #expect(unknown == nil && some > 0)
    }

    @Test func noCgroupFilesMeanNoQuota() { #expect(quota([:]) == nil) }

    @Test func unifiedQuotaIsTheSmallestOfAllAncestors() {
        let files = [
            "/proc/self/mountinfo": Self.v2Mounts,
            "/proc/self/cgroup": "0::/user.slice/app.service\n",
            "/sys/fs/cgroup/user.slice/app.service/cpu.max": "400000 100000\n",
            "/sys/fs/cgroup/user.slice/cpu.max": "150000 100000\n",
            "/sys/fs/cgroup/cpu.max": "max 100000\n",
        ]
        #expect(quota(files) == 1.5)
    }

    @Test func unifiedContainerSeesItsQuotaAtTheMountPoint() {
        let files = [
            "/proc/self/mountinfo": Self.v2Mounts, "/proc/self/cgroup": "0::/\n",
            "/sys/fs/cgroup/cpu.max": "50000 100000\n",
        ]
        #expect(quota(files) == 0.5)
    }

    @Test func legacyQuotaIsReadFromTheCPUHierarchyOnly() {
        let files = [
            "/proc/self/mountinfo": Self.v1Mounts,
            "/proc/self/cgroup": "4:memory:/other\n1:cpu,cpuacct:/app\n0::/\n",
            "/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_quota_us": "250000\n",
            "/sys/fs/cgroup/cpu,cpuacct/app/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        ]
        #expect(quota(files) == 2.5)
    }

    @Test func legacyContainerWithoutANamespaceFindsItsOwnMount() {
        let files = [
            "/proc/self/mountinfo": "32 31 0:29 /docker/ab12 /sys/fs/cgroup/cpu ro master:5 - cgroup cgroup rw,cpu\n",
            "/proc/self/cgroup": "1:cpu:/docker/ab12/inner\n",
            "/sys/fs/cgroup/cpu/inner/cpu.cfs_quota_us": "-1\n",
            "/sys/fs/cgroup/cpu/inner/cpu.cfs_period_us": "100000\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "100000\n",
            "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
        ]
        #expect(quota(files) == 1)
    }

    @Test(arguments: ["", "max", "0 0", "-5 100", "100000 0", "9999999999999999999 1", "x y", "1 2 3"])
    func damagedQuotasAreNone(text: String) {
        let files = [
            "/proc/self/mountinfo": Self.v2Mounts, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": text,
        ]
        #expect(quota(files) == nil)
    }

    @Test func damagedListsAreNone() {
        #expect(quota(["/proc/self/mountinfo": "- - -\n\n1 2 3", "/proc/self/cgroup": "0::\n:::\nx"]) == nil)
    }

    @Test func theSmallerOfMaskAndQuotaCountsAndSaysSo() {
        let free = UsableCores(affinity: 2, quota: nil)
        #expect(free.count == 2)
        #expect(free.reason == "2 cores: affinity mask allows 2, no CPU quota")
        let half = UsableCores(affinity: 2, quota: 0.5)
        #expect(half.count == 1)
        #expect(half.reason == "1 core: cgroup quota of 0.5 CPU rounded up, affinity mask allows 2")
        #expect(UsableCores(affinity: 8, quota: 2.01).count == 3)
        #expect(UsableCores(affinity: 8, quota: 2).reason == "2 cores: cgroup quota of 2 CPU, affinity mask allows 8")
        #expect(UsableCores(affinity: 2, quota: 16).count == 2)
        #expect(UsableCores(affinity: -1, quota: nil).count == 1)
        #expect(UsableCores(affinity: 4, quota: 1e300).count == 4)
    }

    @Test func thisMachineHasAtLeastOne() { #expect(UsableCores.current().count >= 1) }
}
