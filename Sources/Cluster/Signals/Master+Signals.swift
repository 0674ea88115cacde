// What each signal asks of the master. All that can happen to it from outside is on this screen.
//
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

extension Master {
    func watchSignals() throws(SystemError) {
        try signals.start(on: loop) { [unowned self] arrival in received(arrival) }
    }

    private func received(_ signal: SignalArrival) {
        switch signal.number {
        case SIGTERM, SIGINT:
            askedToStop(signal.number)
        case SIGQUIT:
            abandonUpgrade()
            if upgrade?.isCommitted == true { passOn(SIGQUIT) }
            leaveAtOnce()
        case SIGCHLD:
            reapChildren()
        case SIGUSR1:
            if upgrade?.isCommitted == true { passOn(SIGUSR1) }
            collectFigures { [unowned self] in reporter.onRequest($0) }
        case SIGUSR2:
            upgradeInPlace()
        case SIGTTIN:
            scale(by: 1, SIGTTIN)
        case SIGTTOU:
            scale(by: -1, SIGTTOU)
        case SIGHUP:
            let now = EventLoop.monotonicNanoseconds()
            carryOut(hangup.received(isFromKernel: signal.isFromKernel, hasTerminal: cposix_has_terminal() != 0, now: now))
        default:
            break
        }
    }

    /// Once a second, while the terminal is there.
    func lookAtTerminal(now: UInt64) {
        cposix_unblock_terminal_signals()
        guard hangup.watchesTerminal else { return }
        carryOut(hangup.looked(hasTerminal: cposix_has_terminal() != 0, now: now))
    }

    private func carryOut(_ action: Hangup.Action?) {
        switch action {
        case .reload:
            reload()
        case .stop:
            log(.notice, .terminalLost, "the terminal is gone")
            askedToStop(SIGINT)
        case nil:
            break
        }
    }
}
