// Where the control socket is, who may give orders there, and that nothing can be ordered elsewhere.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ControlSocket {
        private let scratch = ScratchDirectory()
        private var socket: String { scratch.path("control.sock") }

        private func everycore(_ options: String..., admin: String = "127.0.0.1:0") throws -> TestedServer {
            try TestedServer(
                Running("everycore", ["serve", "--port", "0", "--admin", admin, "--workers", "2", "--control", socket] + options))
        }

        private func harmful(_ settings: String...) throws -> TestedServer {
            try TestedServer(
                Running("everycore-test-server", ["port=0", "admin=127.0.0.1:0", "workers=2", "control=\(socket)"] + settings))
        }

        @Test func anUpgradeKeepsTheAddress() throws {
            let server = try everycore()
            try server.awaitReady(2)
            for _ in 0..<2 {
                let upgrade = try VerbRun("upgrade", socket: socket)
                #expect(upgrade.status == 0 && upgrade.output.contains(#/^upgraded: 2 workers, process \d+, /#), "\(upgrade)")
                #expect(server.program.becomesTrue(within: .seconds(10)) { (try? VerbRun("reload", socket: socket).status) == 0 })
            }
            let stop = try VerbRun("stop", socket: socket)
            #expect(stop.status == 0, "\(stop)")
            #expect(server.program.becomesTrue(within: .seconds(8)) { server.program.members.isEmpty })
            #expect(unsafe access(socket, F_OK) != 0, "the last master removes it")
            server.program.collect()
        }

        @Test func withoutAdminPagesTheControlSocketIsServedAllTheSame() throws {
            let server = try Running("everycore", ["--port", "0", "--admin", "off", "--workers", "1", "--control", socket])
            try #require(server.prints("  control    \(socket)"), "\(server.output)\(server.error)")
            let status = try VerbRun("status", socket: socket)
            #expect(status.status == 0, "\(status)")
            #expect(try VerbRun("upgrade", socket: socket).status == 0)
            #expect(try VerbRun("stop", socket: socket).status == 0)
            #expect(server.becomesTrue(within: .seconds(8)) { server.members.isEmpty })
            server.collect()
        }

        @Test func aSocketThatIsTakenDeadOrForeignIsToldApart() throws {
            let server = try everycore(admin: "off")
            let second = try Running("everycore", ["--port", "0", "--admin", "off", "--control", socket])
            #expect(second.wait(within: .seconds(5)) == 69 && second.error.contains("choose another address with --control"), "\(second.error)")
            #expect(try VerbRun("status", socket: socket).status == 0, "the living one has kept it")
            // Dead without a farewell: the file stays.
            kill(-server.program.pid, SIGKILL)
            _ = server.program.wait(within: .seconds(5))
            #expect(unsafe access(socket, F_OK) == 0)
            let dead = try VerbRun("reload", socket: socket)
            #expect(dead.status == 69 && dead.error.contains("no service listens on"), "\(dead)")
            let third = try everycore(admin: "off")
            #expect(try VerbRun("status", socket: socket).status == 0, "a new one has replaced it")
            #expect(third.stop() == 0)
            let file = VerbRun(try Running("everycore", ["status", "--socket", scratch.write("", to: "file.sock")]))
            #expect(file.status == 69 && file.error.contains("is no socket"), "\(file)")
            let foreign = try Endpoint.unix(scratch.path("foreign.sock")).listening()
            defer { close(foreign) }
            let silent = try VerbRun("status", "--timeout", "300ms", socket: scratch.path("foreign.sock"))
            #expect(silent.status == 75, "\(silent)")
        }

        @Test func aWorkerCanOrderNothing() throws {
            let server = try harmful()
            let answer = try server.get("/order?socket=\(socket)&verb=reload")
            #expect(answer.body.contains("not permitted: process ") && answer.body.contains("is one of the service's own"), "\(answer.body)")
            #expect(server.program.logs("event=control_refused"))
            #expect(!server.program.error.contains("event=reload_started"))
            #expect(try VerbRun("reload", socket: socket).status == 0)
            #expect(server.stop() == 0)
        }

        @Test(.enabled(if: geteuid() == 0)) func anotherUserIsRefused() throws {
            // The directory lets others through; the socket doesn't.
            _ = unsafe chmod(scratch.directory, 0o755)
            let server = try everycore(admin: "off")
            let nobody = try VerbRun("reload", socket: socket, wrapper: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
            #expect(nobody.status == 77 && nobody.error.contains("no permission"), "\(nobody)")
            // Where its permissions are lost, the kernel's word counts.
            _ = unsafe chmod(socket, 0o777)
            let again = try VerbRun("reload", socket: socket, wrapper: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
            #expect(again.status == 77 && again.error.contains("only root and the user who started the service"), "\(again)")
            #expect(!server.program.error.contains("event=reload_started"))
            #expect(server.stop() == 0)
        }

        @Test func severalServicesAreListedAndNoneIsChosen() throws {
            let servers = try (0..<2).map { _ in
                try TestedServer.everycore(workers: 1, admin: "off", environment: ["EVERYCORE_CONTROL": "auto"])
            }
            let places = try servers.map { server in
                String(try #require(server.program.output.firstMatch(of: /control    (\S+)/)).1)
            }
            let run = VerbRun(try Running("everycore", ["reload"], environment: ["EVERYCORE_CONTROL": "auto"]))
            #expect(run.status == 64 && run.error.contains("name one with --socket"), "\(run)")
            for place in places { #expect(run.error.contains(place)) }
            let named = VerbRun(try Running("everycore", ["status"], environment: ["EVERYCORE_CONTROL": places[1]]))
            #expect(named.status == 0 && named.output.contains("process \(servers[1].program.pid)"), "\(named)")
            for server in servers { #expect(server.stop() == 0) }
            for place in places { #expect(unsafe access(place, F_OK) != 0) }
        }

        @Test func nothingCanBeChangedOverTCP() throws {
            let server = try everycore()
            func ask(_ method: String, _ target: String, host: String, body: String = "") throws -> Reply {
                let connection = try Connection(try #require(server.admin))
                let length = body.isEmpty ? "" : "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: \(body.utf8.count)\r\n"
                connection.send("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\(length)\r\n\(body)")
                return try connection.reply()
            }
            for host in ["localhost:8081", "127.0.0.1", "10.1.2.3:8081", "[::1]:8081", "LOCALHOST"] {
                #expect(try ask("GET", "/stats", host: host).status == 200, "\(host)")
            }
            for host in ["evil.example", "evil.example:8081", "localhost.evil.example", "127.0.0.1.evil.example"] {
                for target in ["/", "/stats", "/metrics"] { #expect(try ask("GET", target, host: host).status == 421, "\(host)") }
            }
            for target in ["/control/reload", "/control/stop"] {
                #expect(try ask("POST", target, host: "localhost", body: "now=true").status == 404)
                #expect(try ask("GET", target, host: "localhost").status == 404)
            }
            for target in ["/", "/stats", "/metrics"] { #expect(try ask("POST", target, host: "localhost", body: "a=b").status == 405) }
            #expect(!server.program.error.contains("event=control_order"))
            #expect(server.stop() == 0)
        }

        @Test func aDefaultAddressThatIsTakenIsNoReasonNotToStart() throws {
            let servers = try (0..<2).map { _ in try TestedServer.everycore(workers: 1, admin: "auto") }
            let places = servers.map { $0.program.output.firstMatch(of: /admin      (\S+)/).map { String($0.1) } }
            #expect(places[0] != nil && places[1] != nil && places[0] != places[1])
            #expect(servers[1].program.error.contains("event=address_taken"))
            for server in servers {
                #expect(try server.getAdmin("/health").status == 200)
                #expect(server.stop() == 0)
            }
        }

        @Test func slowClientsOfTheAdminAddressKeepNoOperatorOut() throws {
            let server = try everycore()
            var limit = rlimit()
            _ = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            var slow: [Connection] = []
            for _ in 0..<800 {
                guard let connection = try? Connection(try #require(server.admin)) else { break }
                connection.send("GET /stats HT")
                slow.append(connection)
            }
            #expect(slow.count == 800)
            let status = try VerbRun("status", "--timeout", "5s", socket: socket)
            #expect(status.status == 0, "\(status)")
            #expect(try VerbRun("reload", "--timeout", "10s", socket: socket).status == 0)
            #expect(try server.get("/health").status == 200)
            slow = []
            #expect(server.stop() == 0)
        }
    }
}
