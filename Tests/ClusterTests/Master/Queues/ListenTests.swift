// Addresses, the sockets that listen on them, those that a service manager hands over, and who workers run as.

import CEverycorePosix
import Cluster
import Glibc
import Testing

@Suite struct ListenAddressTests {
    @Test func addressesReadAsTheyAreWritten() {
        for text in ["127.0.0.1:8080", "[::1]:0", "localhost:65535", "/run/e.sock", "./e.sock"] {
            #expect(ListenAddress(text)?.description == text)
        }
        #expect(ListenAddress(":80") == .tcp(host: "0.0.0.0", port: 80))
        #expect(ListenAddress("[::]:443")?.port == 443)
    }

    @Test(arguments: ["", "8080", "host", "host:", "host:65536", "host:-1", "host:+1", "::1:80", "[::1]", "[:80", "a]:1", "[]:1"])
    func whatIsNoAddressIsRefused(text: String) { #expect(ListenAddress(text) == nil) }
}

@Suite struct ListenersTests {
    private let anyPort = ListenAddress.tcp(host: "127.0.0.1", port: 0)

    private func open(_ addresses: [ListenAddress], slots: Int = 3) throws(ClusterError) -> Listeners {
        try Listeners(addresses: addresses, slots: slots, auxiliaries: [], backlog: 16)
    }

    private func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    @Test func everySlotGetsAListenerOnTheSamePort() throws {
        var listeners = try open([anyPort, .tcp(host: "::1", port: 0)])
        defer { listeners.close() }
        #expect(listeners.ofSlots.count == 3)
        #expect(Set(listeners.ofSlots.flatMap { $0.map(\.descriptor) }).count == 6)
        for slot in listeners.ofSlots { #expect(slot.map(\.address) == listeners.addresses) }
        #expect(listeners.addresses.allSatisfy { $0.port != 0 })
    }

    @Test func aTakenPortIsNamedAlsoWhenItsOwnerSharesIt() throws {
        // Another cluster's listeners are open to balancing by SO_REUSEPORT, and must not be shared.
        var other = try open([anyPort])
        defer { other.close() }
        let address = try #require(other.addresses.first)
        do throws(ClusterError) {
            _ = try open([address])
            Issue.record("shared a port")
        } catch {
            guard case .portTaken(address) = error else { throw error }
            #expect(error.exitStatus == 69)
        }
    }

    @Test func anAddressThatIsNotHereIsNotATakenPort() throws {
        do throws(ClusterError) {
            _ = try open([.tcp(host: "192.0.2.1", port: 0)])
            Issue.record("bound a foreign address")
        } catch {
            guard case .cannotListen = error else { throw error }
        }
    }

    @Test func unixSocketsAreSharedByAllSlotsReplacedWhenStaleAndRemovedAtTheEnd() throws {
        let path = "/tmp/everycore-test-\(getpid()).sock"
        let address = ListenAddress.unix(path: path)
        let first = try open([address])
        #expect(Set(first.ofSlots.flatMap { $0.map(\.descriptor) }).count == 1)
        do throws(ClusterError) {
            _ = try open([address])
            Issue.record("took a socket in use")
        } catch {
            guard case .portTaken = error else { throw error }
        }
        // A program that was killed leaves the file behind.
        for descriptor in Set(first.ofSlots.flatMap { $0.map(\.descriptor) }) { close(descriptor) }
        var second = try open([address])
        second.close()
        #expect(!exists(path))
    }

    @Test func aFileIsNotOverwrittenAndALongPathIsRefused() throws {
        for path in ["/etc/passwd", "/tmp/" + String(repeating: "x", count: 200)] {
            do throws(ClusterError) {
                _ = try open([.unix(path: path)])
                Issue.record("listens on \(path)")
            } catch {
                guard case .cannotListen = error else { throw error }
            }
        }
        #expect(exists("/etc/passwd"))
    }
}

@Suite struct InheritedListenersTests {
    private func listener(_ address: ListenAddress) throws -> (descriptor: Int32, address: ListenAddress) {
        let listeners = try Listeners(addresses: [address], slots: 1, auxiliaries: [], backlog: 16)
        let only = try #require(listeners.ofSlots.first?.first)
        return (only.descriptor, only.address)
    }

    private func take(_ first: Int32, _ name: String, auxiliaries: [(name: String, addresses: [ListenAddress])] = []) throws -> InheritedListeners {
        try InheritedListeners(names: [name], from: first, auxiliaries: auxiliaries, backlog: 16)
    }

    @Test(arguments: [ListenAddress.tcp(host: "127.0.0.1", port: 0), .tcp(host: "::1", port: 0), .unix(path: "/tmp/everycore-inherited-\(getpid()).sock")])
    func aSocketKeepsItsAddress(_ address: ListenAddress) throws {
        let (descriptor, bound) = try listener(address)
        defer {
            close(descriptor)
            if case .unix(let path) = address { unsafe unlink(path) }
        }
        let inherited = try take(descriptor, "everycore.socket")
        #expect(inherited.service.map(\.address) == [bound])
        #expect(inherited.service.map(\.descriptor) == [descriptor])
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func anAuxiliaryGetsWhatHasItsNameOrItsAddress() throws {
        let (descriptor, bound) = try listener(.tcp(host: "127.0.0.1", port: 0))
        defer { close(descriptor) }
        let byName = try take(descriptor, "admin", auxiliaries: [("other", []), ("admin", [])])
        #expect(byName.service.isEmpty)
        #expect(byName.auxiliaries[1]?.count == 1)
        let port = try #require(bound.port)
        let byAddress = try take(descriptor, "", auxiliaries: [("admin", [.tcp(host: "localhost", port: port)])])
        #expect(byAddress.auxiliaries[0]?.count == 1)
        #expect(try take(descriptor, "", auxiliaries: [("admin", [.tcp(host: "127.0.0.1", port: 0)])]).service.count == 1)
    }
}

@Suite struct CredentialsTests {
    @Test func namesAndNumbersStandForTheSame() throws {
        let root = try #require(try Credentials.find(user: "root", group: nil))
        #expect(root.user == 0 && root.group == 0 && root.groups.contains(0))
        #expect(try Credentials.find(user: "0", group: nil) == root)
        #expect(try Credentials.find(user: "nobody", group: "0")?.groups == [0])
        #expect(try Credentials.find(user: nil, group: nil) == nil)
    }

    @Test func aNumberWithoutAnEntryNeedsAGroup() throws {
        #expect(try Credentials.find(user: "3999999999", group: "7")?.group == 7)
        #expect(throws: ClusterError.self) { try Credentials.find(user: "3999999999", group: nil) }
    }

    @Test(arguments: ["", "no-such-account", "-1", "4294967295", "4294967296", "99999999999", "0x0", " 0", "1 "])
    func whatIsNoAccountIsRefusedByItsSetting(_ name: String) {
        for (user, group) in [(name, nil), ("root", name)] as [(String, String?)] {
            do throws(ClusterError) {
                _ = try Credentials.find(user: user, group: group)
                Issue.record("took \(name)")
            } catch {
                #expect(error.exitStatus == 78)
                #expect(error.description.hasPrefix(group == nil ? "user: " : "group: "))
            }
        }
    }
}
