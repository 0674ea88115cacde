// The masters of a service that is upgraded: which there were, and which one takes orders now.

import Glibc

extension Running {
    /// The masters that were started in the place of others, in their order.
    var successors: [pid_t] { error.matches(of: /new_pid=(\d+) program=/).compactMap { pid_t($0.1) } }

    /// The oldest one that is alive: it acts on signals, or forwards them.
    var master: pid_t? { ([pid] + successors).first(where: ProcessTable.isAlive) }

    /// Sends a signal to the master that is there. One that ends at this very moment can't pass it on: the kernel drops what comes while a
    /// process ends. Then the next one gets it, too.
    func order(_ signal: Int32) {
        while let master {
            kill(master, signal)
            if ProcessTable.isAlive(master) { return }
        }
    }
}
