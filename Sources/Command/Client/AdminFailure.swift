// Why a service could not be asked, in words that say what to do.
// Process: any other than a service's · Thread: main

#if Command
import Glibc

package enum AdminFailure: Error, Equatable, CustomStringConvertible {
    /// There is no such address.
    case notThere(AdminAddress)
    /// A socket is there, and no service behind it.
    case isDead(AdminAddress)
    case notPermitted(AdminAddress, owner: UInt32?)
    case notASocket(AdminAddress)
    case cannotConnect(AdminAddress, reason: String)
    /// What is there answers something else than HTTP.
    case notHTTP(AdminAddress)
    case timedOut(AdminAddress, after: Duration)
    /// The connection ended before the answer did.
    case brokenOff(AdminAddress)
    case tooLong(AdminAddress)
    /// A status that isn't 200, and the first line of its text.
    case status(Int, String)

    package var description: String {
        switch self {
        case .notThere(let address): "nothing is at \(address): is the service running?"
        case .isDead(let address): "no service listens on \(address)"
        case .notPermitted(let address, let owner):
            "no permission for \(address)\(owner.map { $0 == 0 ? ", which is root's: run this as root" : ", which is user \($0)'s: run this as that user or as root" } ?? "")"
        case .notASocket(let address): "\(address) is no socket"
        case .cannotConnect(let address, let reason): "can't connect to \(address): \(reason)"
        case .notHTTP(let address): "what listens on \(address) is no everycore service"
        case .timedOut(let address, let time): "\(address) has not answered within \(words(for: time))"
        case .brokenOff(let address): "\(address) ended the connection before its answer was complete"
        case .tooLong(let address): "the answer of \(address) is too long"
        case .status(let status, let text): text.isEmpty ? "the service answers with status \(status)" : text
        }
    }

    private func words(for time: Duration) -> String {
        let (seconds, attoseconds) = time.components
        return attoseconds == 0 ? "\(seconds) s" : "\(seconds).\(attoseconds / 100_000_000_000_000_000) s"
    }
}
#endif
