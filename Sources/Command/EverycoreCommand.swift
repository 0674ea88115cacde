// The `everycore` program: what its arguments mean, and which exit status its end has.
// Runs in the process that becomes the master. Nothing here is async: `AsyncParsableCommand` would start Dispatch's threads
// before the fork.
// Process: master, before the fork · Thread: main

#if Command
package import ArgumentParser
import Everycore

@main
package struct EverycoreCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "everycore",
        abstract: "An HTTP server with one process per core.",
        discussion: """
            Settings come from options, then from environment variables (EVERYCORE_PORT for port, EVERYCORE_TIMEOUTS_IDLE for \
            timeouts.idle), then from the YAML file, then from the defaults.

            Exit status of serve: 0 after an orderly stop, 64 wrong use, 69 the address can't be listened on, 70 workers can't be kept alive, \
            78 wrong configuration. Of the others: 0 when it is done, 1 when it was refused, has failed or was rolled back, 64 wrong use, \
            69 no service is there, 75 no answer in time, 77 no permission.
            """,
        version: Server.version,
        subcommands: [
            Serve.self, Check.self, Status.self, Top.self, Reload.self, Scale.self, Restart.self, Upgrade.self, Stop.self, Requests.self, Exits.self,
            Stacks.self, Quarantine.self, ReopenLogs.self, LogLevel.self, Manual.self,
        ],
        defaultSubcommand: Serve.self)

    package init() {}
}

/// `everycore serve`
struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serve until a signal or everycore stop ends it (the default).",
        usage: serveUsage("serve"))

    @OptionGroup var options: ServeOptions

    func run() throws {
        try finish {
            try startServer { try ConfigurationReader(options: options).read().configuration }
        }
    }
}

/// `everycore check`
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read the configuration as serve would, and print it or what is wrong with it.",
        usage: serveUsage("check"),
        discussion: "What it prints is a configuration file: every setting, and behind it where the value comes from.")

    @OptionGroup var options: ServeOptions

    func run() throws {
        try finish {
            let loaded = try ConfigurationReader(options: options).read()
            try StandardStream.output.write(effectiveConfiguration(loaded) + "# configuration ok\n")
        }
    }
}

/// The options that most need, on lines of their own: all of them are listed below.
private func serveUsage(_ verb: String) -> String {
    """
    everycore \(verb) [--config FILE] [--port PORT | --listen ADDRESS ...]
                    [--workers N|MIN..MAX|auto] [--root DIR] [options]
    """
}

/// Prints the error to standard error, and returns its exit status.
private func finish(_ body: () throws -> Void) throws {
    do {
        try body()
    } catch {
        // Standard error is closed as well: no channel is left to report on.
        try? StandardStream.error.write("\(words(for: error))\n")
        throw ExitCode(exitStatus(for: error))
    }
}

/// What a user of the command can do about it is an option.
private func words(for error: any Error) -> String {
    if case ServerError.addressTaken(_, let setting) = error { return "\(error) with --\(setting)" }
    return "\(error)"
}
#endif
