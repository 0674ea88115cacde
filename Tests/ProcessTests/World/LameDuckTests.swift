// The time between TERM and the drain, when load balancers are told to look elsewhere.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ALameDuck {
        private func start(_ time: String, workers: Int = 2) throws -> TestedServer {
            try TestedServer.everycore(workers: workers, environment: ["EVERYCORE_TIMEOUTS_LAME_DUCK": time])
        }

        @Test func isNotReadyAndServesOnAndThenDrains() throws {
            let server = try start("1500ms")
            try server.awaitReady(2)
            let client = try server.connect()
            _ = try client.whoami()
            let began = ContinuousClock.now
            server.program.signal(SIGTERM)
            #expect(server.program.becomesTrue(within: .milliseconds(800)) { (try? server.get("/ready").status) == 503 })
            var answered = 0
            while ContinuousClock.now - began < .milliseconds(900) || answered < 2 {
                #expect(try server.get("/plaintext").status == 200)
                #expect(try server.get("/ready").status == 503)
                client.request("GET", "/health")
                let reply = try client.reply()
                #expect(reply.status == 200)
                #expect(reply["connection"] != "close")
                answered += 1
            }
            #expect(answered > 1)
            #expect(server.program.status == nil)
            #expect(server.program.logs("stopping", within: .seconds(3)))
            #expect(client.awaitEnd(within: .seconds(2)) == "closed")
            #expect(server.program.wait(within: .seconds(2)) == 0)
            #expect(ContinuousClock.now - began >= .milliseconds(1490))
        }

        @Test func stillReplacesAWorkerThatDiesAndThatOneIsNotReadyEither() throws {
            let server = try start("20s", workers: 1)
            server.program.signal(SIGTERM)
            #expect(server.program.logs("not ready any more"))
            kill(try #require(server.workers.first), SIGKILL)
            let isBack = server.program.becomesTrue(within: .seconds(3)) {
                (try? server.get("/whoami").identity().generation) == 2
            }
            #expect(isBack)
            #expect(server.program.becomesTrue(within: .seconds(1)) { (try? server.get("/ready").status) == 503 })
            // Earlier it would count as the same order.
            server.program.letTimePass(.milliseconds(550))
            #expect(server.stop() == 0)
        }

        @Test(arguments: [SIGTERM, SIGINT, SIGQUIT])
        func leavesAtOnceAtASecondSignal(_ second: Int32) throws {
            let server = try start("20s")
            server.program.signal(SIGTERM)
            #expect(server.program.logs("not ready any more"))
            // Earlier it would count as the same order.
            server.program.letTimePass(.milliseconds(550))
            let began = ContinuousClock.now
            server.program.signal(second)
            #expect(server.program.wait(within: .seconds(2)) == 0)
            #expect(ContinuousClock.now - began < .milliseconds(500))
        }

        @Test func isNoneAfterControlC() throws {
            let server = try start("20s")
            let began = ContinuousClock.now
            #expect(server.stop(SIGINT) == 0)
            #expect(ContinuousClock.now - began < .seconds(3))
        }
    }
}
