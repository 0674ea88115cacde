// Whether a worker's loop turns. A pure value of the master, one for each worker: what its shared page says at each look goes in, what
// to do comes out.
// Process: master · Thread: loop
//
// A loop that turns may leave no trace for a second, because an idle worker sleeps. So where there is doubt the worker is asked for a sign
// of life; one that leaves none for three looks, and gets nothing done meanwhile, is stuck: connections go elsewhere until it gives one.
// Requests that it answers are no sign: handlers that follow each other in one turn may hold the loop for as long as one that is slow.
// Nor is the time without one a proof: a loop with much to do may come late to the question. So that time counts against a worker only
// where one request held it, or several each of which was seen at work at two looks.
//
// This says nothing about whose fault it is: whether a worker is to be killed is the Watchdog's decision, which counts evidence.

internal import EverycoreLoop
internal import EverycoreStatistics

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
    /// Time of the master's own looks in which nothing was done, since there was doubt. A master that was held up itself has seen the ends of that time only.
    private var watched: UInt64 = 0
    private var hold = Hold()

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
    ///   - thread: what its loop's thread does; asked for only where a request holds it.
    package mutating func looked(
        _ reading: Reading, isAwaited: Bool, elapsed: UInt64, now: UInt64, thread: () -> ThreadStatus? = { nil }
    ) -> Action? {
        let isFirst = last == nil
        let hasTurned = reading.beat != last?.beat
        let hasDone = reading.progress != last?.progress
        last = reading
        guard !hasTurned else {
            isAsked = false
            hold = Hold()
            guard isStuck, !isFirst else { return nil }
            isStuck = false
            return .recovered
        }
        hold.looked(reading, elapsed: min(elapsed, Self.longestLook), now: now, thread: thread)
        let isDoubtful = isAwaited && !hasDone || isHeld(now) || isLate(now)
        guard isAsked else {
            guard isDoubtful || hold.hasBegun, now >= mayAskAt || !isAwaited else { return nil }
            isAsked = true
            mayAskAt = now &+ Self.patience
            watched = 0
            return .ask
        }
        if hasDone {
            watched = 0
        } else if isDoubtful || watched > 0 {
            watched = watched.addingUpToLimit(min(elapsed, Self.longestLook))
        }
        guard !isStuck, watched >= Self.patience else { return nil }
        isStuck = true
        return .stuck
    }

    /// Whether it has to be looked at again soon.
    package var isInDoubt: Bool { isAsked || isStuck }

    /// Since when its loop hasn't turned for requests' doing; nil where it may turn.
    package var stuckSince: UInt64? {
        guard isAsked, let last else { return nil }
        let single = isStuck && watched >= Self.certainty ? max(last.beat, last.heldSince) : nil
        return [single, hold.since(certainty: Self.certainty)].compactMap { $0 }.min()
    }

    /// The request that holds the loop now and is long by itself, by when it began. A worker that got no CPU has none.
    package var longHold: UInt64? {
        hold.own >= Self.longRequest / 2 && isHeld(hold.lastLook) ? last?.heldSince : nil
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

extension Pulse {
    /// Requests that hold the loop one after the other while it doesn't turn, and what was seen of their work: CPU time that the thread
    /// used between two looks at the same request, and time in which it was asleep at both.
    /// What a worker without a CPU, or a stopped one, has in hand takes none.
    private struct Hold {
        private var since: UInt64?
        private var request: UInt64 = 0
        private var status: ThreadStatus?
        /// Time that was looked at since `since`, and what of it requests were seen to take.
        private var watched: UInt64 = 0
        private var held: UInt64 = 0
        /// What the request that runs now was seen to take.
        private(set) var own: UInt64 = 0
        private(set) var lastLook: UInt64 = 0

        var hasBegun: Bool { since != nil }

        /// A request that was seen for so long is not one of many.
        private static let visible: UInt64 = 50_000_000

        mutating func looked(_ reading: Reading, elapsed: UInt64, now: UInt64, thread: () -> ThreadStatus?) {
            let request = reading.heldSince
            lastLook = now
            if since != nil { watched = watched.addingUpToLimit(elapsed) }
            let isSame = request != 0 && request == self.request
            if !isSame { own = 0 }
            self.request = request
            guard request != 0, since != nil || now &- min(request, now) >= Self.visible else {
                status = nil
                return
            }
            // An async handler has its request's time, which the loop may have turned in.
            if since == nil { since = max(min(request, now), reading.beat) }
            let status = thread()
            if isSame {
                let taken = Self.taken(self.status, status, elapsed)
                own = own.addingUpToLimit(taken)
                held = held.addingUpToLimit(taken)
            }
            self.status = status
        }

        /// Where nothing is known of the thread, all of it.
        private static func taken(_ before: ThreadStatus?, _ after: ThreadStatus?, _ elapsed: UInt64) -> UInt64 {
            guard let before, let after else { return elapsed }
            let used = after.cpuNanoseconds.subtractingDownToZero(before.cpuNanoseconds)
            return before.state == .blocked && after.state == .blocked ? max(used, elapsed) : used
        }

        /// An eighth is enough: more workers than cores share them.
        func since(certainty: UInt64) -> UInt64? {
            watched >= certainty && held >= watched / 8 ? since : nil
        }
    }
}
