// What a child's main thread does, as the kernel tells it.
// Process: master · Thread: loop

internal import CEverycorePosix

extension ThreadStatus {
    /// Of a child's main thread; nil when the process has ended, reaped or not. Gone is a main thread that others survive.
    package static func read(pid: Int32, ticksPerSecond: UInt64) -> Self? {
        let text = readSmallFile("/proc/\(pid)/task/\(pid)/stat")
        guard let status = text.flatMap({ Self(stat: $0, ticksPerSecond: ticksPerSecond) }) else { return nil }
        var end: Int32 = 0
        // With a thousand deaths at once the kernel's news of one waits for longer than the watchdog does.
        if status.state == .gone, unsafe cposix_peek_status(pid, &end) == 1 { return nil }
        return status
    }
}
