// Who may give orders. A pure value: what the kernel says of a connection goes in, whether its peer may give orders comes out.
// Process: master · Thread: loop
//
// The auxiliary that hands the connection over proves nothing: it may be in a stranger's hands. It can pass on what it has, so the master
// asks the kernel about each connection itself. A process that only imitates an operator's connection (a pair of sockets, a socket of its own,
// a connection to another of the service's sockets) is the kernel's peer with its own number and user, or is bound to another address.
//
// What stays: an auxiliary in a stranger's hands can use the connection of an operator who is connected at that moment.

package struct ControlAccess: Equatable, Sendable {
    /// What the kernel says of a connection.
    package struct Peer: Equatable, Sendable {
        package var user: UInt32
        /// 0 where the process is in a namespace that this one doesn't see.
        package var pid: Int32
        package var isUnixStream: Bool
        /// It came to the control socket, rather than to another one.
        package var isAtControlAddress: Bool

        package init(user: UInt32, pid: Int32, isUnixStream: Bool = true, isAtControlAddress: Bool = true) {
            self.user = user
            self.pid = pid
            self.isUnixStream = isUnixStream
            self.isAtControlAddress = isAtControlAddress
        }
    }

    package enum Refusal: Equatable, Sendable, CustomStringConvertible {
        case notAtControlSocket
        case ownProcess(Int32)
        case workersUser(UInt32)
        case otherUser(UInt32)

        package var description: String {
            switch self {
            case .notAtControlSocket: "the connection is none to the control socket"
            case .ownProcess(let pid): "process \(pid) is one of the service's own"
            case .workersUser(let user): "user \(user) is who the workers run as"
            case .otherUser(let user): "user \(user) is neither root nor the user who started the service"
            }
        }
    }

    /// Who started the service.
    private let user: UInt32
    /// Who workers run or ran as, where that is another user.
    private let workersUsers: Set<UInt32>

    package init(user: UInt32, workersUsers: Set<UInt32>) {
        self.user = user
        self.workersUsers = workersUsers.subtracting([user])
    }

    /// - Parameter isOwn: whether a process is one of the cluster's.
    /// - Returns: nil where the peer may give orders.
    package func refusal(of peer: Peer, isOwn: (Int32) -> Bool) -> Refusal? {
        guard peer.isUnixStream, peer.isAtControlAddress else { return .notAtControlSocket }
        if peer.pid > 0, isOwn(peer.pid) { return .ownProcess(peer.pid) }
        // Also what workers start, whose numbers tell nothing.
        if workersUsers.contains(peer.user) { return .workersUser(peer.user) }
        return peer.user == 0 || peer.user == user ? nil : .otherUser(peer.user)
    }
}
