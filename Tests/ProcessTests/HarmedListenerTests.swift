// Harm that a worker or another program can do to shared listening sockets, and how the service recovers.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AListener {
        private func path(_ name: String) -> String { "/tmp/everycore-\(name)-\(getpid()).socket" }

        private func answers(_ server: TestedServer, within limit: Duration = .seconds(6)) -> Bool {
            server.program.becomesTrue(within: limit) { (try? server.get("/plaintext", within: .seconds(2)).status) == 200 }
        }

        private func settings(_ kind: String) -> String { kind == "unix" ? "listen=\(path("harmed"))" : "port=0" }

        @Test(arguments: ["tcp", "unix"]) func thatAWorkerShutsDownListensAgain(_ kind: String) throws {
            let server = try TestedServer.harmful(settings(kind))
            for turn in 1...2 {
                let client = try server.connect()
                client.request("GET", "/shut-down-listeners")
                #expect(try client.reply().status == 200)
                client.leave()
                #expect(answers(server))
                for _ in 0..<20 { #expect(try server.get("/whoami").status == 200) }
                #expect(server.program.logs("restored=\(turn)"))
                #expect(server.program.error.contains("because=it was shut down"))
            }
            // Every worker accepts from what was restored.
            for slot in 0..<2 { (try server.connect(toSlot: slot)).connection.leave() }
            #expect(server.stop() == 0)
        }

        @Test func whoseUnixPathWasRemovedGetsItAgainAndRemovesItAtTheEnd() throws {
            let server = try TestedServer.harmful(settings("unix"))
            let old = try server.connect()
            #expect(try old.whoami().generation == 1)
            #expect(unsafe unlink(path("harmed")) == 0)
            #expect(answers(server))
            #expect(try old.whoami().generation == 1)
            old.leave()
            #expect(server.stop() == 0)
            #expect(unsafe access(path("harmed"), F_OK) != 0)
        }

        @Test(arguments: ["tcp", "unix"]) func whoseCopyTheOnlyWorkerHasClosedIsSentToItAgain(_ kind: String) throws {
            let server = try TestedServer.harmful(settings(kind), workers: 1)
            let client = try server.connect()
            client.request("GET", "/close-listeners")
            #expect(try client.reply().status == 200)
            #expect(answers(server))
            #expect(server.program.logs("worker accepts nothing, though connections wait"))
            #expect(try server.get("/whoami").identity().pid == client.whoami().pid)
            client.leave()
            #expect(server.stop() == 0)
        }

        @Test func ofAWorkerWithoutDescriptorsIsEmptiedByAnother() throws {
            let server = try TestedServer.harmful("port=0", "timeouts.drain=500ms", workers: 1)
            let client = try server.connect()
            client.request("GET", "/eat-descriptors")
            #expect(try client.reply().status == 200)
            let hasSuccessor = server.program.becomesTrue(within: .seconds(12)) {
                (try? server.get("/whoami", within: .seconds(2)).identity().generation) == 2
            }
            #expect(hasSuccessor)
            #expect(server.program.logs("because=it has no free descriptor"))
            client.leave()
            #expect(server.stop() == 0)
        }

        @Test func thatHandsConnectionsToAWorkerWithoutDescriptorsGetsThemBack() throws {
            // No worker can raise its own limit.
            let server = try TestedServer(
                Running(
                    "everycore-test-server", ["port=0", "admin=127.0.0.1:0", "workers=2"],
                    wrapper: ["sh", "-c", "ulimit -n 300; exec \"$@\"", "sh"]))
            try server.awaitReady(2)
            let (full, _) = try server.connect(toSlot: 1)
            full.request("GET", "/fill-descriptors")
            #expect(try full.reply().status == 200)
            func returned() throws -> Int {
                try server.getAdmin("/stats").body.matches(of: /"returned":(\d+)/).compactMap { Int($0.1) }.max() ?? 0
            }
            // Worker 0 accepts more than its share, and hands them over. The other one has no room for a single one.
            var clients = [full]
            while clients.count < 60, try returned() == 0 {
                let client = try server.connect()
                #expect(try client.whoami().generation == 1)
                clients.append(client)
            }
            #expect(try returned() > 0)
            for client in clients { client.leave() }
            #expect(server.stop() == 0)
        }

        @Test func forConnectionsBetweenWorkersIsReplacedSoThatAReloadClosesNone() throws {
            let server = try TestedServer.harmful("port=0")
            let idle = try (0..<6).map { _ in try server.connect() }
            for client in idle { _ = try client.whoami() }
            let client = try server.connect()
            client.request("GET", "/shut-down-hand-overs")
            #expect(try client.reply().status == 200)
            #expect(
                server.program.becomesTrue(within: .seconds(3)) {
                    // Those of two slots, and the quarantine's two.
                    server.program.error.split(separator: "\n").count { $0.contains("a hand-over socket was shut down: restored") } == 4
                })
            server.program.letTimePass(.milliseconds(100))
            server.program.signal(SIGHUP)
            #expect(server.program.logs("] reloaded", within: .seconds(10)))
            for client in idle + [client] { #expect(try client.whoami().generation == 2) }
            for client in idle + [client] { client.leave() }
            #expect(server.stop() == 0)
        }

        @Test func isNotClosedByAWorkerThatDoesNotDrain() throws {
            let server = try TestedServer.harmful("closes_early=1")
            #expect(server.program.logs("closeListeners() has no effect"))
            for slot in 0..<2 { (try server.connect(toSlot: slot)).connection.leave() }
            #expect(server.stop() == 0)
        }
    }
}
