// What the end of a worker proves, from what it left behind. A pure value: the supervisors, reloads and upgrades decide by it.
// Process: master · Thread: loop
//
// An end is noticed at the channel's end. A crashing worker has written its signal into the black box before, so its cause is known
// at once; its process may live on in the backtracer for a second. Without that mark the cause takes the wait status, which
// the kernel gives a moment after the channel's end.

internal import EverycoreStatistics
internal import Glibc

/// Why a worker ended.
package enum Death: Equatable, Sendable {
    /// It was never ready, or for less than ``RespawnPolicy/youngAge`` and had nothing to do: the program or its surroundings are at fault.
    case failedStart
    /// By its own fault, with a request in flight.
    case inRequest
    /// By a signal from outside: an operator, the out-of-memory killer, a container's manager. It proves nothing.
    case killed
    /// By its own fault, between requests, after it had served.
    case afterService
    /// It was told to go.
    case requested
}

/// What the handler of crash signals left in the black box.
package struct CrashMark: Equatable, Sendable {
    package let signal: Int32
    /// The process that sent the signal; 0 where the worker's own code caused it.
    package let sender: Int32
    /// The loop's thread crashed: the request that it ran, if any, is the one to blame.
    package let isOfLoop: Bool

    package init(signal: Int32, sender: Int32 = 0, isOfLoop: Bool = true) {
        self.signal = signal
        self.sender = sender
        self.isOfLoop = isOfLoop
    }
}

/// What is known of a worker that has ended. All times are monotonic nanoseconds.
package struct Remains: Equatable, Sendable {
    package enum Status: Equatable, Sendable {
        case exited(Int32)
        case killed(signal: Int32)
    }

    package var wasRequested = false
    /// It was not ready at the deadline, or the process could not be made.
    package var hasFailedToStart = false
    /// Nil when it never was.
    package var readyAt: UInt64?
    package var endedAt: UInt64 = 0
    /// The requests that it answered.
    package var answered: UInt64 = 0
    /// The connections that it took.
    package var accepted: UInt64 = 0
    /// A request ran, or its handler waited.
    package var wasInRequest = false
    package var mark: CrashMark?
    /// Nil while the kernel keeps it.
    package var status: Status?
    /// The kernel's out-of-memory killer ended it.
    package var wasOutOfMemory = false
    /// The master's process id, whose signals don't come from outside.
    package var master: Int32 = 0
    /// Signals that the master has sent it.
    package var signalsOfMaster: Set<Int32> = []

    package init() {}

    /// Signals that a process brings upon itself.
    package static let ownSignals: Set<Int32> = [
        SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGPIPE,
    ]

    /// Whether it has done or begun any work, or has been ready for long enough.
    package func hasServed(youngAge: UInt64) -> Bool {
        guard let readyAt else { return false }
        return answered > 0 || accepted > 0 || wasInRequest || endedAt.subtractingDownToZero(readyAt) >= youngAge
    }

    /// Whether it has shown that its plan can serve.
    package func isGood(youngAge: UInt64) -> Bool {
        guard let readyAt else { return false }
        return answered > 0 || endedAt.subtractingDownToZero(readyAt) >= youngAge
    }

    /// - Returns: nil when only the wait status can tell.
    package func death(youngAge: UInt64) -> Death? {
        if hasFailedToStart { return .failedStart }
        guard let isFromOutside else { return wasRequested && !wasInRequest ? .requested : nil }
        return death(youngAge: youngAge, isFromOutside: isFromOutside)
    }

    /// What is most likely where the wait status doesn't come: the worker closed its channel and lives on.
    package func likelyDeath(youngAge: UInt64) -> Death {
        death(youngAge: youngAge) ?? death(youngAge: youngAge, isFromOutside: false)
    }

    private func death(youngAge: UInt64, isFromOutside: Bool) -> Death {
        // A start that takes more memory than there is will do so again.
        if isFromOutside { return wasRequested ? .requested : readyAt == nil && wasOutOfMemory ? .failedStart : .killed }
        if wasInRequest, !hasLeft { return .inRequest }
        if wasRequested { return .requested }
        return hasServed(youngAge: youngAge) ? .afterService : .failedStart
    }

    /// It was told to go and did, whatever was in flight at its deadline.
    private var hasLeft: Bool { wasRequested && mark == nil && status == .exited(0) }

    private var isFromOutside: Bool? {
        if let mark { return mark.sender != 0 && mark.sender != master }
        switch status {
        case .exited: return false
        case .killed(let signal): return !Self.ownSignals.contains(signal) && !signalsOfMaster.contains(signal)
        case nil: return nil
        }
    }
}
