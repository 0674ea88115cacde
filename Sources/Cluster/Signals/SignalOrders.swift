// What each signal asks of the master. All that can happen to it from outside is on this screen.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

/// What the master is asked to do from outside.
enum MasterOrder {
    /// TERM or INT: drain and leave.
    case stop(Int32)
    /// QUIT: leave at once.
    case quit
    /// HUP: all workers by the description as it is now.
    case reload
    /// USR2: the program as it is on the disk now takes this one's place.
    case upgrade
    /// TTIN and TTOU: one worker more or less.
    case scale(by: Int, Int32)
    /// USR1: print the figures now.
    case print
    /// CHLD: children have ended.
    case reap

    init?(signal: Int32) {
        switch signal {
        case SIGTERM, SIGINT: self = .stop(signal)
        case SIGQUIT: self = .quit
        case SIGHUP: self = .reload
        case SIGUSR2: self = .upgrade
        case SIGTTIN: self = .scale(by: 1, signal)
        case SIGTTOU: self = .scale(by: -1, signal)
        case SIGUSR1: self = .print
        case SIGCHLD: self = .reap
        default: return nil
        }
    }
}

final class SignalOrders {
    private let context: MasterContext
    private let inbox: SignalInbox
    private var hangup: Hangup
    private var onOrder: (MasterOrder) -> Void = { _ in }

    init(_ context: MasterContext, hangup: Hangup) throws(SystemError) {
        self.context = context
        self.hangup = hangup
        inbox = try SignalInbox()
    }

    func start(_ onOrder: @escaping (MasterOrder) -> Void) throws(SystemError) {
        self.onOrder = onOrder
        try inbox.start(on: context.loop) { [unowned self] arrival in received(arrival) }
    }

    /// - Parameter passesOn: another process gets its signals by now (cposix_pass_on_orders).
    func stop(passesOn: Bool) {
        inbox.stop(passesOn: passesOn)
        onOrder = { _ in }
    }

    func closeInherited() { inbox.closeInherited() }

    private func received(_ signal: SignalArrival) {
        guard signal.number == SIGHUP else { return MasterOrder(signal: signal.number).map(onOrder) ?? () }
        let now = EventLoop.monotonicNanoseconds()
        carryOut(hangup.received(isFromKernel: signal.isFromKernel, hasTerminal: cposix_has_terminal() != 0, now: now))
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
            onOrder(.reload)
        case .stop:
            context.log(.notice, .terminalLost, "the terminal is gone")
            onOrder(.stop(SIGINT))
        case nil:
            break
        }
    }
}
