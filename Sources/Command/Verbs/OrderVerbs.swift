// The verbs that change something: each is an order that the master carries out, and is over when that is.
// Process: any other than a service's · Thread: main

#if Command
import ArgumentParser
import Glibc

/// `everycore reload`
struct Reload: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the configuration anew and replace the workers one by one.",
        discussion: """
            No connection is closed. If the configuration is wrong nothing changes, and if new workers fail the old ones come back: then the answer \
            says why, and the status is 1. While an upgrade or another reload is under way it waits for its end.
            """)

    @OptionGroup var options: ServiceOptions

    func run() throws { try asking { try OrderRun(options).run("reload") } }
}

/// `everycore scale`
struct Scale: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Set the number of workers.",
        discussion: "auto is what the configuration says. It is done when the new workers are ready, and those that were too many are gone.")

    @Argument(parsing: .allUnrecognized, help: ArgumentHelp("N, +N, -N, or auto.", valueName: "count")) var count: [String] = []
    @OptionGroup var options: ServiceOptions

    func validate() throws {
        guard count.count == 1, let text = count.first, text == "auto" || Int(text) != nil else {
            throw ValidationError("how many workers: N, +N, -N, or auto")
        }
    }

    func run() throws { try asking { try OrderRun(options).run("scale", ["count": count.first ?? ""]) } }
}

/// `everycore restart`
struct Restart: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace a worker, or all one by one, by new ones of the same configuration.",
        discussion: "A worker hands its connections over when its successor is ready.")

    @Argument(help: "The worker's slot, from 0, or all.") var slot: String
    @OptionGroup var options: ServiceOptions

    func validate() throws {
        guard slot == "all" || Int(slot).map({ $0 >= 0 }) == true else { throw ValidationError("which worker: a slot, from 0, or all") }
    }

    func run() throws { try asking { try OrderRun(options).run("restart", ["slot": slot]) } }
}

/// `everycore upgrade`
struct Upgrade: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Have the program that is at the service's path now take the service over.",
        discussion: "No connection is closed. It is done when the new program is in charge; if it doesn't get ready, nothing changes and the status is 1.")

    @OptionGroup var options: ServiceOptions

    func run() throws { try asking { try OrderRun(options).run("upgrade") } }
}

/// `everycore stop`
struct Stop: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the service.",
        discussion: "Requests in flight are answered, for at most timeouts.drain. It is done when the service is gone.")

    @Flag(help: "Leave requests in flight unanswered.") var now = false
    @OptionGroup var options: ServiceOptions

    func run() throws {
        try asking {
            let run = try OrderRun(options)
            let answer = try run.answer("stop", ["now": now ? "true" : "false"])
            if let answer, answer.answer.ok != true {
                try StandardStream.error.write("stop: \(TextTable.plain(answer.answer.message ?? ""))\n")
                throw ExitCode(1)
            }
            // What it has said last: it is about to go.
            guard isGone(run.client) else { throw AdminFailure.timedOut(run.client.address, after: Self.patience) }
            let message = TextTable.plain(answer?.answer.message ?? "stopped")
            try StandardStream.output.write(options.json ? "\(answer?.line ?? #"{"ok":true,"message":"stopped"}"#)\n" : "\(message)\n")
        }
    }

    private static let patience = Duration.seconds(15)

    /// A service that another program has taken over goes on at the same address.
    private func isGone(_ client: AdminClient) -> Bool {
        let deadline = monotonicNow().advanced(by: Self.patience)
        while monotonicNow() < deadline {
            do throws(AdminFailure) {
                close(try client.address.connect(until: deadline))
            } catch {
                switch error {
                case .isDead, .notThere: return true
                default: break
                }
            }
            usleep(10_000)
        }
        return false
    }
}

/// `everycore reopen-logs`
struct ReopenLogs: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reopen-logs", abstract: "Open the access log's file again, after it was renamed.",
        discussion: "It is over when the log's writer has the new file and writes to no other.")

    @OptionGroup var options: ServiceOptions

    func run() throws { try asking { try OrderRun(options).run("reopen-logs", [:]) } }
}

/// `everycore log-level`
struct LogLevel: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log-level", abstract: "Set the level of the log, in all processes at once.",
        discussion: "It holds until the service ends or is upgraded; auto is the configured level again.")

    @Argument(help: "trace, debug, info, notice, warning, error, critical, or auto.") var level: String
    @OptionGroup var options: ServiceOptions

    func run() throws { try asking { try OrderRun(options).run("log-level", ["level": level]) } }
}
#endif
