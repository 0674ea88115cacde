// The exit statuses that other people's scripts rely on; the numbers are those of sysexits.h.
// ArgumentParser itself ends the process with 64 (EX_USAGE) when the arguments are wrong.

import Everycore

package enum ExitStatus: Int32, Sendable {
    /// The port is taken, or the address can't be listened on for another reason.
    case unavailable = 69
    /// Workers can't be kept alive, or something else failed that the user can't have caused.
    case software = 70
    /// The configuration is wrong.
    case configuration = 78

    /// The status that ends a process that `error` keeps from going on.
    package init(for error: any Error) {
        switch error {
        case is ConfigurationErrors, ServerError.configuration: self = .configuration
        case ServerError.addressTaken, ServerError.cannotListen: self = .unavailable
        default: self = .software
        }
    }
}
