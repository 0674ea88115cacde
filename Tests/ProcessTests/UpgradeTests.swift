// A master that is replaced by a new program while its clients are served, also when that fails.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AnUpgrade {
        private func lines(_ server: TestedServer, _ text: String) -> Int { server.program.error.ranges(of: text).count }

        /// Has the present master upgrade itself, and waits until it has gone.
        private func upgrade(_ server: TestedServer, _ master: pid_t, _ meanwhile: () throws -> Void = {}) throws -> pid_t {
            let before = lines(server, "] the old master has exited")
            kill(master, SIGUSR2)
            var isOver = false
            for _ in 0..<2000 where !isOver {
                try meanwhile()
                isOver = server.program.becomesTrue(within: .milliseconds(5)) { lines(server, "] the old master has exited") > before }
            }
            try #require(isOver, "\(server.program.error)")
            return try #require(server.program.successors.last)
        }

        private func stop(_ server: TestedServer, _ master: pid_t) {
            kill(master, SIGTERM)
            #expect(server.program.becomesTrue(within: .seconds(8)) { server.program.members.isEmpty })
            server.program.collect()
        }

        @Test func keepsEveryConnectionAndEveryCount() throws {
            let server = try TestedServer.everycore()
            try server.awaitReady(2)
            let watch = try Watch(server, follows: true)
            var master = server.program.pid
            for upgrade in 2...3 {
                master = try self.upgrade(server, master) { try watch.run(within: .milliseconds(2)) { false } }
                try watch.run(within: .milliseconds(100)) { false }
                #expect(Set(watch.clients.map(\.who.generation)) == [upgrade])
            }
            watch.finish()
            #expect(watch.losses.isEmpty && watch.refusals.isEmpty && watch.probeFailures.isEmpty)
            #expect(server.program.wait(within: .seconds(2)) == 0, "the first master has left in order")
            let answered = watch.answered + watch.probesAnswered + watch.asked
            // One more was asked whether it is there.
            #expect(try server.stats().total.requests >= answered)
            #expect(zip(watch.totals, watch.totals.dropFirst()).allSatisfy { $0 <= $1 }, "\(watch.totals)")
            stop(server, master)
            #expect(server.program.output.contains("restarts    0"))
        }

        @Test func thatFailsChangesNothing() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-upgrade.yaml"
            defer { unsafe unlink(path) }
            try "limits:\n  body: 10\n".write(toFile: path, atomically: true, encoding: .utf8)
            let server = try TestedServer.everycore("--config", path)
            let watch = try Watch(server, follows: true)
            try "limits:\n  bodi: 10\n".write(toFile: path, atomically: true, encoding: .utf8)
            for failure in 1...2 {
                server.program.signal(SIGUSR2)
                #expect(try watch.run(within: .seconds(10)) { lines(server, "] the upgrade failed: this master stays") == failure })
            }
            try watch.run(within: .milliseconds(100)) { false }
            watch.finish()
            #expect(watch.losses.isEmpty && watch.refusals.isEmpty && watch.probeFailures.isEmpty)
            #expect(Set(watch.clients.map(\.who.generation)) == [1])
            #expect(server.stop() == 0)
        }

        @Test func whoseWorkersFailLeavesTheOldOnesAlone() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-upgrade-doom"
            defer { unsafe unlink(path) }
            let server = try TestedServer.harmful("doomed_by=\(path)")
            let watch = try Watch(server, follows: true)
            try "throw".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGUSR2)
            #expect(try watch.run(within: .seconds(10)) { lines(server, "] the upgrade failed: this master stays") == 1 })
            try watch.run(within: .milliseconds(100)) { false }
            #expect(watch.losses.isEmpty && watch.refusals.isEmpty && watch.probeFailures.isEmpty)
            unsafe unlink(path)
            let master = try upgrade(server, server.program.pid) { try watch.run(within: .milliseconds(2)) { false } }
            watch.finish()
            #expect(watch.losses.isEmpty && watch.refusals.isEmpty && watch.probeFailures.isEmpty)
            #expect(server.program.wait(within: .seconds(2)) == 0)
            stop(server, master)
        }

        /// A server with an upgrade under way, whose new workers take a second to start.
        private func waiting(_ body: (TestedServer) throws -> Void) throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-upgrade-slow"
            defer { unsafe unlink(path) }
            let server = try TestedServer.harmful("doomed_by=\(path)")
            try "slow".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGUSR2)
            // The new master, and its first worker.
            #expect(
                server.program.becomesTrue(within: .seconds(5)) {
                    server.program.successors.last.map { !ProcessTable.children(of: $0).isEmpty } ?? false
                })
            try body(server)
        }

        @Test(arguments: [SIGTERM, SIGQUIT])
        func thatWaitsEndsWithTheOrderToStop(_ signal: Int32) throws {
            try waiting { server in
                #expect(server.stop(signal) == 0)
                #expect(server.program.becomesTrue(within: .seconds(2)) { server.program.members.isEmpty })
            }
        }

        @Test func isNotDisturbedByScaling() throws {
            try waiting { server in
                server.program.signal(SIGTTIN)
                #expect(server.program.logs("no scaling now"))
                #expect(server.program.logs("] the old master has exited"))
                // A worker accepts from every queue.
                for _ in 0..<40 { #expect(try server.get("/plaintext", within: .seconds(2)).status == 200) }
                stop(server, try #require(server.program.successors.last))
            }
        }

        @Test func toMoreWorkersThatFailsLeavesNoQueueWithoutAnOwner() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-upgrade-more.yaml"
            defer { unsafe unlink(path) }
            try "workers: 1\n".write(toFile: path, atomically: true, encoding: .utf8)
            let server = try TestedServer.everycore("--config", path, workers: nil)
            try "workers: 4\n".write(toFile: path, atomically: true, encoding: .utf8)
            server.program.signal(SIGUSR2)
            // Before its workers are ready; a machine that is too fast for this has no failure to look at.
            _ = server.program.becomesTrue(within: .seconds(5)) {
                server.program.successors.last.map { !ProcessTable.children(of: $0).isEmpty } ?? false
            }
            kill(try #require(server.program.successors.last), SIGKILL)
            _ = server.program.logs("] the upgrade failed: this master stays")
            for _ in 0..<40 { #expect(try server.get("/plaintext", within: .seconds(2)).status == 200) }
            #expect(server.stop() == 0)
        }

        @Test func passesTheSocketsOfTheFileSystemOn() throws {
            let path = NSTemporaryDirectory() + "everycore-\(getpid())-upgrade.sock"
            let server = try TestedServer.everycore(admin: path)
            let master = try upgrade(server, server.program.pid)
            #expect(try server.stats().server.workers_ready == 2)
            #expect(server.program.wait(within: .seconds(2)) == 0)
            stop(server, master)
            #expect(unsafe access(path, F_OK) != 0, "the last master removes them")
        }

        @Test(.enabled(if: geteuid() == 0, "needs root"))
        func inAContainerKeepsItsFirstProcess() throws {
            let server = try TestedServer.everycore(wrapper: ["unshare", "--pid", "--fork", "--kill-child"], isInside: true)
            let first = server.master
            for count in 1...2 {
                kill(first, SIGUSR2)
                #expect(server.program.becomesTrue(within: .seconds(10)) { lines(server, "] took over from the old master") == count })
                #expect(server.program.becomesTrue(within: .seconds(10)) { lines(server, "] the old master has exited") == count })
                #expect(try server.get("/plaintext").status == 200)
            }
            kill(first, SIGTERM)
            #expect(server.program.wait(within: .seconds(8)) == 0)
        }

        /// A container whose first process still hands over, with a request in flight.
        private func handingOver(_ body: (_ server: TestedServer, _ newMaster: pid_t, _ client: Connection) throws -> Void) throws {
            let server = try TestedServer.everycore(wrapper: ["unshare", "--pid", "--fork", "--kill-child"], isInside: true)
            let client = try server.connect()
            // Its content is still to come.
            client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
            for slot in 0...1 { try server.connect(toSlot: slot).connection.leave() }
            let before = Set(ProcessTable.children(of: server.master))
            kill(server.master, SIGUSR2)
            #expect(server.program.logs("] took over from the old master"))
            let newMaster = ProcessTable.children(of: server.master).first { !before.contains($0) }
            try body(server, try #require(newMaster), client)
        }

        @Test(.enabled(if: geteuid() == 0, "needs root"))
        func inAContainerEndsItWhenTheNewMasterDiesBeforeTheOldOneIsDone() throws {
            try handingOver { server, newMaster, client in
                kill(newMaster, SIGKILL)
                client.send("hello")
                let reply = try client.reply()
                #expect(reply.status == 200)
                client.leave()
                #expect(server.program.wait(within: .seconds(4)) == 128 + SIGKILL)
            }
        }

        @Test(.enabled(if: geteuid() == 0, "needs root"))
        func inAContainerIsToldToStopWhileTheOldMasterHandsOver() throws {
            try handingOver { server, _, client in
                kill(server.master, SIGTERM)
                #expect(server.program.logs("too late to cancel the upgrade: handing over"))
                client.send("hello")
                let reply = try client.reply()
                #expect(reply.status == 200)
                client.leave()
                #expect(server.program.wait(within: .seconds(4)) == 0)
            }
        }
    }
}
