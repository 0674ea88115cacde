// The unit for systemd, carried out by a test that plays the manager: started, reloaded, upgraded and stopped as its lines say.

import Foundation
import Glibc
import TestSupport
import Testing

extension ProcessTests {
    @Suite struct TheUnit {
        private static let folder = Project.root + "/config/"

        private func setting(_ name: String) throws -> String {
            let lines = try String(contentsOfFile: Self.folder + "everycore.service", encoding: .utf8).split(separator: "\n")
            let line = try #require(lines.first { $0.hasPrefix("\(name)=") }, "\(name)= is missing")
            return String(line.dropFirst(name.count + 1))
        }

        /// What `ExecStart=` says, on ports of the kernel's choice.
        private func start(_ manager: NotifySocket? = nil, _ environment: [String: String] = [:]) throws -> Running {
            let words = try setting("ExecStart").split(separator: " ").map(String.init)
            #expect(words.first == "/usr/local/bin/everycore")
            let arguments = words.dropFirst().map { $0 == "/etc/everycore/everycore.yaml" ? Self.folder + "everycore.yaml" : $0 }
            var variables = ["EVERYCORE_PORT": "0", "EVERYCORE_ADMIN": "127.0.0.1:0", "EVERYCORE_WORKERS": "2"]
            if let manager {
                variables["NOTIFY_SOCKET"] = manager.name
                variables["WATCHDOG_USEC"] = try "\(#require(Int(setting("WatchdogSec"))) * 1_000_000)"
            }
            return try Running("everycore", Array(arguments), environment: variables.merging(environment) { $1 })
        }

        @Test func startsReloadsUpgradesAndStopsAsItSays() throws {
            let manager = try NotifySocket("@everycore-unit-\(getpid())")
            let server = try TestedServer(start(manager))
            #expect(try setting("Type") == "notify")
            try #require(manager.hears("READY=1") != nil)
            manager.forget()
            // ExecReload=/bin/kill -HUP $MAINPID
            let reload = try setting("ExecReload").replacingOccurrences(of: "$MAINPID", with: "\(server.program.pid)")
            let command = try Running(command: reload.split(separator: " ").map(String.init))
            #expect(command.wait(within: .seconds(5)) == 0)
            #expect(manager.hears("RELOADING=1") != nil)
            #expect(manager.hears("READY=1", within: .seconds(10)) != nil)
            // The kernel's out-of-memory killer takes a worker, and OOMPolicy= leaves the rest alone.
            #expect(try setting("OOMPolicy") == "continue")
            let victim = try #require(server.workers.first)
            kill(victim, SIGKILL)
            #expect(server.program.becomesTrue(within: .seconds(5)) { server.workers.count == 2 && !server.workers.contains(victim) })
            #expect(try server.get("/health").status == 200)
            manager.forget()
            server.program.signal(SIGUSR2)
            #expect(server.program.wait(within: .seconds(15)) == 0)
            let successor = try #require(server.program.successors.last)
            #expect(manager.hears("MAINPID=\(successor)") != nil)
            // KillMode=mixed: TERM to the main process alone.
            #expect(try setting("KillMode") == "mixed")
            kill(successor, SIGTERM)
            let stopping = try #require(manager.hears("STOPPING=1"))
            #expect(stopping.contains("EXTEND_TIMEOUT_USEC="))
            #expect(server.program.becomesTrue(within: .seconds(try #require(Int(setting("TimeoutStopSec"))))) { server.program.members.isEmpty })
        }

        @Test func triesAgainWhatCanGetBetterAndNothingElse() throws {
            let final = try setting("RestartPreventExitStatus").split(separator: " ").compactMap { Int32($0) }
            let holder = try Endpoint.ipv4(0).listening(reusesPort: false)
            defer { close(holder) }
            let late = try start(nil, ["EVERYCORE_HOST": "192.0.2.10"]).wait(within: .seconds(5))
            let taken = try start(nil, ["EVERYCORE_PORT": "\(Endpoint.port(of: holder))"]).wait(within: .seconds(5))
            #expect(late == 69 && taken == 69)
            #expect(!final.contains(69))
            let wrong = try #require(try start(nil, ["EVERYCORE_TIMEOUTS_IDLE": "soon"]).wait(within: .seconds(5)))
            #expect(wrong == 78 && final.contains(78))
            #expect(final.contains(64))
            #expect(try setting("Restart") == "always")
        }
    }
}
