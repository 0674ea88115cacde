// Starts that take too long while no worker serves. A pure value of the supervisor.
// Process: master · Thread: loop

internal import EverycoreStatistics

/// When the next start is tried while others hang: after two seconds, or three times the longest start; each time after twice the time, up
/// to eight times.
struct HangingStarts {
    private var lastStart: UInt64 = 0
    private var tries = 0

    mutating func started(now: UInt64) { lastStart = now }

    mutating func triedAgain(now: UInt64) {
        lastStart = now
        tries += 1
    }

    /// A worker is ready.
    mutating func over() { tries = 0 }

    func nextTry(longestStart: UInt64) -> UInt64 {
        let patience = max(2_000_000_000, longestStart.multipliedReportingOverflow(by: 3).partialValue)
        return lastStart.addingUpToLimit(patience.multipliedReportingOverflow(by: 1 << UInt64(min(tries, 3))).partialValue)
    }

    func next(of slots: [Int]) -> Int? { slots.isEmpty ? nil : slots[tries % slots.count] }
}
