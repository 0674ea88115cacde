// Requests that keep killing workers: from the third death on they kill only each other, and no other client notices.

import Foundation
import Glibc
import Testing
import TestSupport

extension ProcessTests {
    @Suite struct ARouteThatKillsWorkers {
        struct Page: Decodable {
            struct Active: Decodable { let route: String, request: String?, deaths: Int, age_seconds: Double, remaining_seconds: Double }
            struct Quarantine: Decodable { let refused: Int, active: [Active] }
            let quarantine: Quarantine
        }

        private static let noTraces = ["SWIFT_BACKTRACE": "enable=no"]

        private func start(_ settings: String..., workers: Int = 2) throws -> TestedServer {
            let arguments = ["port=0", "admin=127.0.0.1:0", "workers=\(workers)"] + settings
            let server = try TestedServer(Running("everycore-test-server", arguments, environment: Self.noTraces))
            try server.awaitReady(workers)
            return server
        }

        private func page(_ server: TestedServer) throws -> Page.Quarantine {
            try JSONDecoder().decode(Page.self, from: Data(server.getAdmin("/stats").body.utf8)).quarantine
        }

        private func lines(_ server: TestedServer, _ text: String) -> [Substring] {
            server.program.collect()
            return server.program.error.split(separator: "\n").filter { $0.contains(text) }
        }

        /// Sends requests that kill, one after the other, and waits for the ends of their connections.
        private func kill(_ server: TestedServer, _ target: String, times: Int = 3) throws {
            for _ in 0..<times {
                let client = try server.connect()
                client.request("GET", target)
                #expect(client.awaitEnd(within: .seconds(5)) != nil)
            }
        }

        private func awaitQuarantine(_ server: TestedServer, _ route: String) throws {
            #expect(server.program.becomesTrue(within: .seconds(5)) { (try? page(server).active.map(\.route)) == [route] })
            try server.awaitReady(server.stats().server.workers_wanted)
        }

        @Test(arguments: [("/brittle?die", "GET /brittle"), ("/brittle-async?die", "GET /brittle-async"), ("/brittle?exit", "GET /brittle")])
        func killsNoWorkerFromTheThirdDeathOn(_ target: String, _ route: String) throws {
            let server = try start()
            try kill(server, target)
            try awaitQuarantine(server, route)
            let workers = server.workers
            let watch = try Watch(server)
            for _ in 0..<10 {
                try kill(server, target, times: 1)
                try watch.run(within: .milliseconds(20)) { false }
            }
            watch.finish()
            #expect(watch.losses.isEmpty, "\(watch.losses)")
            #expect(watch.probeFailures == [])
            #expect(server.workers == workers)
            let active = try #require(page(server).active.first)
            #expect(active.deaths >= 4 && active.request == route, "\(active)")
            #expect(lines(server, "quarantine began").count == 1)
            #expect(try server.getAdmin("/metrics").body.contains(#"everycore_quarantine_active{route="\#(route)"} 1"#))
            #expect(server.stop() == 0)
        }

