// System calls that an old kernel, a sandbox or a file system refuses: each has something in its place. It costs speed, never an answer.

import Foundation
import Glibc
import TestSupport
import Testing

private enum Tracing {
    static let isPossible: Bool = {
        guard let probe = try? Running(command: ["strace", "-qq", "-e", "trace=none", "true"]) else { return false }
        return probe.wait(within: .seconds(5)) == 0
    }()
}

extension ProcessTests {
    @Suite(.enabled(if: Tracing.isPossible, "needs strace, and the right to trace")) struct RefusedCalls {
        private static func refusing(_ call: String, _ error: String) -> [String] {
            ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e", "inject=\(call):error=\(error)"]
        }

        /// A folder with a small file, a large one, a page and a link.
        private static func makeRoot() throws -> String {
            let root = "/tmp/everycore-refused-\(getpid())-\(UInt32.random(in: 0 ... .max))"
            try FileManager.default.createDirectory(atPath: root + "/sub", withIntermediateDirectories: true)
            try Data("small\n".utf8).write(to: URL(fileURLWithPath: root + "/small.txt"))
            try Data(repeating: 0x78, count: 300_000).write(to: URL(fileURLWithPath: root + "/large.txt"))
            try Data("<p>page\n".utf8).write(to: URL(fileURLWithPath: root + "/sub/index.html"))
            try FileManager.default.createSymbolicLink(atPath: root + "/link.txt", withDestinationPath: "small.txt")
            return root
        }

        @Test(arguments: [
            ("sendfile", "EINVAL"), ("sendfile", "ENOSYS"), ("sendfile", "EOPNOTSUPP"), ("sendfile", "EPERM"), ("sendfile", "EINVAL:when=2+"),
            ("openat2", "ENOSYS"), ("openat2", "EPERM"), ("accept4", "ENOSYS"), ("accept4", "EPERM"), ("eventfd2", "ENOSYS"), ("eventfd2", "EPERM"),
            ("timerfd_create", "ENOSYS"), ("timerfd_settime", "EPERM"), ("getrandom", "ENOSYS"),
            ("sched_getaffinity", "EPERM"), ("sched_setaffinity", "EPERM"), ("setsockopt", "ENOPROTOOPT"), ("getsockopt", "ENOPROTOOPT"),
            ("ioctl", "ENOTTY"), ("prlimit64", "EPERM"), ("close_range", "ENOSYS"), ("capget", "EPERM"), ("epoll_create1", "ENOSYS"),
        ])
        func costNoAnswer(call: String, error: String) throws {
            let root = try Self.makeRoot()
            defer { try? FileManager.default.removeItem(atPath: root) }
            let server = try TestedServer.everycore(
                "--root", root, environment: ["EVERYCORE_PINNING": "cores"], wrapper: Self.refusing(call, error), isInside: true)
            for round in 1...2 {
                #expect(try server.get("/plaintext").body == "Hello, World!")
                #expect(try server.get("/small.txt").body == "small\n")
                #expect(try server.get("/large.txt").body.utf8.count == 300_000)
                #expect(try server.get("/sub/").body == "<p>page\n")
                #expect(try server.get("/sleep?ms=5").body == "slept 5 ms\n")
                let link = try server.get("/link.txt")
                if call == "openat2" {
                    #expect(link.status == 404)
                    #expect(server.program.error.contains("openat2 is refused"))
                } else {
                    #expect(link.body == "small\n")
                }
                guard round == 1 else { break }
                kill(server.master, SIGHUP)
                #expect(server.program.logs("reloaded", within: .seconds(8)))
            }
            kill(server.master, SIGTERM)
            #expect(server.program.wait(within: .seconds(8)) == 0)
        }

        /// Processes can't be told apart by their names then.
        @Test(arguments: ["EPERM", "ENOSYS"]) func costNoWorker(error: String) throws {
            let path = "/tmp/everycore-refused-\(getpid())-\(UInt32.random(in: 0 ... .max)).sock"
            let program = try Running(
                "everycore", ["--listen", path, "--admin", "off", "--workers", "2"], wrapper: Self.refusing("prctl", error))
            #expect(program.becomesTrue(within: .seconds(10)) { program.output.contains("listening") })
            for _ in 0..<8 {
                let connection = try Connection(.unix(path))
                connection.request("GET", "/plaintext", headers: "Connection: close\r\n")
                #expect(try connection.reply().body == "Hello, World!")
            }
            #expect(program.logs("no_new_privs is not set"))
            kill(ProcessTable.children(of: program.pid).first ?? -1, SIGTERM)
            #expect(program.wait(within: .seconds(8)) == 0)
        }

        @Test(arguments: [("memfd_create", "ENOSYS"), ("memfd_create", "EPERM")])
        func costNoLargeMessage(call: String, error: String) throws {
            let probe = try Running("everycore-message-probe", ["workers"], wrapper: Self.refusing(call, error))
            #expect(probe.wait(within: .seconds(20)) == 0)
            #expect(probe.output.contains("line=2 got 1048576 bytes from worker 0 gen=1"), "\(probe.output)\(probe.error)")
        }
    }
}
