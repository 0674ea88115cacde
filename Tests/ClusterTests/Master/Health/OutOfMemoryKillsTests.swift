// Whether the kernel's out-of-memory killer did it, by the counts of cgroup files that the test makes up.

import Cluster
import Testing

private let second: UInt64 = 1_000_000_000

@Suite struct OutOfMemoryKillsTests {
    /// Files that change between readings.
    private final class Files {
        var texts: [String: String]
        init(_ texts: [String: String]) { self.texts = texts }

        func kills() -> OutOfMemoryKills { OutOfMemoryKills { [self] in texts[$0] } }
    }

    private let unified = [
        "/proc/self/cgroup": "0::/app.slice/web.service\n",
        "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n",
        "/sys/fs/cgroup/app.slice/web.service/memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\noom_group_kill 0\n",
    ]
    private let path = "/sys/fs/cgroup/app.slice/web.service/memory.events"

    private func claim(_ kills: inout OutOfMemoryKills, _ now: UInt64) -> Bool { kills.claim(now: now) }

    private func events(_ kills: Int) -> String { "low 0\nhigh 0\nmax 7\noom 2\noom_kill \(kills)\noom_group_kill 0\n" }

    @Test func aDeathThatTheCgroupCountedIsTheKernelsAndEachCountIsForOne() {
        let files = Files(unified)
        var kills = files.kills()
        #expect(kills.isKnown)
        // What was counted before the start belongs to no worker.
        kills.observe(now: second)
        #expect(claim(&kills, second) == false)
        files.texts[path] = events(3)
        kills.observe(now: 2 * second)
        #expect(claim(&kills, 2 * second))
        #expect(claim(&kills, 3 * second))
        #expect(claim(&kills, 3 * second) == false)
    }

    @Test func aKillThatNobodyClaimsWasAStrangers() {
        let files = Files(unified)
        var kills = files.kills()
        files.texts[path] = events(2)
        kills.observe(now: second)
        #expect(claim(&kills, 7 * second) == false)
    }

    @Test func withoutTheFileNothingIsKnown() {
        var other = unified
        other[path] = nil
        for texts in [[:], other] {
            var kills = Files(texts).kills()
            #expect(!kills.isKnown)
            kills.observe(now: second)
            #expect(claim(&kills, second) == false)
        }
    }

    @Test func version1HasItsOwnFileAlsoBesideAVersion2WithoutMemory() {
        let files = Files([
            "/proc/self/cgroup": "4:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n0::/docker/ab\n",
            "/proc/self/mountinfo": """
            30 23 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            31 23 0:27 /docker/ab /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            """,
            "/sys/fs/cgroup/memory/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n",
        ])
        var kills = files.kills()
        #expect(kills.isKnown)
        files.texts["/sys/fs/cgroup/memory/memory.oom_control"] = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"
        kills.observe(now: second)
        #expect(claim(&kills, second))
    }

    @Test func nonsenseInTheFileChangesNothing() {
        let files = Files(unified)
        var kills = files.kills()
        for text in ["", "oom_kill", "oom_kill x\n", "oom_kill 0\n", "oom_kill 99999999999999999999999\n"] {
            files.texts[path] = text
            kills.observe(now: second)
            #expect(claim(&kills, second) == false, "\(text)")
        }
        files.texts[path] = events(Int.max)
        kills.observe(now: second)
        #expect(claim(&kills, second))
    }
}
