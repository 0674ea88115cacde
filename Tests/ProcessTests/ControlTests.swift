// The control socket and the command's verbs, as an operator uses them, also where they must fail.

import Glibc
import TestSupport
import Testing

/// A verb of the command, run to its end.
struct VerbRun {
    let status: Int32?
    let output: String
    let error: String

    init(_ arguments: String..., socket: String? = nil, environment: [String: String] = [:], wrapper: [String] = []) throws {
        try self.init(Running("everycore", arguments + (socket.map { ["--socket", $0] } ?? []), environment: environment, wrapper: wrapper))
    }

    /// Waits for the end of one that was started.
    init(_ program: Running, within limit: Duration = .seconds(20)) {
        status = program.wait(within: limit)
        (output, error) = (program.output, program.error)
    }
}

extension ProcessTests {
    @Suite struct Control {
        private let scratch = ScratchDirectory()
        private var socket: String { scratch.path("control.sock") }

        private func everycore(_ options: String..., admin: String = "127.0.0.1:0") throws -> TestedServer {
            try TestedServer(
                Running("everycore", ["serve", "--port", "0", "--admin", admin, "--workers", "2", "--control", socket] + options))
        }

        private func harmful(_ settings: String...) throws -> TestedServer {
            try TestedServer(
                Running("everycore-test-server", ["port=0", "admin=127.0.0.1:0", "workers=2", "control=\(socket)"] + settings))
        }

        @Test func everyVerbSaysWhatHappenedWhenItIsDone() throws {
            let server = try everycore()
            try server.awaitReady(2)
            let status = try VerbRun("status", socket: socket)
            #expect(status.status == 0 && status.output.contains("  workers    2 of 2 ready"), "\(status)")
            #expect(status.output.contains("  control    \(socket)\n"))
            let admin = try #require(server.admin?.description)
            let elsewhere = try VerbRun("reload", socket: admin)
            #expect(elsewhere.status == 64 && elsewhere.error.contains("takes no orders"), "\(elsewhere)")
            #expect(try VerbRun("status", "--json", socket: socket).output.hasPrefix("{\"server\":"))
            let reload = try VerbRun("reload", socket: socket)
            #expect(reload.status == 0 && reload.output.contains(/^reloaded: 2 workers, generation 2, \d+\.\d s\n$/), "\(reload)")
            for (count, text) in [
                ("3", "scaled: 2 to 3 workers, "), ("+1", "scaled: 3 to 4 workers, "), ("-3", "scaled: 4 to 1 worker, "), ("auto", "scaled: 1 to 2 workers, "),
            ] {
                let scale = try VerbRun("scale", count, socket: socket)
                #expect(scale.status == 0 && scale.output.hasPrefix(text), "\(scale)")
            }
            #expect(try VerbRun("scale", "2", socket: socket).output.hasPrefix("nothing to do: 2 workers"))
            let worker = try VerbRun("restart", "0", socket: socket)
            #expect(worker.status == 0 && worker.output.hasPrefix("restarted: worker 0, generation 3, "), "\(worker)")
            let all = try VerbRun("restart", "all", "--json", socket: socket)
            #expect(all.status == 0 && all.output.hasPrefix(#"{"ok":true,"message":"restarted: 2 workers, "#), "\(all)")
            #expect(try VerbRun("log-level", "debug", socket: socket).output == "log level: debug\n")
            let reopening = try VerbRun("reopen-logs", socket: socket)
            #expect(reopening.status == 1 && reopening.error.contains("there is no access log"), "\(reopening.error)")
            #expect(try VerbRun("restart", "0", socket: socket).status == 0)
            #expect(server.program.logs("event=worker_ready"), "the workers log more now")
            #expect(try VerbRun("exits", socket: socket).output.contains("voluntary"))
            #expect(try VerbRun("quarantine", socket: socket).output == "nothing is quarantined\n")
            #expect(server.program.error.contains(/event=control_order .*order="?scale count=3"? .*user=\d+/), "the log says who ordered what")
            let stop = try VerbRun("stop", socket: socket)
            #expect(stop.status == 0 && stop.output.hasPrefix("stopped: 2 workers, "), "\(stop)")
            #expect(server.program.wait(within: .seconds(5)) == 0)
            let after = try VerbRun("status", socket: socket)
            #expect(after.status == 69 && after.error.contains("is the service running?"), "\(after)")
        }

        @Test func whatCanNotBeIsRefusedWithItsReason() throws {
            let path = scratch.write("limits:\n  body: 10\n")
            let server = try everycore("--config", path)
            for (arguments, reason) in [
                (["scale", "0"], "scale: 0 workers are not possible: from 1 to "), (["scale", "-2"], "scale: 0 workers are not possible"),
                (["scale", "99999"], "scale: 99999 workers are not possible"), (["restart", "7"], "restart: there is no slot 7: 2 workers, slots 0 to 1"),
                (["log-level", "loud"], "log-level: loud is no level"), (["quarantine", "release", "GET /x"], "quarantine release: GET /x is not quarantined"),
            ] {
                let run = VerbRun(try Running("everycore", arguments + ["--socket", socket]))
                #expect(run.status == 1 && run.error.hasPrefix(reason) && run.output.isEmpty, "\(arguments): \(run)")
            }
            for arguments in [["scale"], ["scale", "many"], ["restart"], ["restart", "-1"], ["reload", "--timeout", "x"], ["status", "--socket", ":"]] {
                #expect(VerbRun(try Running("everycore", arguments)).status == 64, "\(arguments)")
            }
            scratch.write("limits:\n  bodi: 10\n")
            let reload = try VerbRun("reload", socket: socket)
            #expect(
                reload.status == 1 && reload.error.contains("limits.bodi") && reload.error.hasPrefix("reload: not reloaded, nothing has changed"), "\(reload)")
            let upgrade = try VerbRun("upgrade", socket: socket)
            #expect(upgrade.status == 1 && upgrade.error.contains("status 78: its configuration is wrong"), "\(upgrade)")
            #expect(try server.get("/whoami").body.contains("\"generation\":1"))
            #expect(server.stop() == 0)
        }

