// Who the workers are, on which core, and how the master does as process 1.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    /// The tests change users and namespaces, so they need root.
    @Suite(.enabled(if: geteuid() == 0, "needs root")) struct Confinement {
        private func status(_ pid: pid_t) -> [String: [Substring]] {
            let text = (try? String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)) ?? ""
            let pairs = text.split(separator: "\n").map { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                return (String(parts[0]), parts.count < 2 ? [] : parts[1].split { $0 == "\t" || $0 == " " })
            }
            return Dictionary(pairs) { first, _ in first }
        }

        private var nobody: (user: String, group: String) { ("65534", "65534") }

        @Test func givesEveryWorkerTheUserForGood() throws {
            let server = try TestedServer.everycore(environment: ["EVERYCORE_USER": "nobody"])
            try server.awaitReady(2)
            kill(try #require(server.workers.first), SIGKILL)
            #expect(server.program.logs("] worker died\n"))
            try server.awaitReady(2)
            let children = ProcessTable.children(of: server.program.pid)
            #expect(children.count == 3)
            for child in children {
                let status = status(child)
                #expect(status["Uid"] == Array(repeating: Substring(nobody.user), count: 4))
                #expect(status["Gid"] == Array(repeating: Substring(nobody.group), count: 4))
                #expect(status["Groups"] == [Substring(nobody.group)])
                for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] { #expect(status[set] == ["0000000000000000"]) }
                #expect(status["NoNewPrivs"] == ["1"])
            }
            #expect(status(server.program.pid)["Uid"] == ["0", "0", "0", "0"])
            #expect(status(server.program.pid)["NoNewPrivs"] == ["0"])
            #expect(server.stop() == 0)
        }

        @Test func givesTheUserToTheWorkersOfAReloadToo() throws {
            let server = try TestedServer.everycore(environment: ["EVERYCORE_USER": "nobody"])
            try server.awaitReady(2)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("reloaded", within: .seconds(8)))
            // An old worker may end while it is looked at.
            let users = server.workers.compactMap { status($0)["Uid"]?.first }
            #expect(users.count >= 2 && users.allSatisfy { $0 == nobody.user }, "\(users)")
            #expect(try server.get("/whoami").identity().generation == 2)
            #expect(server.stop() == 0)
        }

        @Test func takesNumbersWithoutAnEntryAndAGroupInThePlaceOfTheUsersOwn() throws {
            let server = try TestedServer.everycore(environment: [
                "EVERYCORE_USER": "4242", "EVERYCORE_GROUP": "daemon", "EVERYCORE_NO_NEW_PRIVS": "false",
            ])
            let status = status(try #require(server.workers.first))
            #expect(status["Uid"]?.first == "4242")
            #expect(status["Gid"]?.first == "1")
            #expect(status["Groups"] == ["1"])
            #expect(status["NoNewPrivs"] == ["0"])
            #expect(server.stop() == 0)
        }

        @Test func letsNoWorkerOutliveItsMasterAfterTheChangeOfUser() throws {
            let server = try TestedServer.harmful("user=nobody", workers: 1)
            // A worker that never comes back to its loop doesn't notice the end of its channel: only the kernel can end it.
            let spinning = try server.connect()
            spinning.request("GET", "/spin")
            #expect(throws: NoReply.self) { try server.get("/health", within: .milliseconds(300)) }
            server.program.signal(SIGKILL)
            _ = server.program.wait(within: .seconds(2))
            #expect(server.program.becomesTrue(within: .seconds(2)) { server.program.members.isEmpty })
        }

        @Test func servesOnlyFilesThatTheUserMayRead() throws {
            let directory = "/tmp/everycore-files-\(getpid())"
            try #require(unsafe mkdir(directory, 0o755) == 0)
            defer { try? FileManager.default.removeItem(atPath: directory) }
            for (name, mode) in [("open.txt", mode_t(0o644)), ("secret.txt", 0o600)] {
                try "content".write(toFile: "\(directory)/\(name)", atomically: false, encoding: .utf8)
                unsafe chmod("\(directory)/\(name)", mode)
            }
            let server = try TestedServer.everycore("--root", directory, environment: ["EVERYCORE_USER": "nobody"])
            #expect(try server.get("/open.txt").body == "content")
            #expect([403, 404].contains(try server.get("/secret.txt").status))
            #expect(server.stop() == 0)
        }

        @Test func givesTheUserItsUnixSockets() throws {
            let path = "/tmp/everycore-owned-\(getpid()).socket"
            let program = try Running(
                "everycore", ["--listen", path, "--admin", "off", "--workers", "1"], environment: ["EVERYCORE_USER": "nobody"])
            try #require(program.prints("unix:\(path)"))
            var status = stat()
            try #require(unsafe stat(path, &status) == 0)
            #expect(status.st_uid == 65534)
            #expect(status.st_gid == 65534)
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
            #expect(unsafe access(path, F_OK) != 0)
        }

        @Test(arguments: [
            (["EVERYCORE_USER": "no-such-user"], "EVERYCORE_USER: there is no user no-such-user on this machine"),
            (["EVERYCORE_GROUP": "no-such-group"], "EVERYCORE_GROUP: there is no group no-such-group on this machine"),
            (["EVERYCORE_USER": "4242"], "give the group too"),
        ])
        func refusesAccountsThatAreNotThere(_ environment: [String: String], _ message: String) throws {
            let program = try Running("everycore", ["--port", "0", "--admin", "off"], environment: environment)
            #expect(program.wait(within: .seconds(5)) == 78)
            #expect(program.error.contains(message), "\(program.error)")
        }

        @Test func refusesAnotherUserWithoutThePrivilegeAndAcceptsItsOwn() throws {
            let wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
            let options = ["--port", "0", "--admin", "off", "--workers", "1"]
            let program = try Running("everycore", options, environment: ["EVERYCORE_USER": "daemon"], wrapper: wrapper)
            #expect(program.wait(within: .seconds(5)) == 78)
            #expect(program.error.contains("user: only root can run workers as user 1, group 1"), "\(program.error)")
            let own = try TestedServer(
                Running("everycore", options, environment: ["EVERYCORE_USER": "nobody"], wrapper: wrapper))
            #expect(own.stop() == 0)
        }

        @Test func bindsEachWorkerToACoreWhenAsked() throws {
            let server = try TestedServer.everycore(workers: 4, environment: ["EVERYCORE_PINNING": "cores"])
            try server.awaitReady(4)
            let allowed = try #require(status(getpid())["Cpus_allowed_list"]?.first.map(String.init)?.numbers)
            for (slot, worker) in server.workers.enumerated() {
                #expect(status(worker)["Cpus_allowed_list"]?.first.map(String.init)?.numbers == [allowed[slot % allowed.count]])
            }
            #expect(status(server.program.pid)["Cpus_allowed_list"]?.first.map(String.init)?.numbers == allowed)
            #expect(server.stop() == 0)
        }

        @Test func reapsStrangersAndTakesSignalsAsProcess1() throws {
            // The grandchild is an orphan when the shell in parentheses has ended; it becomes a child of process 1.
            let program = try Running(
                "everycore", ["--port", "0", "--admin", "off", "--workers", "2"],
                wrapper: ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c", "(sleep 60 &); exec \"$@\"", "sh"])
            try #require(program.prints("  admin  "))
            let master = try #require(ProcessTable.children(of: program.pid).first)
            var orphan: pid_t?
            #expect(
                program.becomesTrue(within: .seconds(5)) {
                    orphan = ProcessTable.children(of: master).first { ProcessTable.name(of: $0) == "sleep" }
                    return orphan != nil && ProcessTable.children(of: master).count == 3
                })
            let stranger = try #require(orphan)
            kill(stranger, SIGKILL)
            #expect(program.becomesTrue(within: .seconds(3)) { ProcessTable.state(of: stranger) == nil })
            #expect(ProcessTable.children(of: master).count == 2)
            kill(master, SIGUSR1)
            #expect(program.prints("restarts    0"))
            kill(master, SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
            #expect(program.logs("worker exited"))
        }
    }
}

extension String {
    /// `0-2,5` as 0, 1, 2, 5.
    fileprivate var numbers: [Int] {
        split(separator: ",").flatMap { part in
            let ends = part.split(separator: "-").compactMap { Int($0) }
            return ends.isEmpty ? [] : Array(ends[0]...ends[ends.count - 1])
        }
    }
}
