// Who may give orders, by what the kernel says of a connection.

import Cluster
import Testing

struct ControlAccessTests {
    private let asRoot = ControlAccess(user: 0, workersUsers: [33])
    private let asUser = ControlAccess(user: 1000, workersUsers: [])

    private func refusal(_ access: ControlAccess, user: UInt32, pid: Int32 = 500, own: Set<Int32> = [42, 43]) -> ControlAccess.Refusal? {
        access.refusal(of: .init(user: user, pid: pid)) { own.contains($0) }
    }

    @Test func `root and the user who started the service may`() {
        #expect(refusal(asRoot, user: 0) == nil)
        #expect(refusal(asUser, user: 1000) == nil)
        #expect(refusal(asUser, user: 0) == nil)
        #expect(refusal(asUser, user: 0, pid: 0) == nil, "in another namespace")
    }

    @Test func `others may not`() {
        #expect(refusal(asUser, user: 1001) == .otherUser(1001))
        #expect(refusal(asRoot, user: 1000) == .otherUser(1000))
        #expect(refusal(asUser, user: .max, pid: 0) == .otherUser(.max), "what the kernel says of a socket without credentials")
    }

    @Test func `a process of the service's own may not, whoever it runs as`() {
        #expect(refusal(asUser, user: 1000, pid: 42) == .ownProcess(42))
        #expect(refusal(asRoot, user: 0, pid: 43) == .ownProcess(43))
    }

    @Test func `the workers' user may not after a change of user`() {
        #expect(refusal(asRoot, user: 33) == .workersUser(33))
        let same = ControlAccess(user: 1000, workersUsers: [1000])
        #expect(refusal(same, user: 1000) == nil, "without a change the operator is that user too")
        let changed = ControlAccess(user: 0, workersUsers: [33, 34])
        #expect(refusal(changed, user: 34) == .workersUser(34))
    }

    @Test func `another socket than the control socket proves nothing`() {
        for peer in [
            ControlAccess.Peer(user: 0, pid: 7, isUnixStream: false), .init(user: 0, pid: 7, isAtControlAddress: false),
        ] {
            #expect(asRoot.refusal(of: peer) { _ in false } == .notAtControlSocket)
        }
    }
}
