// Workers whose loop doesn't turn: those that are stuck are ended and named, those that got no CPU or were stopped are left alone.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AWorkerThatDoesNotTurnItsLoop {
        private static let limit = "stuck.limit=500ms"
        private static let noTraces = ["SWIFT_BACKTRACE": "enable=no"]

        private func lines(_ server: TestedServer, _ text: String) -> [Substring] {
            server.program.collect()
            return server.program.error.split(separator: "\n").filter { $0.contains(text) }
        }

        @Test(arguments: ["/burn?ms=60000", "/slow?ms=10000", "/burn-async?ms=60000"])
        func becauseItIsStuckIsKilledAndTheRequestNamed(_ target: String) throws {
            // No connection goes to the successor.
            let server = try TestedServer.harmful(Self.limit, "balance=false", environment: Self.noTraces)
            let (other, sibling) = try server.connect(toSlot: 1)
            let (client, who) = try server.connect(toSlot: 0)
            let start = ContinuousClock.now
            client.request("GET", target)
            #expect(client.awaitEnd(within: .seconds(10)) != nil)
            // Not before the limit, with the resolution of the kernel's count.
            #expect(ContinuousClock.now - start > .milliseconds(450))
            #expect(server.program.logs("] worker died\n"))
            let path = target.prefix { $0 != "?" }
            let line = try #require(lines(server, "killing a stuck worker").first)
            for text in ["request=GET \(path) ", "request_age=", "worker=0", "gen=1", "pid=\(who.pid)", "limit=0.500s"] {
                #expect(line.contains(text), "\(text): \(line)")
            }
            #expect(lines(server, "stuck=yes").first?.hasSuffix("] worker died") == true)
            #expect(try server.getAdmin("/stats").body.contains(#""kind":"stuck","reason":"SIGABRT","voluntary":false"#))
            #expect(try other.whoami() == sibling)
            other.leave()
            try server.awaitReady(2)
            #expect(try server.connect(toSlot: 0).who.generation == 2)
            #expect(lines(server, "killing a stuck worker").count == 1)
            #expect(server.stop() == 0)
        }

        @Test func becauseItIsStoppedIsLeftAloneAndLoggedOnce() throws {
            let server = try TestedServer.harmful(Self.limit)
            let (client, who) = try server.connect(toSlot: 0)
            kill(who.pid, SIGSTOP)
            #expect(server.program.logs("it isn't killed"))
            #expect(
                server.program.becomesTrue(within: .seconds(2)) {
                    (try? server.stats().workers[0].state) == "unresponsive"
                })
            server.program.letTimePass(.milliseconds(1500))  // Three times the limit.
            kill(who.pid, SIGCONT)
            #expect(server.program.logs("worker responds again"))
            #expect(try client.whoami() == who)
            #expect(try server.stats().workers[0].state == "ready")
            client.leave()
            #expect(lines(server, "it isn't killed").count == 1)
            #expect(lines(server, "killing").isEmpty)
            #expect(server.stop() == 0)
        }

        @Test func inTheEyesOfAMasterThatWasHeldUpIsLeftAlone() throws {
            let server = try TestedServer.harmful(Self.limit)
            let workers = server.workers
            // The master alone, then all of them as on a suspended machine; the master wakes first.
            for all in [false, true] {
                let held = [server.program.pid] + (all ? ProcessTable.children(of: server.program.pid) : [])
                for pid in held { kill(pid, SIGSTOP) }
                server.program.letTimePass(.milliseconds(1500))
                for pid in held { kill(pid, SIGCONT) }
                server.program.letTimePass(.milliseconds(400))  // Several looks.
                #expect(try server.get("/plaintext").status == 200)
            }
            #expect(server.workers == workers)
            #expect(lines(server, "killing").isEmpty)
            #expect(server.stop() == 0)
        }

        /// New connections, each with a request, one after the other: the longest time until an answer.
        private func slowestAnswer(_ server: TestedServer, _ count: Int) throws -> Duration {
            var slowest = Duration.zero
            for _ in 0..<count {
                let start = ContinuousClock.now
                #expect(try server.get("/plaintext").status == 200)
                slowest = max(slowest, ContinuousClock.now - start)
                server.program.letTimePass(.milliseconds(5))
            }
            return slowest
        }

        @Test(arguments: ["port=0", "listen=/tmp/everycore-stuck-\(getpid()).socket"])
        func getsNoNewConnections(_ listen: String) throws {
            let server = try TestedServer.harmful(listen, environment: Self.noTraces)
            let (client, who) = try server.connect(toSlot: 1)
            client.request("GET", "/slow?ms=2500")
            server.awaitHeld([who.pid])
            #expect(try slowestAnswer(server, 48) < .milliseconds(250))
            #expect(server.program.logs("worker is stuck: a sibling accepts for it"))
            #expect(lines(server, "worker is stuck").first?.contains("request=GET /slow ") == true)
            #expect(try client.reply().body == "slow\n")
            client.leave()
            #expect(server.stop() == 0)
        }

        @Test(arguments: [1, 2]) func whileNoOtherServesGetsOthersInItsPlaceAndMayFinish(_ workers: Int) throws {
            let server = try TestedServer.harmful(
                "listen=/tmp/everycore-standin-\(getpid()).socket", workers: workers, environment: Self.noTraces)
            let clients = try (0..<workers).map { try server.connect(toSlot: $0).connection }
            for client in clients { client.request("GET", "/slow?ms=4000") }
            server.awaitHeld(server.workers)
            #expect(try slowestAnswer(server, 1) < .milliseconds(2900))
            #expect(try slowestAnswer(server, 20) < .milliseconds(250))
            #expect(try server.get("/whoami").identity().generation == 2)
            #expect(lines(server, "no worker serves: starting others in their place").count == 1)
            #expect(lines(server, "worker is stuck, and no other worker serves").count == workers)
            for client in clients { #expect(try client.reply().body == "slow\n") }
            #expect(server.program.becomesTrue(within: .seconds(3)) { lines(server, "] worker exited").count == workers })
            #expect(lines(server, "killing").isEmpty)
            for client in clients { client.leave() }
            #expect(server.workers.count == workers)
            #expect(server.stop() == 0)
        }

        @Test func forManyRequestsInOneTurnGetsOthersInItsPlaceAndTheRouteIsQuarantined() throws {
            let server = try TestedServer.harmful("port=0", "timeouts.drain=1s", environment: Self.noTraces)
            // Another route answers most requests.
            for _ in 0..<60 { #expect(try server.get("/plaintext").status == 200) }
            server.program.letTimePass(.milliseconds(1100))
            let clients = try (0..<16).map { _ in try server.connect() }
            for client in clients { client.request("GET", "/slow?ms=700") }
            server.awaitHeld(server.workers)
            #expect(try slowestAnswer(server, 1) < .milliseconds(3500))
            #expect(server.program.logs("quarantine began", within: .seconds(4)))
            for _ in 0..<2 { for client in clients { client.request("GET", "/slow?ms=700") } }
            #expect(try slowestAnswer(server, 40) < .milliseconds(1000))
            #expect(lines(server, "quarantine began").first?.contains("route=GET /slow") == true)
            #expect(lines(server, "worker is stuck").count <= 4)
            for client in clients { client.leave() }
            #expect(server.stop() == 0)
        }

        @Test func whenMoreAreStuckThanThereAreWorkersTheLongestStuckOneIsKilled() throws {
            let server = try TestedServer.harmful("stuck.stand_in=300ms", "timeouts.drain=500ms", workers: 1, environment: Self.noTraces)
            // Each another one: stand-ins aren't given requests of a kind that already blocks a worker.
            for (generation, target) in zip(1...3, ["/spin", "/loop-async", "/slow?ms=10000"]) {
                let client = try server.connect()
                let who = try client.whoami()
                #expect(who.generation == generation)
                client.request("GET", target)
                // What comes sooner may be answered first.
                server.awaitHeld([who.pid])
                #expect(try slowestAnswer(server, 1) < .seconds(3))
            }
            #expect(server.program.logs("more are stuck than there are workers"))
            #expect(lines(server, "killing a stuck worker").count == 2)
            #expect(server.stop() == 0)
        }

        @Test func becauseOfManyRequestsOfOneKindTakesNoOtherAlong() throws {
            let server = try TestedServer.harmful("stuck.stand_in=500ms", "timeouts.drain=500ms", workers: 2, environment: Self.noTraces)
            let holders = try (0..<8).map { _ in try server.connect() }
            for client in holders { client.request("GET", "/spin") }
            server.awaitHeld(server.workers)
            // A stand-in that took one of the six waiting requests would be blocked too.
            #expect(try slowestAnswer(server, 1) < .milliseconds(1500))
            #expect(try slowestAnswer(server, 20) < .milliseconds(250))
            #expect(lines(server, "no worker serves: starting others in their place").count == 1)
            #expect(try server.get("/whoami").identity().generation == 2)
            for client in holders { client.leave() }
            #expect(server.stop() == 0)
        }

        private static func cpuGroup() -> ControlGroup? {
            ControlGroup(
                "cpu", version1: [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", "2000")], version2: [("cpu.max", "2000 100000")])
        }

        @Test(.enabled("needs a control group of one's own") { cpuGroup() != nil })
        func becauseItsControlGroupIsThrottledIsLeftAlone() throws {
            let group = try #require(Self.cpuGroup())
            let server = try TestedServer.harmful(Self.limit)
            let (client, who) = try server.connect(toSlot: 0)
            #expect(group.set("cgroup.procs", "\(who.pid)"))
            // 60 ms of CPU at 2 ms in every 100: some 3 s in which the loop doesn't turn, six times the limit.
            let start = ContinuousClock.now
            client.request("GET", "/burn?ms=60")
            #expect(try client.reply(within: .seconds(20)).body == "burnt\n")
            #expect(ContinuousClock.now - start > .milliseconds(1500))
            #expect(lines(server, "killing").isEmpty)
            #expect(try client.whoami() == who)
            client.leave()
            #expect(server.stop() == 0)
            withExtendedLifetime(group) {}
        }
    }
}
