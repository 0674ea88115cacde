// What a worker drops before its body runs: the service manager's variables, the other cores, the master's user, and the way to new
// privileges. Runs in the worker process, right after the fork, with one thread.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc
internal import Logging

extension WorkerBirth {
    func confine() throws(SystemError) {
        ServiceManager.forget()
        if slot >= 0, options.pinning == .cores, cposix_pin_to_core(UInt32(clamping: slot)) != 0 { warn("not bound to a core") }
        try assumeCredentials()
        if options.noNewPrivileges, cposix_no_new_privileges() != 0 { warn("no_new_privs is not set") }
    }

    /// A kernel or a sandbox refuses what a worker can do without.
    private func warn(_ what: String) {
        let error = SystemError(errno: errno, operation: what)
        options.logger.log(.warning, .confinementRefused, "\(error)", metadata: ["worker": "\(slot)", "gen": "\(generation)"])
    }

    /// Fails where the account isn't known, rather than going on as the master's.
    private func assumeCredentials() throws(SystemError) {
        var credentials = options.credentials
        if credentials == nil {
            do throws(ClusterError) {
                credentials = try Credentials.find(user: options.user, group: options.group)
            } catch {
                throw SystemError(errno: EINVAL, operation: "\(error)")
            }
        }
        try credentials?.assume()
    }
}
