import CPosix
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
        // Another cluster's listeners are open to sharing by SO_REUSEPORT, and must not be shared.
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
