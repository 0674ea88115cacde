// Processes that die: workers that are killed or whose handlers crash, and the master. Which clients notice, for how long, and the counts.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ADeadProcess {
        /// From a worker's death to its successor's first answer.
        private static let replacementTime = Duration.milliseconds(50)

        /// Younger workers that die are replaced after a pause.
        private func awaitAdulthood(_ server: TestedServer) throws {
            try server.awaitReady(2)
            let areAdults = server.program.becomesTrue(within: .seconds(3)) {
                (try? server.stats().workers.allSatisfy { $0.uptime_seconds >= 1.02 }) == true
            }
            #expect(areAdults)
        }

        @Test func thatWasAWorkerIsReplacedUnderLoadAndCostsOnlyItsOwnConnections() throws {
            let server = try TestedServer.everycore()
            var times: [Duration] = []
            repeat {
                times.append(try killWorker(server, generation: times.count + 1))
                print("killed under load: replaced after \(times)")
            } while times.count < 3 && times.allSatisfy { $0 >= Self.replacementTime }
            #expect(times.contains { $0 < Self.replacementTime }, "took \(times)")
            let stats = try server.stats()
            #expect(stats.total.restarts == times.count)
            #expect(stats.workers.map(\.generation) == [1, times.count + 1])
            #expect(server.program.error.contains("SIGKILL"))
            #expect(server.stop() == 0)
            #expect(server.program.output.contains("requests    \(stats.total.requests) ("))
        }

        /// Kills the worker in slot 1 under load. Returns how long it took until its successor answered.
        private func killWorker(_ server: TestedServer, generation: Int) throws -> Duration {
            try awaitAdulthood(server)
            let base = try server.stats().total.requests
            let watch = try Watch(server, perWorker: 8)
            try watch.run(within: .milliseconds(200)) { false }
            let victim = try #require(watch.clients.first { $0.who.worker == 1 }).who
            #expect(victim.generation == generation)
            let diedAt = ContinuousClock.now
            kill(victim.pid, SIGKILL)
            #expect(try watch.run(within: .seconds(2)) { watch.first(ofSlot: 1, generation: generation + 1) != nil })
            let replacedAt = try #require(watch.first(ofSlot: 1, generation: generation + 1))
            try watch.run(within: .milliseconds(200)) { false }
            watch.finish()
            #expect(watch.totals.count > 10)
            #expect(zip(watch.totals, watch.totals.dropFirst()).allSatisfy { $0 <= $1 }, "\(watch.totals)")
            #expect(watch.losses.count == 8)
            #expect(watch.losses.allSatisfy { $0.who == victim }, "\(watch.losses)")
            #expect(watch.refusals == [])
            // A probe that the dead worker had accepted fails with it.
            #expect(watch.probeFailures.count <= 4)
            let total = try server.stats().total.requests
            let answered = base + watch.answered + watch.probesAnswered + watch.asked
            let inFlight = watch.losses.count + watch.probeFailures.count
            #expect(total >= answered && total <= answered + inFlight, "\(total), \(answered) answered, \(inFlight) in flight")
            return replacedAt - diedAt
        }

        @Test func thatWasTheMasterTakesEveryWorkerWithIt() throws {
            let server = try TestedServer.harmful()
            // Also those whose loop doesn't turn.
            for target in ["/spin", "/hang"] { try server.connect().request("GET", target) }
            #expect(server.program.becomesTrue(within: .seconds(5)) { ProcessTable.children(of: server.program.pid).count == 3 })
            let children = ProcessTable.children(of: server.program.pid)
            server.program.signal(SIGKILL)
            let isOver = server.program.becomesTrue(within: .seconds(1)) { !children.contains(where: ProcessTable.isAlive) }
            #expect(isOver)
            #expect(server.program.wait(within: .seconds(1)) == -SIGKILL)
        }

        /// Where the toolchain's backtracer is: a program with Swift's libraries in it doesn't find it by itself.
        private static let backtracer: String = {
            let folders = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? ""
            for folder in folders.split(separator: ":") {
                guard let path = unsafe realpath("\(folder)/swift", nil) else { continue }
                defer { unsafe free(path) }
                let toolchain = unsafe String(cString: path).split(separator: "/").dropLast(2).joined(separator: "/")
                let program = "/\(toolchain)/libexec/swift/linux/swift-backtrace"
                if unsafe access(program, X_OK) == 0 { return ",swift-backtrace=\(program)" }
            }
            return ""
        }()

        static let crashes = ["/trap", "/abort", "/overflow", "/trap-async"]

        @Test(arguments: crashes, ["enable=no", "enable=yes"])
        func whoseHandlerCrashedIsReplacedAtOnce(_ target: String, _ backtrace: String) throws {
            let server = try TestedServer.harmful(environment: ["SWIFT_BACKTRACE": backtrace + Self.backtracer])
            // Others use the machine, too, and may make a replacement late once, but hardly three times.
            var times: [Duration] = []
            repeat {
                times.append(try crash(server, target, generation: times.count + 1))
                print("\(target) \(backtrace): replaced after \(times)")
            } while times.count < 3 && times.allSatisfy { $0 >= Self.replacementTime }
            #expect(times.contains { $0 < Self.replacementTime }, "took \(times)")
            if backtrace == "enable=yes" { #expect(server.program.logs("crashed", within: .seconds(10))) }
            // Each is held by the backtracer until its trace is written.
            let areReaped = server.program.becomesTrue(within: .seconds(10)) {
                server.program.error.ranges(of: "] worker died\n").count == times.count
            }
            #expect(areReaped, "\(server.program.error)")
            let line = server.program.error.split(separator: "\n").first { $0.contains("worker died") } ?? ""
            #expect(line.contains("worker=0") && line.contains("gen=1"), "\(line)")
            #expect(line.contains("request=GET \(target) "), "\(line)")
            #expect(server.stop() == 0)
        }

        @Test func hasOneBacktraceForEachRouteAndMinute() throws {
            let server = try TestedServer.harmful(environment: ["SWIFT_BACKTRACE": "enable=yes" + Self.backtracer])
            for (count, target) in ["/trap", "/trap", "/abort", "/trap", "/abort"].enumerated() {
                let client = try server.connect()
                client.request("GET", target)
                #expect(client.awaitEnd() != nil)
                let isReaped = server.program.becomesTrue(within: .seconds(20)) {
                    server.program.error.ranges(of: "] worker died\n").count == count + 1
                }
                #expect(isReaped, "\(server.program.error)")
            }
            #expect(server.program.error.ranges(of: "rogram crashed").count == 2, "\(server.program.error)")
            #expect(server.stop() == 0)
        }

        /// Makes the worker in slot 0 crash while clients watch. Returns how long it took until its successor answered.
        private func crash(_ server: TestedServer, _ target: String, generation: Int) throws -> Duration {
            try awaitAdulthood(server)
            let watch = try Watch(server)
            let (client, victim) = try server.connect(toSlot: 0)
            #expect(victim.generation == generation)
            try watch.run(within: .milliseconds(50)) { false }
            watch.doomed = client
            client.request("GET", target)
            #expect(try watch.run(within: .seconds(3)) { watch.first(ofSlot: 0, generation: generation + 1) != nil })
            let replacedAt = try #require(watch.first(ofSlot: 0, generation: generation + 1))
            // The backtracer is at work now. No client may notice.
            try watch.run(within: .milliseconds(300)) { false }
            watch.finish()
            #expect(watch.slowestProbe < .milliseconds(250), "a new connection waited \(watch.slowestProbe)")
            #expect(watch.losses.count == 4)
            #expect(watch.losses.allSatisfy { $0.who == victim }, "\(watch.losses)")
            #expect(watch.refusals == [])
            let others = watch.clients.filter { $0.who.worker == 1 }
            #expect(others.allSatisfy { $0.answered > 10 })
            #expect(watch.slowestAnswer < .milliseconds(250))
            #expect(try server.stats().total.restarts == generation)
            return try replacedAt - #require(watch.doomedEndedAt)
        }

        @Test func thatLeftByItselfIsReplacedToo() throws {
            let server = try TestedServer.harmful()
            try awaitAdulthood(server)
            let (client, _) = try server.connect(toSlot: 0)
            client.request("GET", "/exit")
            #expect(client.awaitEnd() != nil)
            let watch = try Watch(server, workers: 0)
            #expect(try watch.run(within: .seconds(1)) { watch.first(ofSlot: 0, generation: 2) != nil })
            watch.finish()
            #expect(server.stop() == 0)
        }

        @Test func thatGotTermFromOutsideFinishesItsWorkAndIsReplaced() throws {
            let server = try TestedServer.everycore()
            try awaitAdulthood(server)
            let (client, who) = try server.connect(toSlot: 0)
            client.request("GET", "/sleep?ms=300")
            try server.connect(toSlot: 0).connection.leave()
            let watch = try Watch(server, workers: 0)
            kill(who.pid, SIGTERM)
            #expect(try watch.run(within: .seconds(1)) { watch.first(ofSlot: 0, generation: 2) != nil })
            watch.finish()
            #expect(watch.probeFailures == [])
            #expect(try client.reply().body == "slept 300 ms\n")
            client.leave()
            #expect(server.program.becomesTrue(within: .seconds(2)) { ProcessTable.state(of: who.pid) == nil })
            #expect(server.stop() == 0)
        }

        @Test func thatIsKilledAgainAndAgainIsReplacedAtOnceHoweverYoungItIs() throws {
            let server = try TestedServer.harmful("respawn.delay_first=1s")
            try server.awaitReady(2)
            let (other, who) = try server.connect(toSlot: 1)
            var times: [Duration] = []
            for _ in 0..<10 {
                let victim = try #require(server.workers.first)
                let diedAt = ContinuousClock.now
                kill(victim, SIGKILL)
                let isReplaced = server.program.becomesTrue(within: .seconds(2)) {
                    let workers = server.workers
                    return workers.count == 2 && workers[0] != victim && ProcessTable.name(of: workers[0]) == "everycore-w0"
                }
                #expect(isReplaced)
                times.append(ContinuousClock.now - diedAt)
                #expect(try other.whoami() == who)
            }
            other.leave()
            try server.awaitReady(2)
            #expect(try server.get("/plaintext").status == 200)
            #expect(times.sorted()[5] < .milliseconds(100), "\(times)")
            #expect(try server.stats().total.restarts == 10)
            #expect(!server.program.error.contains("failed to start"))
            #expect(server.stop() == 0)
        }
    }
}
