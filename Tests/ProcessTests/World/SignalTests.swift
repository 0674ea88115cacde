// Signals and terminals: what comes early, what the kernel sends, and what programs inherit that handlers start.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ASignal {
        @Test(arguments: [SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU])
        func thatComesBeforeTheServerIsThereDoesNotEndOrStopIt(_ signal: Int32) throws {
            // The interpreter has the signals blocked until the program's own handlers are there.
            let listener = try Endpoint.ipv4(0).listening(reusesPort: false)
            let port = Endpoint.port(of: listener)
            close(listener)
            let program = try Running(
                "everycore", ["--host", "127.0.0.1", "--port", "\(port)", "--admin", "off", "--workers", "1"],
                wrapper: [
                    "python3", "-c",
                    """
                    import os, signal, sys
                    signal.pthread_sigmask(signal.SIG_BLOCK, [int(sys.argv[1])])
                    os.kill(os.getpid(), int(sys.argv[1]))
                    os.execv(sys.argv[2], sys.argv[2:])
                    """, "\(signal)",
                ])
            #expect(program.prints("listening"))
            #expect(program.becomesTrue(within: .seconds(5)) { (try? Connection(.ipv4(port)).whoami()) != nil })
            kill(-program.pid, SIGTERM)
            #expect(program.becomesTrue(within: .seconds(8)) { program.members.isEmpty })
        }

        @Test func ofAWorkersIsIgnoredWithoutBeingIgnoredByWhatItStarts() throws {
            let limit = ["sh", "-c", "ulimit -Sn 1000; exec 7</dev/null; exec \"$@\"", "sh"]
            let server = try TestedServer(
                Running("everycore-test-server", ["port=0", "admin=127.0.0.1:0", "workers=1"], wrapper: limit))
            let lines = try server.get("/popen").body.split(separator: "\n").map(String.init)
            for mask in lines where mask.hasPrefix("Sig") {
                // Two beyond the first 31 belong to the C library.
                let bits = try #require(mask.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) })
                #expect(bits & 0x7FFF_FFFF == 0, "\(mask)")
            }
            #expect(lines.contains("1000"), "\(lines)")
            let descriptors = lines.compactMap { $0.firstMatch(of: /(\d+) ->/).flatMap { Int($0.1) } }
            // 3 is the directory that ls reads.
            #expect(Set(descriptors).isSubset(of: [0, 1, 2, 3]), "\(lines)")
            #expect(server.stop() == 0)
        }

        @Test func raisesTheLimitOfOpenFilesWhenConnectionsNeedIt() throws {
            let limit = ["sh", "-c", "ulimit -Sn 256; exec \"$@\"", "sh"]
            let server = try TestedServer(Running("everycore", ["serve", "--port", "0", "--admin", "127.0.0.1:0", "--workers", "1"], wrapper: limit))
            var clients: [Connection] = []
            for _ in 0..<400 { clients.append(try server.connect()) }
            for client in clients { #expect(try client.whoami().worker == 0) }
            for client in clients { client.leave() }
            #expect(server.stop() == 0)
        }

        @Test func ofATerminalThatIsClosedStops() throws {
            let script = """
                import os, pty, sys, time, signal
                pid, fd = pty.fork()
                if pid == 0:
                    os.execv(sys.argv[2], sys.argv[2:])
                end = time.time() + 5
                text = b""
                while b"listening" not in text and time.time() < end:
                    text += os.read(fd, 4096)
                time.sleep(.3)
                if sys.argv[1] == "reload":
                    os.kill(pid, signal.SIGHUP)
                    time.sleep(2.5)
                    print("alive" if os.waitpid(pid, os.WNOHANG)[0] == 0 else "gone", flush=True)
                os.close(fd)
                end = time.time() + 6
                while time.time() < end:
                    done, status = os.waitpid(pid, os.WNOHANG)
                    if done:
                        print("ended", status, flush=True)
                        sys.exit(0)
                    time.sleep(.05)
                os.kill(pid, signal.SIGKILL)
                print("stayed", flush=True)
                """
            for how in ["close", "reload"] {
                let options = [how, BuiltPrograms.path(of: "everycore"), "--host", "127.0.0.1", "--port", "0", "--admin", "off", "--workers", "1"]
                let program = try Running(command: ["python3", "-c", script] + options)
                #expect(program.prints("ended 0", within: .seconds(15)), "\(program.output)\(program.error)")
                #expect(program.output.contains("alive") == (how == "reload"))
                #expect(program.wait(within: .seconds(5)) == 0)
            }
        }
    }

    @Suite struct AProgramThatIsReplaced {
        @Test func isWhatItsPathLeadsToThen() throws {
            let folder = "/tmp/everycore-\(getpid())-releases"
            let files = FileManager.default
            try? files.removeItem(atPath: folder)
            defer { try? files.removeItem(atPath: folder) }
            for release in 1...2 {
                try files.createDirectory(atPath: "\(folder)/\(release)", withIntermediateDirectories: true)
                try files.copyItem(atPath: BuiltPrograms.path(of: "everycore"), toPath: "\(folder)/\(release)/server")
            }
            try files.createSymbolicLink(atPath: "\(folder)/current", withDestinationPath: "1")
            let program = try Running(
                command: ["\(folder)/current/server", "--host", "127.0.0.1", "--port", "0", "--admin", "off", "--workers", "1"])
            #expect(program.prints("listening"))
            #expect(program.becomesTrue(within: .seconds(5)) { ProcessTable.children(of: program.pid).count == 1 })
            try files.removeItem(atPath: "\(folder)/current")
            try files.createSymbolicLink(atPath: "\(folder)/current", withDestinationPath: "2")
            program.signal(SIGUSR2)
            #expect(program.wait(within: .seconds(10)) == 0)
            let second = try #require(program.successors.last)
            #expect(executable(second) == "\(folder)/2/server")
            // Nowhere: the running file again, though it has no name any more.
            try files.removeItem(atPath: folder)
            kill(second, SIGUSR2)
            #expect(program.becomesTrue(within: .seconds(10)) { ProcessTable.state(of: second) == nil })
            #expect(program.logs("the program's path leads nowhere: starting the running file"))
            let third = try #require(program.successors.last)
            #expect(third != second)
            kill(third, SIGTERM)
            #expect(program.becomesTrue(within: .seconds(8)) { program.members.isEmpty })
        }

        private func executable(_ pid: pid_t) -> String? {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/exe")
        }

        @Test func isReplacedWhenSomethingHasStartedAThreadAndKeepsItsState() throws {
            let program = try Running("everycore-lifecycle-probe", ["thread"])
            #expect(program.logs("the master has a second thread", within: .seconds(8)))
            #expect(program.prints("took masters=1 texts=2 handovers=200000", within: .seconds(15)), "\(program.output)\(program.error)")
            #expect(program.wait(within: .seconds(8)) == 0)
            let masters = program.output.matches(of: /master pid=(\d+)/).compactMap { pid_t($0.1) }
            try #require(masters.count == 2)
            #expect(ProcessTable.threadCount(of: masters[1]) == 1)
            kill(masters[1], SIGTERM)
            #expect(program.becomesTrue(within: .seconds(8)) { program.members.isEmpty })
        }
    }
}
