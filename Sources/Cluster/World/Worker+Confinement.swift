// What a worker gives up before its first own instruction: its environment of the service manager, the other cores, its user,
// the hope for more privileges. Runs in the worker process, right after the fork, with one thread.

internal import CPosix
internal import EventLoop
internal import Glibc

extension WorkerBirth {
    func confine() throws(SystemError) {
        ServiceManager.forget()
        if slot >= 0, options.pinning == .cores {
            try systemCall("bind worker \(slot) to a core") { cposix_pin_to_core(UInt32(clamping: slot)) }
        }
        if let credentials = options.credentials { try credentials.assume() }
        if options.noNewPrivileges { try systemCall("set no_new_privs") { cposix_no_new_privileges() } }
    }
}
