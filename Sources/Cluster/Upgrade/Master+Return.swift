// An upgrade whose workers can't do what the old ones did: the new master goes back to the program before. Whether it must is Probation's to say,
// a pure value. The way back is an upgrade like any other, to the old program's file, which this master has kept open.
// Process: master · Thread: loop

internal import EverycoreLoop
internal import Glibc
internal import Logging
internal import EverycoreStatistics

/// What an upgrade that fails goes back to.
struct WayBack {
    let program: Int32
    let arguments: [String]
    /// It is to be taken as soon as the old master has handed over everything.
    var isDue = false
    /// Ends the probation.
    var timer: LoopTimer?
}

extension Master {
    /// This master's workers accept from here on.
    func beginProbation() {
        guard wayBack != nil else { return }
        let end = EventLoop.monotonicNanoseconds().addingUpToLimit(Probation.longest.wholeNanoseconds)
        wayBack?.timer = loop.every(.seconds(1)) { [unowned self] in
            if hasAnswered(edition) { probation.answered() }
            guard probation.hasAnswered || EventLoop.monotonicNanoseconds() >= end else { return }
            endProbation()
        }
    }

    /// This master stays.
    func endProbation() {
        if let wayBack { close(wayBack.program) }
        wayBack = nil
    }

    func goBackWhenPossible() {
        guard let wayBack, wayBack.isDue, succession == nil, upgrade == nil, stopping == .running, lameDuckTimer == nil else { return }
        log(.error, .upgradeRolledBack, "upgrade failed: going back to the program before", ["reason": "new workers die where the old ones answered"])
        beginUpgrade(to: ProgramImage(path: "/proc/self/fd/\(wayBack.program)", arguments: wayBack.arguments))
        // The child has a copy.
        endProbation()
    }
}
