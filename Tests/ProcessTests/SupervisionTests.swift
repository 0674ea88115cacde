// The cause of a worker's end decides how it is replaced; every wait is bounded; and no order to the master is lost.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct Supervision {
        private static let noTraces = ["SWIFT_BACKTRACE": "enable=no"]

        private func lines(_ server: TestedServer, _ text: String) -> Int { server.program.error.ranges(of: text).count }

        /// A server whose workers start as a file says.
        private func doomed(_ settings: String..., workers: Int = 2, _ body: (TestedServer, _ doom: (String?) throws -> Void) throws -> Void) throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-\(UInt32.random(in: 0...UInt32.max))-doom"
            defer { unsafe unlink(path) }
            let program = try Running(
                "everycore-test-server", ["port=0", "admin=127.0.0.1:0", "workers=\(workers)", "doomed_by=\(path)"] + settings,
                environment: Self.noTraces)
            try body(try TestedServer(program)) { text in
                guard let text else { return _ = unsafe unlink(path) }
                try text.write(toFile: path, atomically: true, encoding: .utf8)
            }
        }

        @Test func requestsThatKillNeitherPauseASlotNorEndTheService() throws {
            // No worker ever answers anything, and none gets older than some milliseconds.
            let server = try TestedServer.harmful(
                "respawn.delay_first=10s", "respawn.delay_maximum=10s", "respawn.give_up=1s", "respawn.young=1h",
                environment: Self.noTraces)
            let begin = ContinuousClock.now
            var deaths = 0
            while deaths < 30 || ContinuousClock.now - begin < .seconds(2), ContinuousClock.now - begin < .seconds(20) {
                let client = try server.connect()
                client.request("GET", "/trap")
                if client.awaitEnd(within: .seconds(3)) != nil { deaths += 1 }
                // Reads the output: a full pipe would block dying workers.
                _ = server.program.becomesTrue(within: .zero) { true }
            }
            #expect(deaths >= 30)
            #expect(server.program.status == nil)
            #expect(!server.program.error.contains("failed to start"))
            #expect(try server.get("/plaintext").status == 200)
            #expect(server.stop() == 0)
        }

        @Test func killsFromOutsideDoNotEndTheServiceHoweverManyTheyAre() throws {
            let environment = ["EVERYCORE_RESPAWN_GIVE_UP": "1s"]
            let server = try TestedServer.everycore(environment: environment)
            // No worker gets through its start.
            let hasEnded = server.program.becomesTrue(within: .seconds(3)) {
                for worker in server.workers { kill(worker, SIGKILL) }
                return server.program.wait(within: .zero) != nil
            }
            #expect(!hasEnded)
            #expect(try server.get("/plaintext").status == 200)
            #expect(server.stop() == 0)
        }

        @Test func aStartThatHangsIsAFailedStart() throws {
            try doomed("respawn.start_deadline=300ms") { server, doom in
                try doom("hang")
                let victim = try #require(server.workers.first)
                kill(victim, SIGKILL)
                #expect(server.program.logs("a new worker took too long to get ready"))
                #expect(server.program.logs("worker failed to start"))
                #expect(try server.get("/plaintext").status == 200)
                try doom(nil)
                try server.awaitReady(2)
                #expect(server.stop() == 0)
            }
        }

        @Test func aReloadWhoseWorkersHangIsRolledBackAtTheDeadline() throws {
            try doomed("respawn.start_deadline=300ms") { server, doom in
                try doom("hang")
                server.program.signal(SIGHUP)
                #expect(server.program.logs("reload failed: rolling back"))
                for slot in 0...1 { #expect(try server.connect(toSlot: slot).who.generation == 1) }
                #expect(server.stop() == 0)
            }
        }

        @Test(arguments: [SIGHUP, SIGUSR2])
        func anOrderDoesNotWaitForAReloadThatHangs(_ order: Int32) throws {
            // The start's deadline is half a minute.
            try doomed { server, doom in
                try doom("hang")
                server.program.signal(SIGHUP)
                #expect(server.program.becomesTrue(within: .seconds(5)) { server.workers.count == 3 })
                try doom(nil)
                server.program.signal(order)
                let text = order == SIGHUP ? "] reloaded\n" : "] took over from the old master"
                #expect(server.program.logs(text, within: .seconds(8)))
                #expect(try server.get("/plaintext").status == 200)
                server.program.order(SIGTERM)
                try endAll(server)
            }
        }

        @Test func aReloadDoesNotWaitForAWorkerWhoseStartHangs() throws {
            try doomed { server, doom in
                try doom("hang")
                kill(try #require(server.workers.first), SIGKILL)
                #expect(server.program.logs("] worker died\n"))
                try doom(nil)
                server.program.signal(SIGHUP)
                #expect(server.program.logs("] reloaded\n", within: .seconds(3)))
                #expect(try server.stats().server.workers_ready == 2)
                #expect(server.stop() == 0)
            }
        }

        @Test func aReloadWaitsForNoDeathOfARequest() throws {
            try doomed { server, doom in
                try doom("slow")
                server.program.signal(SIGHUP)
                // While the new workers start, old ones die in requests, and so does the first new one.
                var deaths = 0
                while lines(server, "] reloaded\n") == 0, deaths < 200 {
                    let client = try server.connect()
                    client.request("GET", "/trap")
                    if client.awaitEnd(within: .seconds(3)) != nil { deaths += 1 }
                    _ = server.program.becomesTrue(within: .milliseconds(100)) { false }
                }
                #expect(deaths < 200 && lines(server, "reload failed") == 0)
                #expect(server.stop() == 0)
            }
        }

        /// A death in another endpoint must not hide later ones.
        private func poison(_ server: TestedServer) throws {
            let client = try server.connect()
            client.request("GET", "/trap")
            #expect(client.awaitEnd() != nil)
            #expect(server.program.logs("] worker died\n"))
            try server.awaitReady(2)
        }

        @Test func aReloadIsRolledBackWhenNewWorkersDieInAllThatTheOldOnesAnswered() throws {
            try doomed { server, doom in
                #expect(try server.get("/whole").status == 200)
                try poison(server)
                try doom("bad")
                server.program.signal(SIGHUP)
                #expect(server.program.logs("] reloaded\n"))
                try doom(nil)
                for _ in 0..<20 where lines(server, "reload failed") == 0 {
                    let client = try server.connect()
                    client.request("GET", "/whole")
                    _ = client.awaitEnd(within: .milliseconds(300))
                }
                #expect(server.program.logs("reason=new workers die where the old ones answered"))
                #expect(server.program.logs("reload rolled back"))
                #expect(try server.get("/whole").status == 200)
                #expect(server.stop() == 0)
            }
        }

        @Test func anUpgradeIsRolledBackWhenNewWorkersDieInAllThatTheOldOnesAnswered() throws {
            try doomed { server, doom in
                #expect(try server.get("/whole").status == 200)
                try poison(server)
                try doom("bad")
                server.program.signal(SIGUSR2)
                #expect(server.program.logs("] the old master has exited"))
                try doom(nil)
                for _ in 0..<20 where lines(server, "upgrade failed: going back") == 0 {
                    let client = try server.connect()
                    client.request("GET", "/whole")
                    _ = client.awaitEnd(within: .milliseconds(300))
                }
                #expect(server.program.logs("upgrade failed: going back to the program before"))
                #expect(server.program.becomesTrue(within: .seconds(8)) { lines(server, "] the old master has exited") == 2 }, "\(server.program.error)")
                #expect(try server.get("/whole").status == 200)
                server.program.order(SIGTERM)
                try endAll(server)
            }
        }

        @Test func aWorkerWithoutItsMainThreadIsReplaced() throws {
            let server = try TestedServer.harmful("stuck.limit=off", environment: Self.noTraces)
            let (client, who) = try server.connect(toSlot: 0)
            client.request("GET", "/headless")
            #expect(server.program.logs("killing a worker whose main thread has ended", within: .seconds(10)))
            #expect(server.program.logs("request=GET /headless"))
            #expect(client.awaitEnd(within: .seconds(2)) != nil)
            try server.awaitReady(2)
            #expect(try server.connect(toSlot: who.worker).who.generation == 2)
            #expect(server.stop() == 0)
        }

        // MARK: Orders

        /// Waits until no process of the service is left.
        private func endAll(_ server: TestedServer) throws {
            #expect(server.program.becomesTrue(within: .seconds(8)) { server.program.members.isEmpty }, "\(server.program.error)")
            server.program.collect()
        }

        @Test func aReloadDuringAnUpgradeReachesTheNewMaster() throws {
            for delay in [0, 10, 20, 40, 80] as [UInt32] {
                let server = try TestedServer.everycore()
                server.program.signal(SIGUSR2)
                server.program.letTimePass(.milliseconds(Int(delay)))
                server.program.order(SIGHUP)
                // Signals that come together have no order: this may be a reload and then an upgrade.
                #expect(server.program.logs("] reloaded\n"), "\(server.program.error)")
                #expect(server.program.logs("] the old master has exited"))
                server.program.order(SIGTERM)
                try endAll(server)
            }
        }

        @Test func anUpgradeDuringAReloadIsCarriedOutAfterIt() throws {
            try doomed { server, doom in
                try doom("slow")
                server.program.signal(SIGHUP)
                #expect(server.program.becomesTrue(within: .seconds(5)) { server.workers.count == 3 })
                server.program.signal(SIGUSR2)
                #expect(server.program.logs("order=upgrade"))
                try doom(nil)
                #expect(server.program.logs("] took over from the old master", within: .seconds(10)))
                #expect(lines(server, "] reloaded\n") == 1, "\(server.program.error)")
                server.program.order(SIGTERM)
                try endAll(server)
            }
        }

        @Test(arguments: [0, 5, 10, 20, 30, 50, 80] as [UInt32])
        func termAfterUSR2EndsTheService(_ delay: UInt32) throws {
            let server = try TestedServer.everycore()
            server.program.signal(SIGUSR2)
            server.program.letTimePass(.milliseconds(Int(delay)))
            server.program.order(SIGTERM)
            try endAll(server)
        }

        @Test(arguments: [[SIGHUP, SIGHUP, SIGTERM], [SIGHUP, SIGUSR2, SIGTERM], [SIGUSR2, SIGHUP, SIGTERM], [SIGTERM, SIGUSR2, SIGHUP]])
        func ordersInAnyOrderEndWithTheOrderToStop(_ orders: [Int32]) throws {
            for delay in [0, 3, 15] as [UInt32] {
                let server = try TestedServer.everycore()
                for order in orders {
                    server.program.order(order)
                    server.program.letTimePass(.milliseconds(Int(delay)))
                }
                try endAll(server)
            }
        }

        @Test func anOldMasterSendsNothingMoreToTheServiceManager() throws {
            let socket = try NotifySocket("@everycore-\(getpid())-role-\(UInt32.random(in: 0...UInt32.max))")
            let server = try TestedServer.everycore(environment: ["NOTIFY_SOCKET": socket.name])
            let old = server.program.pid
            #expect(socket.hears("MAINPID=\(old)") != nil)
            server.program.signal(SIGUSR2)
            #expect(server.program.logs("] upgrading\n"))
            server.program.order(SIGHUP)
            #expect(server.program.logs("] reloaded\n"))
            let master = try #require(server.program.successors.last)
            #expect(socket.hears("RELOADING=1") != nil)
            #expect(server.program.logs("] the old master has exited"))
            _ = socket.hears("never", within: .milliseconds(200))
            let pids = socket.heard.joined(separator: "\n").split(separator: "\n").filter { $0.hasPrefix("MAINPID=") }
            #expect(pids.last == "MAINPID=\(master)")
            #expect(pids.drop { $0 == "MAINPID=\(old)" }.allSatisfy { $0 == "MAINPID=\(master)" }, "\(pids)")
            server.program.order(SIGTERM)
            try endAll(server)
        }
    }
}
