// Why a server didn't start or couldn't go on. Thrown in the master; the command turns each case into an exit status.

/// The end of a server that no signal asked for.
public enum ServerError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The settings can't be used; `everycore` exits with 78.
    case configuration([ServerConfiguration.Problem])
    /// Another program listens on this address (`0.0.0.0:8080`); `everycore` exits with 69.
    case addressTaken(String)
    /// The address can't be listened on for another reason: no such address here, no permission, a path that exists;
    /// `everycore` exits with 69.
    case cannotListen(String)
    /// No worker could be kept alive, or the system refused something; `everycore` exits with 70.
    case failed(String)

    public var description: String {
        switch self {
        case .configuration(let problems): problems.map(\.description).joined(separator: "\n")
        case .addressTaken(let address): "\(address) is taken by another program: stop it, or choose another port with --port"
        case .cannotListen(let reason), .failed(let reason): reason
        }
    }
}
