// What the kernel says of connections, real and imitated.

import CEverycorePosix
import Cluster
import EverycoreLoop
import Glibc
import TestSupport
import Testing

struct ControlPeerTests {
    private func accepted(at path: String) throws -> (connection: Int32, client: Int32) {
        var listeners = try Listeners(addresses: [], slots: 1, auxiliaries: [[.unix(path: path)]], backlog: 8)
        defer { listeners.close() }
        let client = try Endpoint.unix(path).connectingAndWaiting()
        let connection = cposix_accept(listeners.ofAuxiliaries[0][0].descriptor)
        try #require(connection >= 0)
        return (connection, client)
    }

    @Test func `of an accepted connection it tells process, user and address`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.path("control.sock")
        let (connection, client) = try accepted(at: path)
        defer { for descriptor in [connection, client] { close(descriptor) } }
        let peer = try ControlAccess.Peer(of: connection, at: .unix(path: path))
        #expect(peer == .init(user: getuid(), pid: getpid()))
        #expect(try ControlAccess.Peer(of: connection, at: .unix(path: path + "2")).isAtControlAddress == false)
        #expect(try ControlAccess.Peer(of: client, at: .unix(path: path)).isAtControlAddress == false, "the client's own end")
    }

    @Test func `imitations are told from it`() throws {
        let address = ListenAddress.unix(path: "/tmp/none.sock")
        var pair: [Int32] = [0, 0]
        try #require(unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { for descriptor in pair { close(descriptor) } }
        #expect(try ControlAccess.Peer(of: pair[0], at: address).isAtControlAddress == false)
        let file = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
        let unconnected = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { for descriptor in [file, unconnected] { close(descriptor) } }
        for descriptor in [file, unconnected, -1] {
            #expect(throws: SystemError.self) { try ControlAccess.Peer(of: descriptor, at: address) }
        }
        let listener = try Endpoint.ipv4(0).listening(reusesPort: false)
        let client = try Endpoint.ipv4(Endpoint.port(of: listener)).connectingAndWaiting()
        let connection = cposix_accept(listener)
        defer { for descriptor in [listener, client, connection] { close(descriptor) } }
        let peer = try ControlAccess.Peer(of: connection, at: address)
        #expect(!peer.isUnixStream && !peer.isAtControlAddress)
    }
}
