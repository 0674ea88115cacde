// Who the workers run as. Looked up in the master before anything is opened; taken on by each worker right after its fork.
//
// The master keeps what it was started with: it reads nothing from the network, has files to read again at a reload and sockets
// to remove at the end, and a worker that was taken over can't signal or trace a process of another user. Everything that
// listens is bound before the first fork, so a worker needs no privilege for it.

internal import CEverycorePosix
internal import EverycoreLoop
internal import Glibc

package struct Credentials: Sendable, Equatable {
    package let user: UInt32
    package let group: UInt32
    /// All groups, `group` among them.
    package let groups: [UInt32]

    /// Looks names and numbers up (getpwnam(3), getgrnam(3)). Nil when neither is given.
    ///
    /// A user without a group has the main group of its entry and all others that list it; with a group, that one in the place of the
    /// main one. A group without a user leaves the user as it is, and has no other groups.
    package static func find(user: String?, group: String?) throws(ClusterError) -> Credentials? {
        guard user != nil || group != nil else { return nil }
        var (userNumber, groupNumber) = (geteuid(), getegid())
        if let user {
            let result = unsafe cposix_find_user(user, &userNumber, &groupNumber)
            guard result >= 0 else { throw .badCredentials(setting: "user", reason: "there is no user \(user) on this machine") }
            guard result == 0 || group != nil else {
                throw .badCredentials(setting: "user", reason: "user \(user) has no entry that names its group: give the group too")
            }
        }
        if let group {
            guard unsafe cposix_find_group(group, &groupNumber) == 0 else {
                throw .badCredentials(setting: "group", reason: "there is no group \(group) on this machine")
            }
        }
        let groups = user == nil ? [groupNumber] : allGroups(of: userNumber, main: groupNumber)
        return Credentials(user: userNumber, group: groupNumber, groups: groups)
    }

    private static func allGroups(of user: UInt32, main: UInt32) -> [UInt32] {
        var capacity: Int32 = 64
        while true {
            var groups = [UInt32](repeating: 0, count: Int(capacity))
            let count = unsafe cposix_groups_of_user(user, main, &groups, capacity)
            guard count > 0 else { return [main] }
            if count <= capacity { return Array(groups.prefix(Int(count))) }
            // NGROUPS_MAX of Linux.
            guard count <= 65536 else { return [main] }
            capacity = count
        }
    }

    /// Whether the process runs with just these already, but for other groups.
    var areInForce: Bool {
        geteuid() == user && getuid() == user && getegid() == group && getgid() == group
    }

    /// Refuses what no worker could take on.
    func check() throws(ClusterError) {
        guard !areInForce, cposix_may_change_user() == 0 else { return }
        throw .badCredentials(
            setting: "user",
            reason: "only root can run workers as user \(user), group \(group): start as root, or leave user and group off")
    }

    /// Runs in the worker. The way back is closed when it returns.
    func assume() throws(SystemError) {
        // Without the privilege there is nothing to give up either.
        if areInForce, cposix_may_change_user() == 0 { return }
        if let failed = unsafe cposix_become_user(user, group, groups, groups.count) {
            throw SystemError(errno: errno, operation: "run as user \(user), group \(group): \(unsafe String(cString: failed))")
        }
        // The kernel takes a change of user for a reason to hide the process from its own user (prctl(2), PR_SET_DUMPABLE): then
        // Swift's backtracer could not look at a crash, nor the process at parts of /proc/self. Nothing secret of the
        // master's is in its memory but what the program itself has read.
        _ = cposix_allow_inspection()
    }
}

extension ClusterOptions {
    /// Looks the workers' account up, so that a wrong one is refused before anything is changed.
    mutating func findCredentials() throws(ClusterError) {
        credentials = try Credentials.find(user: user, group: group)
        try credentials?.check()
    }
}
