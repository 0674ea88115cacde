// Shared by the tests of the quarantine: a server whose routes kill their workers, and its figures about them.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct ARouteThatKillsWorkers {
        struct Page: Decodable {
            struct Active: Decodable { let route: String, request: String?, deaths: Int, age_seconds: Double, remaining_seconds: Double }
            struct Quarantine: Decodable { let refused: Int, active: [Active] }
            let quarantine: Quarantine
        }

        static let noTraces = ["SWIFT_BACKTRACE": "enable=no"]

        func start(_ settings: String..., workers: Int = 2) throws -> TestedServer {
            let arguments = ["port=0", "admin=127.0.0.1:0", "workers=\(workers)"] + settings
            let server = try TestedServer(Running("everycore-test-server", arguments, environment: Self.noTraces))
            try server.awaitReady(workers)
            return server
        }

        func page(_ server: TestedServer) throws -> Page.Quarantine {
            try JSONDecoder().decode(Page.self, from: Data(server.getAdmin("/stats").body.utf8)).quarantine
        }

        func lines(_ server: TestedServer, _ text: String) -> [Substring] {
            server.program.collect()
            return server.program.error.split(separator: "\n").filter { $0.contains(text) }
        }

        /// Sends requests that kill, one after the other, and waits for the ends of their connections.
        func kill(_ server: TestedServer, _ target: String, times: Int = 3) throws {
            for _ in 0..<times {
                let client = try server.connect()
                client.request("GET", target)
                #expect(client.awaitEnd(within: .seconds(5)) != nil)
            }
        }

        func awaitQuarantine(_ server: TestedServer, _ route: String) throws {
            #expect(server.program.becomesTrue(within: .seconds(5)) { (try? page(server).active.map(\.route)) == [route] })
            try server.awaitReady(server.stats().server.workers_wanted)
        }

        func slot(_ reply: Reply) throws -> Int {
            try #require(Int(reply.body.prefix { $0.isNumber }), "\(reply.status) \(reply.body)")
        }

        /// Seconds of CPU that the server's processes have used.
        func spent(_ server: TestedServer) throws -> Double {
            var ticks = 0
            for pid in server.workers + [server.program.pid] {
                let stat = try String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8)
                let fields = (stat.split(separator: ")").last ?? "").split(separator: " ")
                ticks += fields[11...12].reduce(0) { $0 + (Int($1) ?? 0) }
            }
            return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
        }
    }
}
