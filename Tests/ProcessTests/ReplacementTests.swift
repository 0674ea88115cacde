// Workers that are replaced, added and taken away while clients are served: reloads, scaling, and what the clients notice.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AWorkerThatIsWell {
        private func generations(_ server: TestedServer) throws -> [Int] { try server.stats().workers.map(\.generation) }

        @Test func isReplacedByAReloadWithoutALossToItsClients() throws {
            let server = try TestedServer.everycore()
            try server.awaitReady(2)
            let watch = try Watch(server, follows: true)
            for reload in 2...4 {
                server.program.signal(SIGHUP)
                #expect(server.program.becomesTrue(within: .seconds(5)) { server.program.error.ranges(of: "] reloaded\n").count == reload - 1 })
                try watch.run(within: .milliseconds(100)) { false }
                #expect(try generations(server) == [reload, reload])
            }
            watch.finish()
            #expect(watch.losses.isEmpty, "\(watch.losses)")
            #expect(watch.probeFailures.isEmpty && watch.refusals.isEmpty)
            #expect(Set(watch.clients.map(\.who.generation)) == [4], "connections move to the new workers")
            #expect(try server.stats().total.restarts == 0)
            #expect(server.program.becomesTrue(within: .seconds(3)) { ProcessTable.children(of: server.program.pid).count == 3 })
            #expect(server.stop() == 0)
        }

        @Test func isReplacedByAReloadThatCameWhileAnotherOneStarted() throws {
            for _ in 0..<5 {
                let server = try TestedServer.everycore()
                // A worker accepts shortly before the master knows that it is ready.
                let connection = try server.connect()
                server.program.signal(SIGHUP)
                #expect(server.program.logs("] reloaded\n"))
                #expect(try generations(server) == [2, 2])
                connection.leave()
                #expect(server.stop() == 0)
            }
        }

        @Test func finishesWhatIsInFlightBeforeItGoes() throws {
            let server = try TestedServer.everycore()
            try server.awaitReady(2)
            let (client, who) = try server.connect(toSlot: 0)
            client.request("GET", "/sleep?ms=500")
            server.program.signal(SIGHUP)
            #expect(server.program.logs("] reloaded\n"))
            #expect(try client.reply().body == "slept 500 ms\n")
            // And the connection goes on with another worker; what comes together with the answer's end is still the old one's.
            #expect(
                server.program.becomesTrue(within: .seconds(2)) {
                    guard let now = try? client.whoami() else { return false }
                    return now.pid != who.pid && now.generation == 2
                })
            client.leave()
            #expect(server.stop() == 0)
        }

        @Test func servesByTheFileThatIsReadAnew() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-reload.yaml"
            defer { unsafe unlink(path) }
            try "limits:\n  body: 10\n".write(toFile: path, atomically: true, encoding: .utf8)
            let server = try TestedServer.everycore("--config", path)
            func status() throws -> Int {
                let client = try server.connect()
                client.send("POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 20\r\n\r\n01234567890123456789")
                return try client.reply().status
            }
            #expect(try status() == 413)
            try "limits:\n  body: 20\n".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("] reloaded\n"))
            #expect(try status() == 200)
            try "limits:\n  bodi: 30\n".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("not reloaded, nothing has changed: \(path):2"))
            #expect(try status() == 200)
            try "port: 1\n".write(toFile: path, atomically: true, encoding: .utf8)
            #expect(try generations(server) == [2, 2])
            #expect(server.stop() == 0)
        }

        @Test func staysWhenItsSuccessorsFail() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-doom"
            defer { unsafe unlink(path) }
            let server = try TestedServer.harmful("doomed_by=\(path)", "respawn.young=300ms")
            let watch = try Watch(server, follows: true)
            try "throw".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("a new worker failed before it was ready"))
            try watch.run(within: .milliseconds(200)) { false }
            #expect(Set(watch.clients.map(\.who.generation)) == [1])
            watch.finish()
            // These become ready, and die 50 ms later, with nothing to do.
            try "late".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("reason=a new worker failed to start"))
            unsafe unlink(path)
            #expect(server.program.logs("reload rolled back"))
            #expect(watch.refusals.isEmpty)
            try server.awaitReady(2)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("] reloaded\n"))
            #expect(server.stop() == 0)
        }

        @Test func survivesTheEndOfNewWorkersByKillsAfterAReload() throws {
            let server = try TestedServer.harmful("respawn.young=100ms")
            server.program.signal(SIGHUP)
            #expect(server.program.logs("] reloaded\n"))
            for generation in 2...3 {
                let who = try server.connect(toSlot: 0).who
                #expect(who.generation == generation)
                kill(who.pid, SIGKILL)
            }
            #expect(server.program.becomesTrue(within: .seconds(2)) { server.program.error.ranges(of: "] worker died\n").count == 2 })
            try server.awaitReady(2)
            #expect(!server.program.error.contains("reload failed"))
            #expect(server.stop() == 0)
        }

        @Test func isAloneAndSurvivesASuccessorWhoseStartFails() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-alone"
            defer { unsafe unlink(path) }
            let server = try TestedServer.harmful("doomed_by=\(path)", "respawn.young=100ms", "respawn.give_up=1s", workers: 1)
            _ = server.program.becomesTrue(within: .milliseconds(1200)) { false }
            try "late".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("reason=a new worker failed to start"))
            unsafe unlink(path)
            #expect(server.program.logs("reload rolled back"))
            #expect(try server.get("/plaintext").status == 200)
            #expect(server.stop() == 0)
        }

        @Test func isReplacedByAReloadAlsoWhenItOnlyStarts() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-starts"
            defer { unsafe unlink(path) }
            let server = try TestedServer.harmful("doomed_by=\(path)")
            let victim = try server.connect(toSlot: 1).who
            _ = server.program.becomesTrue(within: .milliseconds(1100)) { false }
            try "slow".write(toFile: path, atomically: true, encoding: .utf8)
            kill(victim.pid, SIGKILL)
            #expect(server.program.logs("worker died"))
            #expect(server.program.becomesTrue(within: .seconds(1)) { server.workers.count == 2 })
            unsafe unlink(path)
            server.program.signal(SIGHUP)
            #expect(server.program.logs("] reloaded\n"))
            #expect(try server.stats().workers.map(\.generation) == [2, 3])
            #expect(server.stop() == 0)
        }

        @Test func isNotWaitedForByAReloadWhenItIsTakenAway() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-away"
            defer { unsafe unlink(path) }
            let server = try TestedServer.harmful("doomed_by=\(path)")
            try "slow".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGHUP)
            // Slot 0 has its new worker, and that of slot 1 starts.
            #expect(server.program.becomesTrue(within: .seconds(5)) { (try? server.stats().workers.first?.generation) == 2 })
            unsafe unlink(path)
            server.program.signal(SIGTTOU)
            #expect(server.program.logs("] reloaded\n"))
            server.program.signal(SIGHUP)
            #expect(server.program.becomesTrue(within: .seconds(5)) { server.program.error.ranges(of: "] reloaded\n").count == 2 })
            #expect(server.stop() == 0)
        }

        @Test func getsSiblingsAndLosesThemWithoutALossToAnyClient() throws {
            let server = try TestedServer.everycore()
            try server.awaitReady(2)
            let watch = try Watch(server, follows: true)
            func scale(_ signal: Int32, to count: Int) throws {
                server.program.signal(signal)
                #expect(try watch.run(within: .seconds(5)) { try server.stats().workers.map(\.slot) == Array(0..<count) })
                try server.awaitReady(count)
            }
            try scale(SIGTTIN, to: 3)
            try scale(SIGTTIN, to: 4)
            for count in [3, 2, 1] { try scale(SIGTTOU, to: count) }
            server.program.signal(SIGTTOU)
            #expect(server.program.logs("can't scale any further"))
            #expect(try watch.run(within: .seconds(5)) { watch.clients.allSatisfy { $0.who.worker == 0 } })
            try scale(SIGTTIN, to: 2)
            watch.finish()
            #expect(watch.losses.isEmpty && watch.refusals.isEmpty && watch.probeFailures.isEmpty)
            let stats = try server.stats()
            #expect(stats.total.restarts == 0)
            #expect(zip(watch.totals, watch.totals.dropFirst()).allSatisfy { $0 <= $1 }, "\(watch.totals)")
            #expect(server.stop() == 0)
        }

        @Test func goesOnTermWhenItsSuccessorIsReadyHoweverYoungItIs() throws {
            let server = try TestedServer.everycore(workers: 1)
            var current = try server.get("/whoami").identity()
            for generation in 2...4 {
                kill(current.pid, SIGTERM)
                let (client, since) = (try server.connect(), ContinuousClock.now)
                _ = try client.whoami()
                #expect(ContinuousClock.now - since < .milliseconds(75))
                client.leave()
                // Its predecessor may take a connection for a moment longer.
                let isThere = server.program.becomesTrue(within: .seconds(3)) {
                    current = (try? server.get("/whoami").identity()) ?? current
                    return current.generation == generation
                }
                #expect(isThere)
            }
            #expect(try server.stats().total.restarts == 0)
            #expect(server.stop() == 0)
        }

        @Test func comesAndGoesWithTheUsableCores() throws {
            let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
            let all = try #require(status.firstMatch(of: /Cpus_allowed_list:\s*([0-9,-]+)/)).1
            let first = all.prefix { $0.isNumber }
            try #require(all != first, "this takes two cores")
            let server = try TestedServer.everycore(workers: nil)
            let cores = try server.stats().server.workers_wanted
            func bind(to list: Substring) throws {
                let taskset = try Process.run(URL(fileURLWithPath: "/usr/bin/env"), arguments: ["taskset", "-pc", "\(list)", "\(server.program.pid)"])
                taskset.waitUntilExit()
                try #require(taskset.terminationStatus == 0)
            }
            try bind(to: first)
            #expect(server.program.becomesTrue(within: .seconds(6)) { (try? server.stats().workers.count) == 1 })
            #expect(server.program.logs("the usable cores have changed"))
            try bind(to: all)
            #expect(server.program.becomesTrue(within: .seconds(6)) { (try? server.stats().server.workers_ready) == cores })
            #expect(server.stop() == 0)
        }

        @Test func acceptsForASiblingThatIsStuckOrStopped() throws {
            let server = try TestedServer.everycore()
            try server.awaitReady(2)
            let victim = try server.connect(toSlot: 0).who
            kill(victim.pid, SIGSTOP)
            // Every new connection is served, in whichever queue it waits.
            for _ in 0..<40 { #expect(try server.get("/whoami").identity().worker == 1) }
            kill(victim.pid, SIGCONT)
            let isBack = server.program.becomesTrue(within: .seconds(5)) { (try? server.get("/whoami").identity().worker) == 0 }
            #expect(isBack)
            #expect(server.stop() == 0)
        }
    }
}
