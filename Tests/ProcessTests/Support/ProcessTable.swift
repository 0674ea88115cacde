// What /proc says about processes (proc(5)).

import Foundation
import Glibc
import TestSupport

enum ProcessTable {
    /// `R`, `S`, `T`, `Z`…; nil when there is no such process.
    static func state(of pid: pid_t) -> Character? { fields(of: pid)?.first?.first }

    /// Neither gone nor waiting to be reaped.
    static func isAlive(_ pid: pid_t) -> Bool {
        guard let state = state(of: pid) else { return false }
        return state != "Z" && state != "X"
    }

    /// Whether the main thread is in nanosleep(2) and its like, by the kernel's function that it waits in.
    static func isInSleep(_ pid: pid_t) -> Bool { read("/proc/\(pid)/wchan").contains("nanosleep") }

    /// Whether the main thread waits in the kernel elsewhere than in its loop's epoll_wait(2).
    static func isHeld(_ pid: pid_t) -> Bool {
        let place = read("/proc/\(pid)/wchan")
        return !place.isEmpty && place != "0" && !place.contains("poll")
    }

    static func threadCount(of pid: pid_t) -> Int { names(in: "/proc/\(pid)/task").count }

    static func children(of pid: pid_t) -> [pid_t] {
        read("/proc/\(pid)/task/\(pid)/children").split(separator: " ").compactMap { pid_t($0) }
    }

    static func name(of pid: pid_t) -> String { String(read("/proc/\(pid)/comm").dropLast()) }

    /// What a descriptor of the process stands for: a path, or such as `socket:[1]`.
    static func file(_ descriptor: Int, of pid: pid_t) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\(descriptor)")
    }

    static func members(ofGroup group: pid_t) -> [pid_t] {
        names(in: "/proc").compactMap { pid_t($0) }.filter { pid in
            guard let fields = fields(of: pid), fields.count > 2 else { return false }
            return pid_t(fields[2]) == group && fields[0] != "Z" && fields[0] != "X"
        }
    }

    /// What follows the name, which may hold anything, in /proc/PID/stat: state, parent, group…
    private static func fields(of pid: pid_t) -> [Substring]? {
        let stat = read("/proc/\(pid)/stat")
        guard let end = stat.lastIndex(of: ")") else { return nil }
        return stat[stat.index(after: end)...].split(separator: " ")
    }

    private static func names(in directory: String) -> [String] {
        let all = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        return all.filter { !$0.hasPrefix(".") }
    }

    private static func read(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 65536)
        let count = unsafe bytes.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
