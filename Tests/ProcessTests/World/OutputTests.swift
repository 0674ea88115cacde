// Readers of standard output and standard error that stop reading: lines are lost, and nothing waits.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ReadersThatDoNotRead {
        /// A full pipe, from the start on, as both.
        private func start(_ settings: String...) throws -> (program: Running, port: UInt16) {
            let listener = try Endpoint.ipv4(0).listening(reusesPort: false)
            let port = Endpoint.port(of: listener)
            close(listener)
            let program = try Running(
                "everycore-test-server", ["host=127.0.0.1", "port=\(port)", "admin=off", "workers=1"] + settings,
                errorIsStuck: true, outputIsStuck: true)
            #expect(program.becomesTrue(within: .seconds(5)) { (try? get(port, "/health")) == 200 })
            return (program, port)
        }

        private func get(_ port: UInt16, _ target: String) throws -> Int {
            let connection = try Connection(.ipv4(port))
            connection.request("GET", target, headers: "Connection: close\r\n")
            return try connection.reply().status
        }

        @Test func costTheHandlersThatPrintNothingButLines() throws {
            let (program, port) = try start()
            let began = ContinuousClock.now
            for _ in 0..<5 { #expect(try get(port, "/print?lines=2000") == 200) }
            #expect(ContinuousClock.now - began < .seconds(4))
            program.unstickError()
            program.unstickOutput()
            #expect(program.logs("lines of standard output were lost"))
            #expect(try get(port, "/print?lines=3") == 200)
            #expect(program.prints("line 2 of a handler\n"))
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }

        @Test func holdUpNoRespawnNoReloadNoUpgradeAndNoEnd() throws {
            let (program, port) = try start()
            let first = try #require(ProcessTable.children(of: program.pid).first)
            kill(first, SIGKILL)
            #expect(program.becomesTrue(within: .seconds(5)) { ProcessTable.children(of: program.pid).first.map { $0 != first } ?? false })
            #expect(try get(port, "/health") == 200)
            let second = try #require(ProcessTable.children(of: program.pid).first)
            program.signal(SIGHUP)
            #expect(program.becomesTrue(within: .seconds(5)) { !ProcessTable.isAlive(second) })
            #expect(try get(port, "/health") == 200)
            program.signal(SIGUSR2)
            #expect(program.wait(within: .seconds(10)) == 0, "the old master has gone")
            #expect(try get(port, "/health") == 200)
            kill(-program.pid, SIGTERM)
            #expect(program.becomesTrue(within: .seconds(5)) { program.members.isEmpty })
        }

        @Test func ofASocketCostLinesToo() throws {
            // As a service manager's journal: a stream socket whose other end reads nothing.
            let program = try Running(
                command: [
                    "python3", "-c",
                    """
                    import os, socket, sys
                    a, b = socket.socketpair()
                    a.setblocking(False)
                    try:
                        while True: a.send(b"x" * 4096)
                    except BlockingIOError: pass
                    a.setblocking(True)
                    b.set_inheritable(True)
                    os.dup2(a.fileno(), 1); os.dup2(a.fileno(), 2)
                    os.execv(sys.argv[1], sys.argv[1:])
                    """, BuiltPrograms.path(of: "everycore-test-server"), "port=0", "admin=/tmp/everycore-\(getpid())-journal.socket", "workers=1",
                ])
            defer { unsafe unlink("/tmp/everycore-\(getpid())-journal.socket") }
            let admin = Endpoint.unix("/tmp/everycore-\(getpid())-journal.socket")
            #expect(program.becomesTrue(within: .seconds(5)) { (try? Connection(admin)) != nil })
            #expect(program.becomesTrue(within: .seconds(5)) { ProcessTable.children(of: program.pid).count == 2 })
            program.signal(SIGUSR1)
            let worker = try #require(ProcessTable.children(of: program.pid).first)
            kill(worker, SIGKILL)
            #expect(
                program.becomesTrue(within: .seconds(5)) {
                    let children = ProcessTable.children(of: program.pid)
                    return children.count == 2 && !children.contains(worker)
                })
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }

        @Test func aFileThatWasCutIsWrittenFromItsEnd() throws {
            let path = "/tmp/everycore-\(getpid())-cut.log"
            defer { unsafe unlink(path) }
            let program = try Running(
                "everycore", ["--host", "127.0.0.1", "--port", "0", "--admin", "off", "--workers", "1", "--report-interval", "100ms"],
                wrapper: ["sh", "-c", "exec \"$@\" >\(path)", "sh"])
            func text() -> [UInt8] { FileManager.default.contents(atPath: path).map { Array($0) } ?? [] }
            #expect(program.becomesTrue(within: .seconds(5)) { text().count > 1000 })
            #expect(unsafe truncate(path, 0) == 0)
            #expect(program.becomesTrue(within: .seconds(5)) { text().count > 100 })
            #expect(!text().contains(0), "a hole where the text was")
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }
    }
}
