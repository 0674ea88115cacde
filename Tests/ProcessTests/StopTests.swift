// How a server stops: in order, in time, and with no process left, in every state of its workers.

import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct Stopping {
        @Test(arguments: [SIGTERM, SIGINT])
        func endsWithStatusZeroAndASummary(_ signal: Int32) throws {
            let server = try TestedServer.everycore()
            // The first answer comes when the first worker is up.
            #expect(server.program.becomesTrue(within: .seconds(5)) { server.workers.count == 2 })
            let workers = server.workers
            #expect(server.stop(signal) == 0)
            #expect(server.program.output.contains("connections 1 accepted, 0 open"))
            #expect(workers.count == 2)
            #expect(workers.allSatisfy { ProcessTable.state(of: $0) == nil })
        }

        @Test func answersWhatIsInFlightAndTakesNothingNew() throws {
            let server = try TestedServer.everycore()
            let clients = try (0...1).map { try server.connect(toSlot: $0).connection }
            for client in clients { client.request("GET", "/sleep?ms=800") }
            // Both are with their handlers when a later request on the same worker has been answered.
            for slot in 0...1 { try server.connect(toSlot: slot).connection.leave() }
            let began = ContinuousClock.now
            server.program.signal(SIGTERM)
            #expect(server.program.logs("stopping"))
            #expect(server.program.becomesTrue(within: .milliseconds(500)) { isRefused(server.endpoint) })
            for client in clients {
                let reply = try client.reply()
                #expect(reply.body == "slept 800 ms\n")
                #expect(reply["connection"] == "close")
                #expect(client.awaitEnd() == "closed")
            }
            #expect(ContinuousClock.now - began >= .milliseconds(700))
            #expect(server.program.wait(within: .seconds(3)) == 0)
        }

        @Test func refusesNewConnectionsAlsoInTheQueuesOfWorkersThatWereTakenAway() throws {
            let server = try TestedServer.everycore(workers: 4)
            for count in [3, 2, 1] {
                server.program.signal(SIGTTOU)
                #expect(server.program.logs("before=\(count + 1) event=scaling workers=\(count)"))
            }
            let client = try server.connect()
            client.request("GET", "/sleep?ms=800")
            try server.connect(toSlot: 0).connection.leave()
            server.program.signal(SIGTERM)
            #expect(server.program.logs("stopping"))
            #expect(server.program.becomesTrue(within: .milliseconds(500)) { isRefused(server.endpoint) })
            for _ in 0..<8 { #expect(isRefused(server.endpoint)) }
            #expect(try client.reply().status == 200)
            client.leave()
            #expect(server.program.wait(within: .seconds(3)) == 0)
        }

        /// Ten clients that ask at once, each on a connection of its own.
        private func ask(_ server: TestedServer) throws -> [Connection] {
            try (0..<10).map { _ in
                let client = try server.connect()
                client.request("GET", "/sleep?ms=50", headers: "Connection: close\r\n")
                return client
            }
        }

        @Test func answersWhatWaitsInTheQueuesOfWorkersThatAreJustTakenAway() throws {
            let server = try TestedServer.everycore(workers: 4)
            try server.awaitReady(4)
            for _ in 0..<3 { server.program.signal(SIGTTOU) }
            let clients = try ask(server)
            server.program.signal(SIGTERM)
            for client in clients { #expect(try client.reply().status == 200) }
            #expect(server.program.wait(within: .seconds(5)) == 0)
        }

        @Test func answersWhatWaitsInTheQueueOfAWorkerThatHangs() throws {
            let server = try TestedServer.harmful("timeouts.drain=2s", workers: 2)
            try server.awaitReady(2)
            let victim = try server.connect(toSlot: 1).who
            kill(victim.pid, SIGSTOP)
            let clients = try ask(server)
            server.program.signal(SIGTERM)
            for client in clients { #expect(try client.reply().status == 200) }
            #expect(server.program.wait(within: .seconds(5)) == 0)
        }

        @Test func isNotReadyToARequestThatArrivesMeanwhile() throws {
            let server = try TestedServer.everycore(workers: 1)
            let client = try server.connect()
            _ = try client.whoami()
            // The first half of a request has come when the worker begins to drain.
            client.send("GET /ready HTTP/1.1\r\n")
            let other = try server.connect()
            other.request("GET", "/sleep?ms=600")
            try server.connect(toSlot: 0).connection.leave()
            server.program.signal(SIGTERM)
            #expect(server.program.becomesTrue(within: .milliseconds(500)) { isRefused(server.endpoint) })
            client.send("Host: test\r\n\r\n")
            let reply = try client.reply()
            #expect(reply.status == 503)
            #expect(reply["connection"] == "close")
            client.leave()
            #expect(try other.reply().status == 200)
            other.leave()
            #expect(server.program.wait(within: .seconds(3)) == 0)
        }

        @Test func letsIdleConnectionsGo() throws {
            let server = try TestedServer.everycore()
            let client = try server.connect()
            _ = try client.whoami()
            server.program.signal(SIGTERM)
            #expect(client.awaitEnd(within: .seconds(1)) == "closed")
            client.leave()
            #expect(server.program.wait(within: .seconds(1)) == 0)
        }

        @Test func cutsOffAtTheDeadlineWhatIsStillInFlight() throws {
            let server = try TestedServer.harmful("timeouts.drain=300ms")
            let client = try server.connect()
            client.request("GET", "/hang")
            let spinning = try server.connect(toSlot: 0).connection
            spinning.request("GET", "/spin")
            let began = ContinuousClock.now
            server.program.signal(SIGTERM)
            #expect(server.program.wait(within: .seconds(5)) == 0, "\(server.program.error)")
            let took = ContinuousClock.now - began
            #expect(took < .milliseconds(1500), "took \(took)")
        }

        @Test func doesNotWaitForAStoppedWorkerBeyondTheDeadline() throws {
            let server = try TestedServer.harmful("timeouts.drain=300ms")
            let worker = try #require(server.workers.first)
            kill(worker, SIGSTOP)
            let began = ContinuousClock.now
            #expect(server.stop() == 0)
            let took = ContinuousClock.now - began
            #expect(took < .milliseconds(1500), "took \(took)")
            #expect(ProcessTable.state(of: worker) == nil)
        }

        @Test(arguments: [SIGTERM, SIGINT, SIGQUIT])
        func isCutShortByASecondSignal(_ second: Int32) throws {
            let server = try TestedServer.harmful()
            let client = try server.connect()
            client.request("GET", "/sleep?ms=20000")
            try server.connect(toSlot: 0).connection.leave()
            try server.connect(toSlot: 1).connection.leave()
            server.program.signal(SIGTERM)
            #expect(server.program.logs("stopping"))
            // Earlier it would count as the same order.
            server.program.letTimePass(.milliseconds(550))
            let began = ContinuousClock.now
            server.program.signal(second)
            let status = server.program.wait(within: .seconds(2))
            #expect(status == 0)
            #expect(ContinuousClock.now - began < .milliseconds(500))
            #expect(client.awaitEnd(within: .seconds(1)) != nil)
        }

        @Test(arguments: [[SIGTERM, SIGTERM], [SIGINT, SIGTERM], [SIGINT, SIGINT]])
        func isOneOrderThatArrivesTwice(_ signals: [Int32]) throws {
            let server = try TestedServer.everycore()
            let client = try server.connect()
            client.request("GET", "/sleep?ms=400")
            for slot in 0...1 { try server.connect(toSlot: slot).connection.leave() }
            for signal in signals { kill(-server.program.pid, signal) }
            server.program.signal(signals[0])
            #expect(try client.reply().status == 200)
            client.leave()
            #expect(server.program.wait(within: .seconds(3)) == 0)
        }

        @Test func happensAtOnceWithQuit() throws {
            let server = try TestedServer.harmful()
            let client = try server.connect()
            client.request("GET", "/sleep?ms=20000")
            kill(try #require(server.workers.last), SIGSTOP)
            let began = ContinuousClock.now
            server.program.signal(SIGQUIT)
            #expect(server.program.wait(within: .seconds(2)) == 0)
            #expect(ContinuousClock.now - began < .milliseconds(500))
        }

        @Test func worksWhenTheWholeGroupGetsTheSignalAsFromATerminal() throws {
            for signal in [SIGINT, SIGTERM] {
                let server = try TestedServer.everycore()
                kill(-server.program.pid, signal)
                #expect(server.program.wait(within: .seconds(3)) == 0)
                #expect(server.program.output.contains("restarts    0"))
            }
        }

        /// Whether the kernel refuses a new connection at once, instead of queueing it.
        private func isRefused(_ endpoint: Endpoint) -> Bool {
            do {
                let connection = try Connection(endpoint)
                return connection.awaitEnd(within: .milliseconds(50)) == "Connection refused"
            } catch {
                return (error as? ConnectFailure)?.code == ECONNREFUSED
            }
        }
    }
}
