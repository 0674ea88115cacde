// As many workers as the load needs, and what is said of their processes.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct TheLoad {
        /// Handlers that sleep are asked for on so many connections, each again when it has answered, until the server is as wanted.
        private func sleep(_ server: TestedServer, connections count: Int, until isDone: () -> Bool) throws -> Bool {
            let connections = try (0..<count).map { _ in try server.connect() }
            for connection in connections { connection.request("GET", "/slow?ms=200") }
            for _ in 0..<40 {
                for connection in connections {
                    #expect(try connection.reply(within: .seconds(20)).status == 200)
                    connection.request("GET", "/slow?ms=200")
                }
                if isDone() { return true }
            }
            return false
        }

        @Test func bringsWorkersForHandlersThatSleepUntilTheirNumberIsGiven() throws {
            let server = try TestedServer.harmful("workers=1..3", workers: 1)
            let isThere = try sleep(server, connections: 6) { server.program.error.contains("event=autoscaled_up") }
            #expect(isThere, "\(server.program.error)")
            #expect(server.program.error.contains("because_of=busy"))
            server.program.signal(SIGTTIN)
            #expect(server.program.becomesTrue(within: .seconds(5)) { server.program.error.contains("event=autoscale_held") })
            server.program.signal(SIGHUP)
            #expect(server.program.becomesTrue(within: .seconds(10)) { server.program.error.contains("event=autoscale_resumed") })
            #expect(server.stop() == 0)
        }

        @Test func showsInTheFiguresOfEachProcess() throws {
            let server = try TestedServer.harmful(workers: 1)
            struct Page: Decodable {
                struct Queue: Decodable { let length, limit: Int }
                struct Lag: Decodable { let p99, max: Double }
                struct Loop: Decodable {
                    let lag_seconds: Lag
                    let busy, busy_seconds: Double
                }
                struct CPU: Decodable { let user, system: Double }
                struct Memory: Decodable { let resident_bytes, pss_bytes, private_bytes: Int }
                struct Switches: Decodable { let voluntary, involuntary: Int }
                struct Worker: Decodable {
                    let accept_queue: Queue?
                    let loop: Loop?
                    let cpu_seconds: CPU?
                    let memory: Memory?
                    let context_switches: Switches?
                }
                let workers: [Worker]
            }
            var worker: Page.Worker?
            let isKnown = server.program.becomesTrue(within: .seconds(8)) {
                worker = (try? server.getAdmin("/stats")).flatMap { try? JSONDecoder().decode(Page.self, from: Data($0.body.utf8)) }?.workers.first
                return worker?.loop != nil && worker?.accept_queue != nil && worker?.memory != nil
            }
            #expect(isKnown)
            let known = try #require(worker)
            #expect((known.accept_queue?.limit ?? 0) > 0)
            #expect((known.memory?.resident_bytes ?? 0) > (known.memory?.private_bytes ?? 0))
            #expect((known.memory?.pss_bytes ?? 0) > 0)
            #expect((known.cpu_seconds?.user ?? 0) + (known.cpu_seconds?.system ?? 0) > 0)
            #expect((known.context_switches?.voluntary ?? 0) > 0)
            let busyBefore = known.loop?.busy_seconds ?? 0
            // A handler that sleeps holds the loop as one that computes does.
            let client = try server.connect()
            client.request("GET", "/slow?ms=3000")
            let isBusy = server.program.becomesTrue(within: .seconds(6)) {
                worker = (try? server.getAdmin("/stats")).flatMap { try? JSONDecoder().decode(Page.self, from: Data($0.body.utf8)) }?.workers.first
                guard let loop = worker?.loop else { return false }
                return loop.busy == 1 && loop.lag_seconds.max > 1 && loop.busy_seconds > busyBefore + 1
            }
            #expect(isBusy, "\(String(describing: worker))")
            #expect(try client.reply(within: .seconds(10)).status == 200)
            server.stop()
        }

        @Test func isNotToldEverySecondWhereNoTerminalReads() throws {
            let server = try TestedServer.everycore()
            #expect(try server.get("/plaintext").status == 200)
            server.program.letTimePass(.milliseconds(2300))  // Two seconds, each with a line before.
            #expect(!server.program.output.contains("rate="))
            #expect(server.stop() == 0)
            #expect(server.program.output.contains("requests    "))
        }
    }
}
