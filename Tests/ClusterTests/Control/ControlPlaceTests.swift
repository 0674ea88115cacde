// Where control sockets are looked for and made, and what they are called.

import Cluster
import EverycoreLoop
import Glibc
import TestSupport
import Testing

struct ControlPlaceTests {
    private func paths(of user: UInt32, _ variables: [String: String] = [:]) -> [String] {
        ControlDirectory.all(of: user) { variables[$0] }.map(\.path)
    }

    @Test func `root's are in run, others' are in their own directories`() {
        #expect(paths(of: 0) == ["/run/everycore", "/tmp/everycore-0"])
        #expect(paths(of: 1000) == ["/tmp/everycore-1000"])
        #expect(paths(of: 1000, ["XDG_RUNTIME_DIR": "/run/user/1000"]) == ["/run/user/1000/everycore", "/tmp/everycore-1000"])
        #expect(
            paths(of: 900, ["RUNTIME_DIRECTORY": "/run/everycore:/run/b", "XDG_RUNTIME_DIR": "relative"]) == ["/run/everycore", "/tmp/everycore-900"])
        #expect(paths(of: 0, ["RUNTIME_DIRECTORY": "/run/everycore"]) == ["/run/everycore", "/tmp/everycore-0"])
    }

    @Test func `a name says what the service listens on`() {
        #expect(ControlName(of: [.tcp(host: "::", port: 8080), .unix(path: "/a")], pid: 7).text == "8080")
        #expect(ControlName(of: [.unix(path: "/run/shop.sock")], pid: 7).text == "shop")
        #expect(ControlName(of: [.unix(path: "/run/a b")], pid: 7).text == "7")
        #expect(ControlName(of: [.unix(path: "/run/..sock")], pid: 7).text == "7")
        #expect(ControlName(of: [], pid: 7).text == "7")
        #expect(ControlName(of: [.tcp(host: "::", port: 80)], pid: 7).choices == ["80"] + (2...9).map { "80-\($0)" } + ["80-7"])
    }

    @Test func `a directory that others can change is not used`() {
        let temporary = ControlDirectory.temporary(of: 5)
        #expect(temporary.accepts(owner: 5, mode: 0o700, for: 5))
        for (owner, mode) in [(0, 0o700), (5, 0o750), (5, 0o701), (6, 0o700)] as [(UInt32, UInt32)] {
            #expect(!temporary.accepts(owner: owner, mode: mode, for: 5))
        }
        #expect(ControlDirectory.system.accepts(owner: 0, mode: 0o755, for: 0))
        #expect(!ControlDirectory.system.accepts(owner: 0, mode: 0o775, for: 0))
        #expect(!ControlDirectory.system.accepts(owner: 5, mode: 0o755, for: 0))
    }

    @Test func `a directory is made for its user alone, and no link is followed`() throws {
        let scratch = ScratchDirectory()
        let made = scratch.path("everycore")
        let user = geteuid()
        try ControlDirectory(path: made, kind: .temporary).prepare(for: user)
        var status = stat()
        #expect(unsafe stat(made, &status) == 0 && status.st_mode & 0o777 == 0o700)
        try ControlDirectory(path: made, kind: .temporary).prepare(for: user)
        _ = unsafe chmod(made, 0o777)
        #expect(throws: SystemError.self) { try ControlDirectory(path: made, kind: .temporary).prepare(for: user) }
        _ = unsafe chmod(made, 0o700)
        let link = scratch.path("link")
        #expect(unsafe symlink(made, link) == 0)
        #expect(throws: SystemError.self) { try ControlDirectory(path: link, kind: .runtime).prepare(for: user) }
        #expect(throws: SystemError.self) { try ControlDirectory(path: scratch.write("", to: "file"), kind: .runtime).prepare(for: user) }
        #expect(throws: SystemError.self) { try ControlDirectory(path: scratch.path("none"), kind: .given).prepare(for: user) }
    }

    @Test func `an explicit place is that or nothing, a dead one's file is replaced, and a living one's is left alone`() throws {
        let scratch = ScratchDirectory()
        let path = scratch.path("control.sock")
        func open() throws -> Listeners {
            var listeners = try Listeners(addresses: [], slots: 1, auxiliaries: [[]], backlog: 8)
            do { try listeners.openControl(.path(path), of: 0) } catch {
                listeners.close()
                throw error
            }
            return listeners
        }
        var first = try open()
        #expect(first.ofAuxiliaries[0].map(\.address) == [.unix(path: path)])
        var status = stat()
        #expect(unsafe stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        #expect(throws: ClusterError.self) { try open() }
        close(first.ofAuxiliaries[0][0].descriptor)
        var second = try open()
        #expect(second.ofAuxiliaries[0].count == 1, "the file that the first one left behind is replaced")
        second.close()
        #expect(unsafe access(path, F_OK) != 0)
        first.close()
    }

    @Test func `a name without a file is told apart and written with an at sign`() throws {
        let name = "\0everycore/test/\(getpid())"
        let address = ListenAddress.unix(path: name)
        #expect(address.description == "@everycore/test/\(getpid())")
    }
}
