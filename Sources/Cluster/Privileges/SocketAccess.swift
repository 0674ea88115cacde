// Who may connect to the cluster's Unix sockets: connecting takes the permission to write (unix(7)). Runs in the master.

internal import EverycoreLoop
internal import Glibc

package struct SocketAccess: Sendable {
    let mode: UInt32
    private let owner: Credentials?

    package init(mode: UInt32 = 0o660, owner: Credentials? = nil) {
        self.mode = mode
        self.owner = owner
    }

    init(_ options: ClusterOptions) { self.init(mode: options.socketMode & 0o777, owner: options.credentials) }

    /// The workers' user and group own what they serve on.
    func own(_ path: String) throws(SystemError) {
        guard let owner else { return }
        try systemCall("give \(path) to user \(owner.user), group \(owner.group)") { unsafe lchown(path, owner.user, owner.group) }
    }
}
