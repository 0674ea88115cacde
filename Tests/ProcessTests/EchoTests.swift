// The cluster under a service that is no HTTP server: the example tcp-echo.

import Cluster
import Glibc
import TestSupport
import Testing

/// The examples are a package of their own.
private let echoProgram = Project.root + "/.build-examples/debug/tcp-echo"

extension ProcessTests {
    @Suite(.enabled(if: unsafe access(echoProgram, X_OK) == 0, "needs .build-examples, which scripts/test makes"))
    struct AnEchoService {
        /// The example on a port of the kernel's choice.
        private func start() throws -> (program: Running, endpoint: Endpoint) {
            let program = try Running(command: [echoProgram, "127.0.0.1:0"])
            try #require(program.prints("workers\n"), "\(program.output)\(program.error)")
            let port = try #require(program.output.firstMatch(of: /echo on 127\.0\.0\.1:(\d+),/).flatMap { UInt16($0.1) })
            return (program, .ipv4(port))
        }

        private func echoes(_ connection: Connection, _ text: String) -> Bool {
            connection.send(text)
            return connection.awaitBytes(text.utf8.count) == Array(text.utf8)
        }

        @Test func sendsBackWhatComesAlsoMoreThanSocketsHold() throws {
            let (program, endpoint) = try start()
            let connection = try Connection(endpoint)
            #expect(echoes(connection, "hello\n"))
            // Sent before anything is read back: the service stops reading in between.
            let text = String(repeating: "0123456789abcdef", count: 6_250)
            for _ in 0..<10 { connection.send(text) }
            #expect(connection.awaitBytes(10 * 100_000).count == 10 * 100_000)
            connection.leave()
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }

        @Test func survivesTheDeathOfAWorker() throws {
            let (program, endpoint) = try start()
            let workers = { ProcessTable.children(of: program.pid).filter { ProcessTable.name(of: $0).contains("-w") } }
            let count = UsableCores.current().count
            // The first worker accepts for those that aren't ready yet.
            for slot in 0..<count { #expect(program.prints("worker \(slot) accepts, generation 1\n")) }
            let connections = try (0..<16).map { _ in try Connection(endpoint) }
            for connection in connections { #expect(echoes(connection, "before\n")) }
            let victim = try #require(workers().first)
            kill(victim, SIGKILL)
            #expect(program.becomesTrue(within: .seconds(5)) { !workers().contains(victim) && workers().count == count })
            for _ in 0..<16 { #expect(echoes(try Connection(endpoint), "after\n")) }
            if count > 1 {
                // The others' clients have noticed nothing.
                let alive = connections.filter { $0.end == nil && echoes($0, "still\n") }
                #expect(!alive.isEmpty)
            }
            for connection in connections { connection.leave() }
            program.signal(SIGTERM)
            #expect(program.wait(within: .seconds(5)) == 0)
        }
    }
}
