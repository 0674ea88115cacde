// Requests that take long, as the log and `/requests` tell of them: with the functions that hold a worker.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ASlowRequest {
        private static let early = "slow_request=300ms"

        private func lines(_ server: TestedServer, _ event: String = "slow_request") -> [Substring] {
            server.program.error.split(separator: "\n").filter { $0.contains("event=\(event) ") }
        }

        /// The first line about a request.
        private func line(_ server: TestedServer, _ event: String = "slow_request", with text: String = "") throws -> Substring {
            func first() -> Substring? { lines(server, event).first { text.isEmpty || $0.contains(text) } }
            _ = server.program.becomesTrue(within: .seconds(5)) { first() != nil }
            return try #require(first(), "\(server.program.error)")
        }

        @Test(arguments: [
            ("/place/loop/7", "GET /place/loop/:name", "goesRound < closure #"), ("/place/sleep", "GET /place/sleep", "rest < closure #"),
            ("/place/read", "GET /place/read", "readsAnEmptyPipe < closure #"), ("/place/nap", "GET /place/nap", "closure #"),
            ("/place/wait-then-loop", "GET /place/wait-then-loop", "goesRound < closure #"),
        ])
        func thatHoldsItsWorkerIsLoggedWithTheFunctionThatItIsIn(_ target: String, _ route: String, _ functions: String) throws {
            let server = try TestedServer.harmful(Self.early)
            let (client, who) = try server.connect(toSlot: 1)
            client.request("GET", target + "?secret=1")
            let line = try line(server)
            for text in ["request=GET \(target) ", "route=\(route) ", "state=running", "worker=1", "gen=1", "pid=\(who.pid)", "age=", "stack=", functions] {
                #expect(line.contains(text), "\(text): \(line)")
            }
            #expect(!line.contains("secret"))
            // What called the handler isn't the program's.
            #expect(!line.contains("RoutedApplication"), "\(line)")
            kill(who.pid, SIGKILL)
            #expect(server.stop() == 0)
        }

        @Test func thatWaitsIsLoggedWithItsRouteAndHoldsNothing() throws {
            let server = try TestedServer.harmful(Self.early)
            let (client, who) = try server.connect(toSlot: 0)
            client.request("GET", "/place/wait?ms=1500")
            let line = try line(server)
            for text in ["request=GET /place/wait ", "route=GET /place/wait ", "state=waiting", "pid=\(who.pid)", "age=0.3"] {
                #expect(line.contains(text), "\(text): \(line)")
            }
            #expect(!line.contains("stack="))
            #expect(try client.reply().body == "waited\n")
            // Again when it was twice as old, but not within the same second.
            #expect(lines(server).count <= 2)
            #expect(server.stop() == 0)
        }

        @Test func thatSleepsIsInterruptedOnce() throws {
            let server = try TestedServer.harmful(Self.early)
            let (client, _) = try server.connect(toSlot: 0)
            let start = ContinuousClock.now
            client.request("GET", "/place/nap")
            #expect(try client.reply().status == 200)
            #expect(ContinuousClock.now - start < .seconds(4))
            client.request("GET", "/place/sleep?ms=2500")
            #expect(try client.reply().body == "slept\n")
            #expect(lines(server).filter { $0.contains("stack=") }.count == 2)
            #expect(lines(server).filter { $0.contains("/place/sleep") }.count == 2, "\(server.program.error)")
            #expect(server.stop() == 0)
        }

        @Test func isNotLoggedWhereThatIsOff() throws {
            let server = try TestedServer.harmful("slow_request=off")
            let (client, _) = try server.connect(toSlot: 0)
            client.request("GET", "/place/sleep?ms=1500")
            #expect(try client.reply().body == "slept\n")
            #expect(lines(server).isEmpty)
            #expect(server.stop() == 0)
        }

        @Test func ofAWorkerFromBeforeAnUpgradeIsNamedByItsOwnProgram() throws {
            let program = NSTemporaryDirectory() + "everycore-\(getpid())-upgraded"
            defer { unsafe unlink(program) }
            func put() throws {
                try FileManager.default.copyItem(atPath: BuiltPrograms.path(of: "everycore-test-server"), toPath: program + ".new")
                try #require(unsafe rename(program + ".new", program) == 0)
            }
            try put()
            let server = try TestedServer(Running(command: [program, "port=0", "admin=127.0.0.1:0", "workers=2", "slow_request=1500ms"]))
            let (client, who) = try server.connect(toSlot: 0)
            client.request("GET", "/place/sleep?ms=4000")
            server.awaitHeld([who.pid])
            try put()
            server.program.signal(SIGUSR2)
            #expect(server.program.logs("] took over from the old master"))
            let line = try line(server)
            for text in ["pid=\(who.pid)", "rest < closure #", "route=GET /place/sleep "] { #expect(line.contains(text), "\(text): \(line)") }
            #expect(try client.reply().body == "slept\n")
            let master = try #require(server.program.successors.last)
            kill(master, SIGTERM)
            #expect(server.program.becomesTrue(within: .seconds(8)) { server.program.members.isEmpty })
            server.program.wait(within: .seconds(1))
        }

        @Test func isListedWhileAllWorkersAreHeld() throws {
            let server = try TestedServer.harmful("slow_request=off", "stuck.stand_in=off")
            let waiting = try server.connect(toSlot: 0)
            waiting.connection.request("GET", "/place/wait?ms=5000&key=secret")
            _ = server.program.becomesTrue(within: .seconds(2)) { (try? server.getAdmin("/requests").body.contains("place/wait")) == true }
            let clients = try (0..<2).map { try server.connect(toSlot: $0) }
            for client in clients { client.connection.request("GET", "/place/sleep?ms=2000") }
            server.awaitHeld(clients.map(\.who.pid))
            let reply = try server.getAdmin("/requests")
            #expect(reply.status == 200 && !reply.body.contains("secret"))
            let list = try JSONDecoder().decode(RequestPage.self, from: Data(reply.body.utf8))
            #expect(list.waiting == 1)
            #expect(list.requests.filter { $0.state == "running" }.map(\.pid).sorted() == clients.map(\.who.pid).sorted(), "\(reply.body)")
            let one = try #require(list.requests.first { $0.state == "waiting" })
            #expect(one.method == "GET" && one.target == "/place/wait" && one.route == "GET /place/wait" && one.worker == 0)
            #expect(one.age_seconds > 0 && one.pid == waiting.who.pid && one.generation == 1)
            for client in clients { #expect(try client.connection.reply().body == "slept\n") }
            #expect(server.stop(SIGQUIT) == 0)
        }

        @Test func thatItsDeadlineEndsIsAWarning() throws {
            let server = try TestedServer.harmful("timeouts.handler=200ms", "slow_request=off")
            let clients = try (0..<20).map { _ in try server.connect() }
            for client in clients { client.request("GET", "/hang?secret=1") }
            for client in clients { #expect(try client.reply().status == 503) }
            _ = server.program.becomesTrue(within: .seconds(2)) { lines(server, "handler_timed_out").count == 20 }
            let warnings = lines(server, "handler_timed_out")
            #expect(warnings.count == 20)
            for text in [" warning ", "request=GET /hang ", "route=GET /hang ", "age=0.2"] { #expect(warnings.first?.contains(text) == true, "\(text)") }
            #expect(server.stop() == 0)
        }
    }

    private struct RequestPage: Decodable {
        struct Entry: Decodable {
            let worker: Int, generation: Int, pid: pid_t, state: String, method: String, target: String, route: String, age_seconds: Double
        }

        let requests: [Entry], waiting: Int
    }

    @Suite struct AStartThatFails {
        @Test func isOneLineForAllWorkersAndASecond() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-doomed-start"
            defer { unsafe unlink(path) }
            let server = try TestedServer.harmful("doomed_by=\(path)", "respawn.delay_first=10ms", "respawn.delay_maximum=50ms", workers: 4)
            try "throw".write(toFile: path, atomically: true, encoding: .utf8)
            for pid in server.workers { kill(pid, SIGKILL) }
            server.program.letTimePass(.milliseconds(2500))
            let lines = server.program.error.split(separator: "\n").filter { $0.contains("doomed") }
            #expect((1...4).contains(lines.count), "\(server.program.error)")
            for line in lines {
                #expect(line.contains("event=worker_start_failed") && line.contains("reason=WrongArgument(reason: \"this worker is doomed\")"), "\(line)")
            }
            #expect(lines.last?.contains("omitted=") == true)
            unsafe unlink(path)
            try server.awaitReady(4)
            #expect(server.stop() == 0)
        }
    }
}
