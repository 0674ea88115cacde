// A control group of the test's own, below the one that the tests run in, so that their own limits hold on: version 1 or 2, whatever the
// machine has and lets us make. Removed when the last process has left it.

import Glibc
import TestSupport

final class ControlGroup {
    let directory: String

    /// Nil where none can be made with these files.
    /// - Parameter settings: by version: a file, and what to write into it.
    init?(_ controller: String, version1: [(String, String)], version2: [(String, String)]) {
        let lines = Self.read("/proc/self/cgroup").split(separator: "\n").map { $0.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false) }
        let mounts = Self.read("/proc/self/mountinfo").split(separator: "\n").map { $0.split(separator: " ") }
        func place(_ isRight: ([Substring]) -> Bool, _ path: Substring) -> String? {
            guard let mount = mounts.last(where: isRight), mount.count > 4 else { return nil }
            // In a container the mount shows only its own part.
            let own = mount[3] == "/" ? path : path.hasPrefix(mount[3]) ? path.dropFirst(mount[3].count) : ""
            return "\(mount[4])\(own == "/" ? "" : own)"
        }
        var candidates: [(directory: String, settings: [(String, String)])] = []
        for line in lines where line.count == 3 {
            if line[1].split(separator: ",").contains(controller[...]) {
                let found = place({ $0.contains("cgroup") && $0.last?.split(separator: ",").contains(controller[...]) == true }, line[2])
                if let found { candidates.append((found, version1)) }
            } else if line[0] == "0", line[1].isEmpty, let found = place({ $0.contains("cgroup2") }, line[2]) {
                candidates.append((found, version2))
            }
        }
        for candidate in candidates {
            let directory = "\(candidate.directory)/everycore-test-\(getpid())-\(controller)"
            guard unsafe mkdir(directory, 0o755) == 0 else { continue }
            if candidate.settings.allSatisfy({ Self.write($1, to: "\(directory)/\($0)") }) {
                self.directory = directory
                return
            }
            _ = unsafe rmdir(directory)
        }
        return nil
    }

    deinit {
        for _ in 0..<200 where unsafe rmdir(directory) != 0 { usleep(5000) }
    }

    /// Starts a program in the group.
    var wrapper: [String] { ["sh", "-c", "echo $$ >\(directory)/cgroup.procs && exec \"$@\"", "sh"] }

    func set(_ file: String, _ text: String) -> Bool { Self.write(text, to: "\(directory)/\(file)") }

    private static func write(_ text: String, to path: String) -> Bool {
        let descriptor = unsafe open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        let bytes = Array(text.utf8)
        return unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) } == bytes.count
    }

    private static func read(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        var length = 0
        while length < bytes.count {
            let count = unsafe bytes.withUnsafeMutableBytes { bytes in
                unsafe Glibc.read(descriptor, bytes.baseAddress.map { unsafe $0 + length }, bytes.count - length)
            }
            guard count > 0 else { break }
            length += count
        }
        return String(decoding: bytes.prefix(length), as: UTF8.self)
    }
}
