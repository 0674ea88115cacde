// Why a server didn't start or couldn't go on. Thrown in the master.

/// The reason that a server didn't start or has ended, other than a signal.
public enum ServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The settings can't be used.
    case configuration([ServerConfiguration.Problem])
    /// Another program listens on this address (`0.0.0.0:8080`), which the setting says: `port`, `listen` or `admin`.
    case addressTaken(String, setting: String)
    /// The address can't be listened on for another reason: no such address here, no permission, a path that exists.
    case cannotListen(String)
    /// All workers failed to start, or a system call failed.
    case failed(String)

    /// The exit status for the program, the same as of `everycore`: 78 for a wrong configuration, 69 when it can't listen, else 70
    /// (sysexits.h).
    public var exitStatus: Int32 {
        switch self {
        case .configuration: 78
        case .addressTaken, .cannotListen: 69
        case .failed: 70
        }
    }

    public var description: String {
        switch self {
        case .configuration(let problems): problems.map(\.description).joined(separator: "\n")
        case .addressTaken(let address, let setting):
            "\(address) is taken by another program: stop it, or choose another \(setting == "port" ? "port" : "address")"
        case .cannotListen(let reason), .failed(let reason): reason
        }
    }
}
