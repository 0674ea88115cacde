// The exit statuses, an interface for scripts; the numbers are those of sysexits.h.
// ArgumentParser itself ends the process with 64 (EX_USAGE) when the arguments are wrong.
// Process: master, before the fork · Thread: main

#if Command
import Everycore

/// The status that ends a process that `error` keeps from going on.
package func exitStatus(for error: any Error) -> Int32 {
    switch error {
    case is ConfigurationErrors: 78
    case let error as ServerError: error.exitStatus
    default: 70
    }
}
#endif
