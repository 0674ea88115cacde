// A worker's end in the log and in `exits[]` of `/stats`.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct TheEndOfAWorker {
        struct Page: Decodable {
            struct Request: Decodable { let description: String, age_seconds: Double }
            struct Exit: Decodable {
                let time: Int, id: Int, slot: Int, generation: Int, pid: pid_t, kind: String, reason: String, voluntary: Bool
                let uptime_seconds: Double, requests: Int, peak_resident_bytes: Int, out_of_memory: Bool?, request: Request?
                let waiting_requests: Int
            }
            let exits: [Exit], exits_by_kind: [String: Int]
        }

        private func page(_ server: TestedServer) throws -> Page {
            try JSONDecoder().decode(Page.self, from: Data(server.getAdmin("/stats").body.utf8))
        }

        /// Waits for the end of the worker in slot 0.
        private func end(_ server: TestedServer, count: Int = 1) throws -> Page.Exit {
            #expect(server.program.becomesTrue(within: .seconds(5)) { (try? page(server).exits.count) == count })
            return try #require(page(server).exits.last)
        }

        private func deathLine(_ server: TestedServer) -> Substring {
            _ = server.program.logs("] worker died\n")
            return server.program.error.split(separator: "\n").first { $0.hasSuffix("] worker died") } ?? ""
        }

        private static let noTraces = ["SWIFT_BACKTRACE": "enable=no"]

        @Test func byKillIsKeptWithTheRequestItWasIn() throws {
            let server = try TestedServer.harmful(environment: Self.noTraces)
            let (client, who) = try server.connect(toSlot: 0)
            for _ in 0..<9 { _ = try client.whoami() }
            client.request("GET", "/slow?ms=5000")
            // The handler sleeps: the worker can be seen in it, where the kernel shows that.
            _ = server.program.becomesTrue(within: .milliseconds(500)) { ProcessTable.isInSleep(who.pid) }
            kill(who.pid, SIGKILL)
            let exit = try end(server)
            #expect(exit.slot == 0 && exit.generation == 1 && exit.pid == who.pid && exit.id > 0)
            #expect(exit.kind == "killed" && exit.reason == "SIGKILL" && !exit.voluntary)
            #expect(exit.request?.description == "GET /slow")
            #expect(exit.requests >= 10 && exit.peak_resident_bytes > 1 << 20 && exit.uptime_seconds > 0)
            #expect(abs(exit.time - time(nil)) < 30 && exit.out_of_memory != true && exit.waiting_requests == 0)
            #expect(try page(server).exits_by_kind["killed"] == 1)
            let line = deathLine(server)
            for text in ["end=SIGKILL", "request=GET /slow ", "request_age=", "requests=\(exit.requests)", "uptime=", "peak_memory=", "worker=0", "gen=1"] {
                #expect(line.contains(text), "\(text): \(line)")
            }
            #expect(server.stop() == 0)
        }

        @Test func inAnAsyncHandlerNamesTheOneThatCrashedAndNotTheOldest() throws {
            let server = try TestedServer.harmful(environment: Self.noTraces)
            let (first, _) = try server.connect(toSlot: 0)
            let (second, _) = try server.connect(toSlot: 0)
            let (third, _) = try server.connect(toSlot: 0)
            first.request("GET", "/hang")
            second.request("GET", "/sleep?ms=9000")
            third.request("GET", "/trap-async")
            #expect(third.awaitEnd() != nil)
            let exit = try end(server)
            #expect(exit.kind == "crash" && exit.request?.description == "GET /trap-async")
            #expect(exit.waiting_requests == 3)
            #expect(deathLine(server).contains("request=GET /trap-async "))
            #expect(server.stop() == 0)
        }

        @Test func whileAsyncHandlersWaitNamesTheOldestOfThem() throws {
            let server = try TestedServer.harmful(environment: Self.noTraces)
            var clients: [Connection] = []
            let targets = ["/sleep?ms=100", "/sleep?ms=9000", "/hang", "/tasks"]
            for _ in targets { clients.append(try server.connect(toSlot: 0).connection) }
            let control = try server.connect(toSlot: 0).connection
            for (client, target) in zip(clients, targets) {
                client.request("GET", target)
                // Their order is tested: an answer that was asked for later says that the worker has this request.
                _ = try control.whoami()
            }
            // Two are over, the oldest among them.
            #expect(try clients[0].reply().status == 200)
            #expect(try clients[3].reply().status == 200)
            let who = try server.connect(toSlot: 0).who
            kill(who.pid, SIGKILL)
            let exit = try end(server)
            #expect(exit.request?.description == "GET /sleep" && exit.waiting_requests == 2)
            #expect(try #require(exit.request?.age_seconds) >= 0.05)
            #expect(server.stop() == 0)
        }

        @Test func byAnOrderIsVoluntaryAndByACallOfExitIsNot() throws {
            let server = try TestedServer.harmful(environment: Self.noTraces)
            try server.awaitReady(2)
            let (client, who) = try server.connect(toSlot: 1)
            client.leave()
            kill(who.pid, SIGTERM)
            let voluntary = try end(server)
            #expect(voluntary.voluntary && voluntary.kind == "voluntary" && voluntary.reason == "status 0")
            try server.connect(toSlot: 0).connection.request("GET", "/exit")
            let exit = try end(server, count: 2)
            #expect(!exit.voluntary && exit.kind == "status" && exit.reason == "status 0" && exit.request?.description == "GET /exit")
            #expect(server.stop() == 0)
        }

        /// A limit that a server fits in and a greedy handler doesn't.
        private static func memoryGroup() -> ControlGroup? {
            ControlGroup(
                "memory", version1: [("memory.limit_in_bytes", "200m")], version2: [("memory.max", "200m"), ("memory.swap.max", "0")])
        }

        @Test(.enabled("needs a control group of one's own") { memoryGroup() != nil })
        func byTheOutOfMemoryKillerIsSaidToBeSo() throws {
            let group = try #require(Self.memoryGroup())
            let arguments = ["port=0", "admin=127.0.0.1:0", "workers=2"]
            let server = try TestedServer(Running("everycore-test-server", arguments, environment: Self.noTraces, wrapper: group.wrapper))
            // First another kill, which isn't the kernel's.
            kill(try server.connect(toSlot: 0).who.pid, SIGKILL)
            #expect(try end(server).out_of_memory == false)
            try server.awaitReady(2)
            let (client, who) = try server.connect(toSlot: 0)
            client.request("GET", "/eat?mb=400")
            #expect(client.awaitEnd(within: .seconds(10)) != nil)
            let exit = try end(server, count: 2)
            #expect(exit.pid == who.pid && exit.reason == "SIGKILL")
            #expect(exit.out_of_memory == true && exit.kind == "out_of_memory" && exit.request?.description == "GET /eat")
            #expect(exit.peak_resident_bytes > 100 << 20)
            #expect(server.program.logs("out_of_memory=yes"))
            #expect(try server.get("/plaintext").status == 200)
            #expect(server.stop() == 0)
            withExtendedLifetime(group) {}
        }
    }
}