        @Test func aReloadThatIsRolledBackSaysWhy() throws {
            let doom = scratch.path("doom")
            let server = try harmful("doomed_by=\(doom)")
            try server.awaitReady(2)
            scratch.write("throw", to: "doom")
            let reload = try VerbRun("reload", socket: socket)
            #expect(reload.status == 1 && reload.error.hasPrefix("reload: rolled back: a new worker failed"), "\(reload)")
            #expect(reload.error.contains("status 1"), "how it ended: \(reload.error)")
            let restart = try VerbRun("restart", "1", socket: socket)
            #expect(restart.status == 1 && restart.error.contains("the master goes on trying"), "\(restart)")
            let scale = try VerbRun("scale", "3", socket: socket)
            #expect(scale.status == 1 && scale.error.contains("worker 2"), "\(scale)")
            unsafe unlink(doom)
            #expect(try VerbRun("scale", "2", socket: socket).status == 0)
            #expect(server.stop() == 0)
        }

        @Test func twoReloadsAtOnceAreBothCarriedOut() throws {
            let server = try harmful("starts=300")
            try server.awaitReady(2)
            let both = try (0..<2).map { _ in try Running("everycore", ["reload", "--socket", socket]) }
            for reload in both {
                let run = VerbRun(reload)
                #expect(run.status == 0 && run.output.hasPrefix("reloaded: 2 workers, generation "), "\(run)")
            }
            #expect(server.program.error.ranges(of: "event=reload_finished").count == 2)
            #expect(server.stop() == 0)
        }

        @Test func aStopEndsAReloadThatHangs() throws {
            let doom = scratch.path("doom")
            let server = try harmful("doomed_by=\(doom)", "timeouts.drain=1s")
            try server.awaitReady(2)
            scratch.write("hang", to: "doom")
            let reload = try Running("everycore", ["reload", "--socket", socket])
            #expect(server.program.logs("event=reload_started"))
            let stop = try VerbRun("stop", socket: socket)
            #expect(stop.status == 0 && stop.output.hasPrefix("stopped: "), "\(stop)")
            let run = VerbRun(reload)
            #expect(run.status == 1 && run.error == "reload: the service stops\n", "\(run)")
            #expect(server.program.wait(within: .seconds(5)) == 0)
        }

        @Test func aStopAtOnceWaitsForNothing() throws {
            let server = try everycore()
            let (connection, _) = try server.connect(toSlot: 0)
            connection.request("GET", "/sleep?ms=20000")
            let began = ContinuousClock.now
            let stop = try VerbRun("stop", "--now", socket: socket)
            #expect(stop.status == 0 && stop.output.hasPrefix("stopped"), "\(stop)")
            #expect(ContinuousClock.now - began < .seconds(10))
            #expect(server.program.wait(within: .seconds(5)) != nil)
        }

        @Test func aReloadWithAnotherNumberOfWorkersIsOverWhenTheyAreThere() throws {
            let path = scratch.write("workers: 2\n")
            let server = try TestedServer(
                Running("everycore", ["serve", "--port", "0", "--admin", "127.0.0.1:0", "--control", socket, "--config", path]))
            try server.awaitReady(2)
            scratch.write("workers: 3\n")
            let reload = try VerbRun("reload", socket: socket)
            #expect(reload.status == 0 && reload.output.hasPrefix("reloaded: 3 workers, generations 1 to 2, "), "\(reload)")
            #expect(try VerbRun("scale", "4", socket: socket).status == 0)
            let restart = try VerbRun("restart", "all", socket: socket)
            #expect(restart.status == 0 && restart.output.hasPrefix("restarted: 4 workers, "), "what was ordered holds: \(restart)")
            #expect(try VerbRun("reload", socket: socket).output.hasPrefix("reloaded: 3 workers, "))
            #expect(server.stop() == 0)
        }

        @Test func theManualAndTheCompletionsNameEveryVerb() throws {
            let verbs = [
                "serve", "check", "status", "top", "reload", "scale", "restart", "upgrade", "stop", "requests", "exits", "stacks", "quarantine", "reopen-logs",
                "log-level",
            ]
            let manual = try VerbRun("manual")
            #expect(manual.status == 0 && manual.output.hasPrefix(".TH EVERYCORE 1"), "\(manual)")
            for verb in verbs { #expect(manual.output.contains(".SS everycore \(verb.replacing("-", with: "\\-"))\n"), "\(verb)") }
            for line in manual.output.split(separator: "\n") where line.hasPrefix(".") {
                #expect([".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".br"].contains(String(line.prefix { $0 != " " })), "\(line)")
            }
            for shell in ["bash", "zsh", "fish"] {
                let script = try VerbRun("--generate-completion-script", shell)
                #expect(script.status == 0)
                for verb in verbs { #expect(script.output.contains(verb), "\(shell): \(verb)") }
            }
            let bash = scratch.write(try VerbRun("--generate-completion-script", "bash").output, to: "completion")
            let check = VerbRun(try Running(command: ["bash", "-n", bash]))
            #expect(check.status == 0 && check.error.isEmpty, "\(check)")
        }
    }
}
