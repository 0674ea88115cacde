// How an upgrade that came to nothing ended, in words for those who ordered it.
// Process: master · Thread: loop

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

extension BinaryUpgrade {
    func reaped(_ pid: Int32, status: Int32) {
        if pid == attempt?.pid { attempt?.status = status }
        if pid == failed?.pid { tellFailure(status) }
    }

    func tellFailure(_ status: Int32?) {
        guard let failed else { return }
        self.failed = nil
        onOutcome(.failed("not upgraded, nothing has changed: \(failed.reason)\(status.map(Self.words) ?? "")"))
    }

    /// How a program ended that did not get ready.
    private static func words(for status: Int32) -> String {
        let signal = cposix_wait_signal(status)
        guard signal == 0 else { return signal == SIGKILL ? "" : " (signal \(signal))" }
        switch cposix_wait_exit_status(status) {
        case 64: return " (status 64: wrong use; the log says more)"
        case 78: return " (status 78: its configuration is wrong; the log says more)"
        case 127: return " (status 127: it can't be executed)"
        case let status: return " (status \(status); the log says more)"
        }
    }

    func stay() {
        guard let pid = attempt?.pid, let ended = attempt else { return }
        attempt = nil
        // Its channel ends before its process does.
        failed = (pid, ended.failure, context.loop.after(.seconds(1)) { [unowned self] in tellFailure(nil) })
        if let status = ended.status { tellFailure(status) }
        context.log(.error, .upgradeFailed, "the upgrade failed: this master stays", ["new_pid": "\(pid)"])
        onFailed()
    }
}
