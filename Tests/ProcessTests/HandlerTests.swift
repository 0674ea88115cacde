// Handlers that fail, hang or hold their worker without ending it.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct AHandler {
        @Test func thatThrowsCostsA500AndALineInTheLog() throws {
            let server = try TestedServer.harmful()
            let client = try server.connect()
            for target in ["/throws", "/throws-async"] {
                client.request("GET", target)
                #expect(try client.reply().status == 500)
                #expect(server.program.logs("handler failed: GET \(target): "))
            }
            client.request("GET", "/plaintext")
            #expect(try client.reply().status == 200)
            client.leave()
            #expect(try server.stats().total.responses["5xx"] == 2)
            #expect(server.stop() == 0)
        }

        @Test func thatNeverAnswersCostsA503WhileItsWorkerServesOthers() throws {
            let server = try TestedServer.harmful("timeouts.handler=200ms", workers: 1)
            let client = try server.connect()
            client.request("GET", "/hang")
            let began = ContinuousClock.now
            var answered = 0
            while ContinuousClock.now - began < .milliseconds(150) {
                #expect(try server.get("/plaintext").status == 200)
                answered += 1
            }
            #expect(answered > 3)
            let reply = try client.reply()
            let took = ContinuousClock.now - began
            #expect(reply.status == 503)
            #expect(took >= .milliseconds(190) && took < .milliseconds(600), "took \(took)")
            #expect(client.awaitEnd() == "closed")
            client.leave()
            #expect(server.stop() == 0)
        }

        @Test func thatHoldsItsWorkerDelaysNoOtherClient() throws {
            let server = try TestedServer.harmful()
            let (held, _) = try server.connect(toSlot: 0)
            let (free, _) = try server.connect(toSlot: 1)
            held.request("GET", "/slow?ms=400")
            let began = ContinuousClock.now
            for _ in 0..<50 {
                free.request("GET", "/plaintext")
                #expect(try free.reply().status == 200)
            }
            #expect(ContinuousClock.now - began < .milliseconds(300))
            #expect(try held.reply().body == "slow\n")
            held.leave()
            free.leave()
            #expect(server.stop() == 0)
        }

        @Test func thatWritesRubbishToTheMasterIsCountedAndDisturbsNothing() throws {
            let server = try TestedServer.harmful()
            let (client, who) = try server.connect(toSlot: 0)
            client.request("GET", "/garble")
            let sent = try client.reply()
            #expect(sent.status == 200)
            #expect(Int(sent.body) ?? 0 > 10, "\(sent.body)")
            #expect(server.program.logs("ignored a packet"))
            client.request("GET", "/whoami")
            #expect(try client.reply().identity() == who)
            client.leave()
            let stats = try server.stats()
            #expect(stats.total.restarts == 0)
            #expect(stats.server.workers_ready == 2)
            #expect(server.stop() == 0)
            #expect(server.program.output.contains("requests    \(stats.total.requests) ("))
            #expect(!server.program.output.contains(", 0 ignored"))
        }

        @Test func thatFailsIsAnsweredAlsoWhenTheLogIsNotRead() throws {
            let program = try Running(
                "everycore-test-server", ["port=0", "admin=127.0.0.1:0", "workers=2"], environment: ["SWIFT_BACKTRACE": "enable=no"],
                errorIsStuck: true)
            let server = try TestedServer(program)
            let client = try server.connect()
            client.request("GET", "/throws")
            #expect(try client.reply(within: .seconds(1)).status == 500)
            // The master has something to log as well, and has to replace the worker all the same.
            let victim = try client.whoami()
            client.leave()
            kill(victim.pid, SIGKILL)
            let isReplaced = server.program.becomesTrue(within: .seconds(2)) {
                guard let stats = try? server.stats() else { return false }
                return stats.workers[victim.worker].generation == 2 && stats.workers[victim.worker].state == "ready"
            }
            #expect(isReplaced)
            program.unstickError()
            #expect(server.stop() == 0)
            #expect(program.error.contains("log lines were lost"))
            #expect(program.error.contains("stopping"))
        }
    }
}