        @Test func withEachTimeAnotherPathIsSuspectAsAWhole() throws {
            let server = try start()
            for _ in 0..<10 { #expect(try server.get("/plaintext").status == 200) }
            for name in ["a", "b", "c"] { try kill(server, "/brittle/\(name)?die", times: 1) }
            try awaitQuarantine(server, "GET /brittle/:name")
            #expect(try page(server).active.first?.request == nil)
            #expect(try slot(server.get("/brittle/d")) > 1)
            #expect(server.stop() == 0)
        }

        @Test func onOnePathLeavesItsOtherPathsWhereTheyAre() throws {
            let server = try start()
            try kill(server, "/brittle/a?die")
            try awaitQuarantine(server, "GET /brittle/:name")
            let slots = try Set((0..<10).map { _ in try slot(server.get("/brittle/b")) })
            #expect(slots.isSubset(of: [0, 1]))
            #expect(try slot(server.get("/brittle/a")) > 1)
            #expect(server.stop() == 0)
        }

        private func slot(_ reply: Reply) throws -> Int {
            try #require(Int(reply.body.prefix { $0.isNumber }), "\(reply.status) \(reply.body)")
        }

        @Test func isAnsweredInQuarantineAndTheConnectionGoesBack() throws {
            let server = try start()
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            let client = try server.connect()
            for _ in 0..<20 {
                client.request("GET", "/brittle")
                #expect(try slot(client.reply()) > 1)
                #expect(try (0...1).contains(client.whoami().worker))
            }
            // In one packet: each request is answered where it belongs, in order.
            client.send(String(repeating: "GET /whoami HTTP/1.1\r\nHost: a\r\n\r\nGET /brittle HTTP/1.1\r\nHost: a\r\n\r\n", count: 10))
            for _ in 0..<10 {
                #expect(try (0...1).contains(client.reply().identity().worker))
                #expect(try slot(client.reply()) > 1)
            }
            #expect(try server.stats().total.connections.open <= 2)
            client.leave()
            #expect(server.stop() == 0)
        }

        @Test func takesItsContentAlong() throws {
            let server = try start()
            for _ in 0..<3 {
                let client = try server.connect()
                client.request("POST", "/brittle?die", body: "x")
                #expect(client.awaitEnd() != nil)
            }
            try awaitQuarantine(server, "POST /brittle")
            let text = String(repeating: "0123456789", count: 20_000)
            let client = try server.connect()
            client.request("POST", "/brittle", body: text)
            let reply = try client.reply()
            #expect(try slot(reply) > 1)
            #expect(reply.body.hasSuffix(" \(text)\n"))
            // Piece by piece, and only after the server has said so.
            client.send("POST /brittle HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            #expect(try client.reply().status == 100)
            client.send("ab")
            usleep(20_000)
            client.send("cd")
            #expect(try client.reply().body.hasSuffix(" abcd\n"))
            #expect(try (0...1).contains(client.whoami().worker))
            client.leave()
            #expect(server.stop() == 0)
        }

        @Test func isCountedOnceWhoeverAnswersAndWhoeverDies() throws {
            let server = try start()
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            let before = try server.stats().total
            let client = try server.connect()
            for turn in 0..<30 {
                client.request("GET", "/brittle")
                #expect(try client.reply().status == 200)
                if turn % 10 == 5 { try kill(server, "/brittle?die", times: 1) }
            }
            client.leave()
            #expect(server.program.becomesTrue(within: .seconds(2)) { (try? server.stats().total.connections.open) == 0 })
            let after = try server.stats().total
            #expect(after.requests - before.requests == 30)
            // Those that died, the one that stayed, and nothing for the ways between workers.
            #expect(after.connections.accepted - before.connections.accepted == 4)
            #expect(server.stop() == 0)
        }

        @Test func isRefusedWhereTooManyWait() throws {
            let server = try start("quarantine.queue=2")
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            #expect(try server.get("/brittle").status == 200)
            let clients = try (0..<6).map { _ in try server.connect() }
            for client in clients {
                client.request("GET", "/brittle?ms=700")
                usleep(20_000)
            }
            let replies = try clients.map { try $0.reply() }
            // One runs, two wait.
            #expect(replies.map(\.status) == [200, 200, 200, 503, 503, 503])
            #expect(replies.allSatisfy { $0.status == 200 || $0["retry-after"] != nil })
            #expect(try page(server).refused == 3)
            #expect(try clients.allSatisfy { try $0.whoami().worker <= 1 })
            for client in clients { client.leave() }
            #expect(server.stop() == 0)
        }

        @Test func isEndedWhereItHoldsTheQuarantineWorker() throws {
            let server = try start("quarantine.stuck=500ms")
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            let stuck = try server.connect()
            stuck.request("GET", "/brittle?ms=20000")
            usleep(50_000)
            let next = try server.connect()
            next.request("GET", "/brittle")
            #expect(stuck.awaitEnd(within: .seconds(8)) != nil)
            #expect(try next.reply(within: .seconds(8)).status == 200)
            #expect(lines(server, "killing a stuck worker").first?.contains("worker=quarantine") == true)
            next.leave()
            #expect(server.stop() == 0)
        }

        @Test func isEndedWhereItStopsTheQuarantineWorker() throws {
            let server = try start("quarantine.stuck=500ms")
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            let client = try server.connect()
            client.request("GET", "/brittle?stop")
            #expect(client.awaitEnd(within: .seconds(8)) != nil)
            #expect(try server.get("/brittle", within: .seconds(8)).status == 200)
            #expect(server.stop() == 0)
        }

        @Test func isRefusedWhereTheQuarantineWorkerCannotStart() throws {
            let server = try start("quarantine_fails=1")
            try kill(server, "/brittle?die")
            #expect(server.program.becomesTrue(within: .seconds(5)) { (try? page(server).active.map(\.route)) == ["GET /brittle"] })
            let clients = try (0..<5).map { _ in try server.connect() }
            for client in clients { client.request("GET", "/brittle") }
            for client in clients {
                #expect(try client.reply(within: .seconds(13)).status == 503)
                #expect(try client.whoami().worker <= 1)
            }
            let start = ContinuousClock.now
            #expect(try server.get("/brittle").status == 503)
            #expect(ContinuousClock.now - start < .seconds(1))
            #expect(lines(server, "the quarantine worker can't be started").count == 1)
            for client in clients { client.leave() }
            #expect(server.stop() == 0)
        }

        @Test func killsTheQuarantineWorkerInFewLines() throws {
            let server = try start()
            try kill(server, "/brittle?die", times: 33)
            try awaitQuarantine(server, "GET /brittle")
            #expect(try page(server).active[0].deaths >= 30)
            #expect((8...12).contains(lines(server, "worker died").count { $0.contains("worker=quarantine") }))
            #expect(server.stop() == 0)
        }

        @Test func comesBackWhenItHasBehavedAndGoesAtOnceWhenItHasNot() throws {
            let server = try start("quarantine.duration=1s")
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            #expect(server.program.logs("quarantine ended", within: .seconds(5)))
            #expect(try page(server).active.isEmpty)
            #expect(try slot(server.get("/brittle")) <= 1)
            try kill(server, "/brittle?die", times: 1)
            try awaitQuarantine(server, "GET /brittle")
            #expect(try page(server).active[0].remaining_seconds > 1)
            #expect(server.stop() == 0)
        }

        @Test func beginsAnewWithAReload() throws {
            let server = try start()
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            server.program.signal(SIGHUP)
            #expect(server.program.logs("] reloaded\n"))
            #expect(try page(server).active.isEmpty)
            #expect(try slot(server.get("/brittle")) <= 1)
            #expect(server.stop() == 0)
        }

        @Test func isSparedWhereItIsSwitchedOff() throws {
            let server = try start()
            try kill(server, "/spared?die", times: 5)
            try server.awaitReady(2)
            #expect(try page(server).active.isEmpty)
            #expect(server.stop() == 0)
            let off = try start("quarantine.deaths=0")
            try kill(off, "/brittle?die", times: 5)
            try off.awaitReady(2)
            #expect(try page(off).active.isEmpty)
            #expect(off.stop() == 0)
        }

        @Test func isNotTheOneWhoseWorkersAnOperatorKills() throws {
            let server = try start()
            for _ in 0..<5 {
                try server.awaitReady(2)
                let client = try server.connect()
                let who = try client.whoami()
                client.request("GET", "/brittle?ms=5000")
                usleep(20_000)
                Glibc.kill(who.pid, SIGKILL)
                #expect(client.awaitEnd() != nil)
            }
            #expect(try page(server).active.isEmpty)
            #expect(server.stop() == 0)
        }

        @Test func isQuarantinedAlsoWhereAWorkerHasShutDownTheWaysToTheQuarantine() throws {
            let server = try start()
            // Before it begins, and with the quarantine worker there.
            for turn in 1...2 {
                let client = try server.connect()
                client.request("GET", "/shut-down-hand-overs")
                #expect(try client.reply().status == 200)
                client.leave()
                #expect(server.program.becomesTrue(within: .seconds(4)) { lines(server, "was shut down: restored").count == 4 * turn })
                usleep(100_000)
                if turn == 1 { try kill(server, "/brittle?die") }
                try awaitQuarantine(server, "GET /brittle")
                let client2 = try server.connect()
                for _ in 0..<10 {
                    client2.request("GET", "/brittle")
                    #expect(try slot(client2.reply()) > 1)
                    #expect(try (0...1).contains(client2.whoami().worker))
                }
                client2.send("GET /brittle HTTP/1.1\r\nHost: a\r\n\r\nGET /whoami HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try slot(client2.reply()) > 1)
                #expect(try (0...1).contains(client2.reply().identity().worker))
                client2.leave()
            }
            let before = try spent(server)
            usleep(1_000_000)
            #expect(try spent(server) - before < 0.2)
            #expect(server.stop() == 0)
        }

        /// Seconds of CPU that the server's processes have used.
        private func spent(_ server: TestedServer) throws -> Double {
            var ticks = 0
            for pid in server.workers + [server.program.pid] {
                let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
                ticks += fields[11...12].reduce(0) { $0 + (Int($1) ?? 0) }
            }
            return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }

        @Test func takesNoneAlongForLongThatOnlyWaitedBesideIt() throws {
            let server = try start()
            // Until it is known what is usual.
            usleep(5_000_000)
            for _ in 0..<3 {
                let waiting = try (0..<4).map { _ in try server.connect() }
                for client in waiting { client.request("GET", "/wait?ms=3000") }
                usleep(50_000)
                try kill(server, "/brittle-child?die", times: 1)
                for client in waiting { client.leave() }
                try server.awaitReady(2)
            }
            #expect(lines(server, "quarantine began").count == 2)
            // Apart from the other, and not killed by it.
            let waiting = try server.connect()
            waiting.request("GET", "/wait?ms=300")
            try kill(server, "/brittle-child?die")
            #expect(try waiting.reply().status == 200)
            waiting.leave()
            #expect(try page(server).active.map(\.route) == ["GET /brittle-child"])
            #expect(lines(server, "quarantine ended").first?.contains("because=another kills without it") == true)
            #expect(server.stop() == 0)
        }

        @Test func isAnsweredWhileTheClusterStops() throws {
            let server = try start()
            try kill(server, "/brittle?die")
            try awaitQuarantine(server, "GET /brittle")
            #expect(try server.get("/brittle").status == 200)
            // For longer than auxiliaries have.
            let clients = try (0..<12).map { _ in try server.connect() }
            for client in clients { client.request("GET", "/brittle?ms=200") }
            usleep(50_000)
            server.program.signal(SIGTERM)
            for client in clients { #expect(try client.reply(within: .seconds(5)).status == 200) }
            #expect(server.program.wait(within: .seconds(5)) == 0)
        }

        @Test func isNotBlamedForItsNeighbour() throws {
            let server = try start()
            // Always in flight, in every worker, when others die.
            let slow = try (0..<8).map { _ in try server.connect() }
            var isOver = [Bool](repeating: false, count: slow.count)
            for round in 0..<4 {
                for (index, client) in slow.enumerated() where !isOver[index] { client.request("GET", "/brittle-async?ms=300") }
                usleep(30_000)
                if round < 3 { try kill(server, "/brittle?die", times: 1) }
                for (index, client) in slow.enumerated() where !isOver[index] { isOver[index] = (try? client.reply()) == nil }
            }
            #expect(try page(server).active.map(\.route) == ["GET /brittle"])
            #expect(server.stop() == 0)
        }
    }
}
