// Facts about the server before it runs: what it refuses, and how settings reach the cluster.

import Cluster
import Everycore
import Logging
import Testing

struct ServerTests {
    @Test func `routes that can't be are refused before anything listens`() {
        let errors = #expect(throws: RouteErrors.self) {
            try Server { routes in
                routes.get("no-slash") { _ in .text("") }
                routes.get("/twice") { _ in .text("") }
                routes.get("/twice") { request async in .text("") }
            }
        }
        #expect(errors?.errors.map(\.reason) == [.noLeadingSlash, .duplicate(of: "/twice")])
    }

    @Test func `impossible settings are refused with their keys`() {
        var configuration = ServerConfiguration()
        configuration.backlog = 0
        do {
            _ = try Server(configuration: configuration)
            Issue.record("accepted")
        } catch ServerError.configuration(let problems) {
            #expect(problems.map(\.key) == ["backlog"])
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `settings reach the cluster`() {
        var configuration = ServerConfiguration()
        #expect(configuration.workerCount == .perCore)
        #expect(configuration.listenAddresses == [.tcp(host: "0.0.0.0", port: 8080)])
        #expect(configuration.adminAddress == .tcp(host: "127.0.0.1", port: 8081))
        #expect(configuration.clusterOptions.output == .automatic)

        configuration.workers = .count(3)
        configuration.admin = .path("/run/admin.sock")
        configuration.logFormat = .json
        configuration.timeouts.drain = .seconds(7)
        configuration.respawn.giveUp = .seconds(9)
        #expect(configuration.workerCount == .count(3))
        #expect(configuration.adminAddress == .unix(path: "/run/admin.sock"))
        #expect(configuration.clusterOptions.output == .json)
        #expect(configuration.clusterOptions.drainDeadline == .seconds(7))
        #expect(configuration.clusterOptions.respawn.giveUpAfter == .seconds(9))

        configuration.admin = .off
        configuration.quiet = true
        #expect(configuration.adminAddress == nil)
        #expect(configuration.clusterOptions.output == .quiet)
        #expect(configuration.clusterOptions.logger.logLevel == .warning)
    }

    @Test func `a JSON log line is one object, whatever the message holds`() {
        let line = JSONLogHandler.line(
            level: .error, message: "a \"b\"\nc", metadata: ["worker": "2", "gen": "1"], at: 1_500)
        #expect(line == #"{"time":1.5,"level":"error","message":"a \"b\"\nc","gen":"1","worker":"2"}"# + "\n")
    }

    @Test func `the banner says where, how many and why`() {
        let banner = Banner(
            listens: ["http://0.0.0.0:8080"], workers: 2, reason: "2 usable cores", admin: "http://127.0.0.1:8081",
            control: "/run/everycore/8080.sock")
        let lines = banner.text(as: .text).split(separator: "\n").map(String.init)
        #expect(lines.count == 5)
        #expect(lines[4] == "  control    /run/everycore/8080.sock")
        #expect(lines[1].hasSuffix("http://0.0.0.0:8080"))
        #expect(lines[2].hasSuffix("2 (2 usable cores)"))
        #expect(lines[3].hasSuffix("http://127.0.0.1:8081"))
        #expect(banner.text(as: .json).hasPrefix(#"{"event":"start""#))
    }
}
