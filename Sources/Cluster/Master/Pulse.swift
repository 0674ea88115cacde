// Whether a worker's loop turns. A pure value of the master, one for each worker: what its shared page says at each look goes in, what
// to do comes out.
// Process: master · Thread: loop
//
// A loop that turns may leave no trace for a second, because an idle worker sleeps. So where there is doubt the worker is asked for a sign
// of life; one that leaves none for three looks is stuck: connections go elsewhere. This says nothing about whose fault it is: whether
// a worker is to be killed is the Watchdog's decision, which counts evidence.

internal import EverycoreLoop

/// All times are monotonic nanoseconds.
package struct Pulse {
    package struct Reading: Equatable {
        /// Changes with whatever the worker counts.
        package let progress: UInt64
        /// The last sign of life.
        package let beat: UInt64
        /// When the request began that runs now; 0 for none.
        package let heldSince: UInt64

        package init(progress: UInt64, beat: UInt64, heldSince: UInt64) {
            self.progress = progress
            self.beat = beat
            self.heldSince = heldSince
        }
    }

    package enum Action: Equatable {
        /// Ask it for a sign of life.
        case ask
        case stuck
        case recovered
    }

    package private(set) var isStuck = false
    private let lateAfter: UInt64
    private var last: Reading?
    private var isAsked = false
    private var mayAskAt: UInt64 = 0
    /// Time of the master's own looks since it asked. A master that was held up itself has seen the ends of that time only.
    private var watched: UInt64 = 0

    /// A request that runs for so long raises doubt.
    private static let longRequest: UInt64 = 250_000_000
    /// From the question to the verdict.
    private static let patience: UInt64 = 60_000_000
    /// So much of one look counts.
    private static let longestLook: UInt64 = 40_000_000
    /// How long a worker is watched before anything is done that can't be taken back.
    private static let certainty: UInt64 = 300_000_000

    /// - Parameter beatInterval: how often an idle loop leaves a sign of life; nil where it leaves none of its own.
    package init(beatInterval: Duration?) {
        lateAfter = beatInterval.map { $0.wholeNanoseconds / 2 * 3 } ?? .max
    }

    /// - Parameters:
    ///   - isAwaited: whether connections wait for it.
    ///   - elapsed: since the look before.
    package mutating func looked(_ reading: Reading, isAwaited: Bool, elapsed: UInt64, now: UInt64) -> Action? {
        if reading.progress != last?.progress || reading.beat != last?.beat {
            last = reading
            isAsked = false
            guard isStuck else { return nil }
            isStuck = false
            return .recovered
        }
        last = reading
        guard isAsked else {
            guard isAwaited && now >= mayAskAt || isHeld(now) || isLate(now) else { return nil }
            isAsked = true
            mayAskAt = now &+ Self.patience
            watched = 0
            return .ask
        }
        let sum = watched.addingReportingOverflow(min(elapsed, Self.longestLook))
        watched = sum.overflow ? .max : sum.partialValue
        guard !isStuck, watched >= Self.patience else { return nil }
        isStuck = true
        return .stuck
    }

    /// Whether it has to be looked at again soon.
    package var isInDoubt: Bool { isAsked || isStuck }

    /// Since when its loop hasn't turned; nil where it may turn.
    package var stuckSince: UInt64? {
        guard isStuck, watched >= Self.certainty, let last else { return nil }
        return max(last.beat, last.heldSince)
    }

    private func isHeld(_ now: UInt64) -> Bool {
        guard let since = last?.heldSince, since != 0 else { return false }
        return now &- min(since, now) >= Self.longRequest
    }

    /// A sign from the future is none: shared memory may hold anything.
    private func isLate(_ now: UInt64) -> Bool {
        guard lateAfter != .max, let beat = last?.beat else { return false }
        return beat > now || now - beat > lateAfter
    }
}
