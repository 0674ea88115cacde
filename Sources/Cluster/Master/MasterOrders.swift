// Carries out what signals, the program and operators order.
// Process: master · Thread: loop

internal import Glibc

final class MasterOrders {
    private let pool: WorkerPool
    private let figures: FiguresCollector
    private let lines: LineLog
    private let succession: Succession
    private let shutdown: Shutdown

    init(pool: WorkerPool, figures: FiguresCollector, lines: LineLog, succession: Succession, shutdown: Shutdown) {
        self.pool = pool
        self.figures = figures
        self.lines = lines
        self.succession = succession
        self.shutdown = shutdown
    }

    func carryOut(_ order: MasterOrder) {
        let upgrade = succession.upgrade
        switch order {
        case .stop(let signal):
            guard shutdown.isNewOrder(), !upgrade.stopOrdered(signal) else { return }
            shutdown.ordered(by: signal)
        case .quit:
            _ = upgrade.stopOrdered(SIGQUIT)
            shutdown.leaveAtOnce()
        case .reload: succession.orders.receive(.reload)
        case .upgrade: succession.orders.receive(.upgrade)
        case .scale(let difference, let signal): succession.scaler.scale(by: difference, signal)
        case .print:
            if upgrade.isCommitted { upgrade.passOn(SIGUSR1) }
            lines.reopen()
            figures.printOnRequest()
        case .reap: pool.reap()
        }
    }

    /// Reopens the file of the access log, and says so once the writer has it.
    func reopenLogs(for answer: ControlAnswer) {
        if succession.upgrade.isCommitted { return answer.failed("a new master is in charge: ask again") }
        lines.reopen { result in
            switch result {
            case .success(let text): answer.done(text)
            case .failure(let failure): answer.failed("\(failure)")
            }
        }
    }
}
