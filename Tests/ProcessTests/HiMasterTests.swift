// The example hi-master as its user sees it: greetings from every worker, and no process left behind.

import Foundation
import Testing

import Cluster
import TestSupport

/// The built `hi-master`, started and watched as a user would.
private final class HiMaster {
    let process = Process()
    private let pipe = Pipe()
    private var text = ""

    init() throws {
        // The test bundle's executable lies beside the products of the same build.
        let folder = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        let candidates = [folder] + Bundle.allBundles.map { $0.bundleURL.deletingLastPathComponent() }
        let programs = candidates.map { $0.appendingPathComponent("hi-master") }
        let program: URL = try #require(
            programs.first { FileManager.default.isExecutableFile(atPath: $0.path) })
        process.executableURL = program
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        try process.run()
    }

    var pid: Int32 { process.processIdentifier }

    /// Waits for so many greetings, from the start.
    func greetings(_ count: Int) -> Int {
        while greetingCount < count {
            let data = pipe.fileHandleForReading.availableData
            if data.isEmpty { break }
            text += String(decoding: data, as: UTF8.self)
        }
        return greetingCount
    }

    private var greetingCount: Int {
        text.split(separator: "\n").count { $0 == "Message received to master from worker: Hi Master!" }
    }

    var children: [Int32] {
        let list = try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)
        return (list ?? "").split(separator: " ").compactMap { Int32($0) }
    }

    /// `R`, `S`, `Z`…; nil when there is no such process.
    static func state(of pid: Int32) -> Character? {
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return nil }
        return stat[(stat.lastIndex(of: ")") ?? stat.startIndex)...].dropFirst(2).first
    }

    static func isAlive(_ pid: Int32) -> Bool {
        guard let state = state(of: pid) else { return false }
        return state != "Z"
    }
}

@Suite(.timeLimit(.minutes(1))) struct HiMasterTests {
    private let cores = UsableCores.current().count

    @Test func everyWorkerGreetsAndTermEndsAllInOrder() throws {
        let master = try HiMaster()
        #expect(master.greetings(cores) == cores)
        let workers = master.children
        #expect(workers.count == cores)
        kill(master.pid, SIGTERM)
        master.process.waitUntilExit()
        #expect(master.process.terminationReason == .exit)
        #expect(master.process.terminationStatus == 0)
        // Reaped by the master: not even zombies are left.
        #expect(workers.allSatisfy { HiMaster.state(of: $0) == nil })
    }

    @Test func aKilledWorkersSuccessorGreetsToo() throws {
        let master = try HiMaster()
        #expect(master.greetings(cores) == cores)
        let victim = try #require(master.children.first)
        kill(victim, SIGKILL)
        #expect(master.greetings(cores + 1) == cores + 1)
        #expect(HiMaster.state(of: victim) == nil)
        #expect(master.children.count == cores)
        kill(master.pid, SIGTERM)
        master.process.waitUntilExit()
        #expect(master.process.terminationStatus == 0)
    }

    @Test func noWorkerOutlivesAKilledMaster() async throws {
        let master = try HiMaster()
        #expect(master.greetings(cores) == cores)
        let workers = master.children
        kill(master.pid, SIGKILL)
        master.process.waitUntilExit()
        let deadline = ContinuousClock.now + .seconds(1)
        while workers.contains(where: HiMaster.isAlive), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(!workers.contains(where: HiMaster.isAlive))
    }

    @Test func aSecondTermAndQuitLeaveAtOnce() throws {
        let master = try HiMaster()
        #expect(master.greetings(cores) == cores)
        let workers = master.children
        // A stopped worker can't drain; the deadline of ten seconds would be waited for.
        if let worker = workers.first { kill(worker, SIGSTOP) }
        let start = ContinuousClock.now
        kill(master.pid, SIGTERM)
        usleep(100_000)
        kill(master.pid, SIGQUIT)
        master.process.waitUntilExit()
        #expect(ContinuousClock.now - start < .seconds(3))
        #expect(workers.allSatisfy { HiMaster.state(of: $0) == nil })
    }
}
