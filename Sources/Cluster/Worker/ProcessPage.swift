// What a worker measures of itself, in its shared page: plain stores twice a second and one at each tick of its meter. The master reads it, also
// when the worker is stuck or dead; it may find anything here.
//
//   word 0      the monotonic clock at the meter's last tick; 0 before the first
//   word 1      the time between two ticks
//   words 2-6   what the process has used: `ProcessUsage` in the order of its members
//   words 7-9   the loop: lag p99, lag max, busy in the last second
//   words 10-11 descriptors: open (0: not known), limit
//   word 12     time in which the loop's thread ran or waited for a core
//   word 13     the monotonic clock when words 2 to 12 were written
//
// Process: any · Thread: loop

package import EverycoreStatistics

/// A view: copying it copies the pointer.
@safe
package struct ProcessPage {
    private let words: UnsafeMutablePointer<UInt64>

    package static let byteCount = 14 * MemoryLayout<UInt64>.size

    /// - Parameter memory: `byteCount` bytes, aligned to 8, zeroed, that outlive every copy of this view.
    package init(at memory: UnsafeMutableRawPointer) {
        unsafe words = memory.bindMemory(to: UInt64.self, capacity: Self.byteCount / 8)
    }

    // MARK: The worker's side

    package func tick(now: UInt64, period: UInt64) {
        unsafe words[0] = now
        unsafe words[1] = period
    }

    package func publish(_ process: ProcessFigures, demand: UInt64, now: UInt64) {
        if let usage = process.usage {
            unsafe words[2] = usage.userNanoseconds
            unsafe words[3] = usage.systemNanoseconds
            unsafe words[4] = usage.voluntarySwitches
            unsafe words[5] = usage.involuntarySwitches
            unsafe words[6] = usage.busyNanoseconds
        }
        if let loop = process.loop {
            unsafe words[7] = loop.lagP99Nanoseconds
            unsafe words[8] = loop.lagMaxNanoseconds
            unsafe words[9] = loop.busyNanosecondsPerSecond
        }
        unsafe words[10] = process.descriptors?.open ?? 0
        unsafe words[11] = process.descriptors?.limit ?? 0
        unsafe words[12] = demand
        unsafe words[13] = now
    }

    // MARK: The master's side

    /// How long the meter has not ticked, beyond the time between two ticks: the loop is at work, or gets no CPU. Nil before the first tick.
    package func silence(now: UInt64) -> UInt64? {
        let last = unsafe words[0]
        guard last != 0 else { return nil }
        return now.subtractingDownToZero(last).subtractingDownToZero(min(unsafe words[1], Self.longestPeriod))
    }

    /// What has been used, as it was last published; nil before the first tick.
    package var usage: ProcessUsage? {
        guard unsafe words[0] != 0 else { return nil }
        var usage = ProcessUsage()
        unsafe usage.userNanoseconds = words[2]
        unsafe usage.systemNanoseconds = words[3]
        unsafe usage.voluntarySwitches = words[4]
        unsafe usage.involuntarySwitches = words[5]
        unsafe usage.busyNanoseconds = words[6]
        return usage
    }

    /// What the worker has measured. Of a loop that does not come to its timers what that means: it is busy, and they are as late as that.
    /// - Parameter age: of the process: nothing can have been later.
    package func figures(now: UInt64, age: UInt64) -> ProcessFigures {
        var process = ProcessFigures()
        guard let silence = silence(now: now), let usage else { return process }
        process.usage = usage
        var loop = unsafe ProcessFigures.Loop(
            lagP99Nanoseconds: min(words[7], age), lagMaxNanoseconds: min(words[8], age), busyNanosecondsPerSecond: words[9])
        if silence >= Self.longSilence {
            loop.lagMaxNanoseconds = max(loop.lagMaxNanoseconds, silence)
            loop.lagP99Nanoseconds = max(loop.lagP99Nanoseconds, silence)
            loop.busyNanosecondsPerSecond = 1_000_000_000
            process.usage?.busyNanoseconds = usage.busyNanoseconds.addingUpToLimit(silence)
        }
        process.loop = loop
        let open = unsafe words[10]
        if open != 0 { process.descriptors = .init(open: min(open, Self.mostDescriptors), limit: unsafe words[11]) }
        return process
    }

    /// How long the loop was busy, and ran or waited for a core, since the worker began, and until when that counts.
    package func load(now: UInt64) -> (busy: UInt64, demand: UInt64, at: UInt64)? {
        guard let silence = silence(now: now), let usage, unsafe words[13] != 0 else { return nil }
        let (demand, at) = unsafe (words[12], min(words[13], now))
        guard silence >= Self.longSilence else { return (usage.busyNanoseconds, demand, at) }
        // Since it was measured for the last time the loop has been in one turn. Whether that runs or sleeps is not known.
        return (usage.busyNanoseconds.addingUpToLimit(now - at), demand, now)
    }

    /// The worker has said nothing of itself yet, or for so long that it may not.
    package func isSilent(now: UInt64) -> Bool { silence(now: now).map { $0 >= Self.longSilence } ?? true }

    /// From here on a loop counts as busy for all the time since its last tick.
    package static let longSilence: UInt64 = 1_000_000_000
    /// What stands for the time between two ticks is believed up to here.
    private static let longestPeriod: UInt64 = 1_000_000_000
    private static let mostDescriptors: UInt64 = 1 << 31
}
