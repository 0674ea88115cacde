// The options that `serve` and `check` share. They are kept as written: the table of settings says what they may be,
// as it does for the file and the environment.
// Process: master, before the fork · Thread: main

#if Command
import ArgumentParser
import Everycore

struct ServeOptions: ParsableArguments {
    @Option(help: help("host", "ADDRESS")) var host: String?
    @Option(help: help("port", "PORT")) var port: String?
    @Option(help: help("listen", "ADDRESS", "may be given more than once")) var listen: [String] = []
    @Option(help: help("workers", "N|MIN..MAX|auto")) var workers: String?
    @Option(help: ArgumentHelp("Configuration file (YAML); also EVERYCORE_CONFIG.", valueName: "FILE")) var config: String?
    @Option(help: help("root", "DIR")) var root: String?
    @Option(help: help("admin", "HOST:PORT|PATH|auto|off")) var admin: String?
    @Option(help: help("control", "auto|PATH|off")) var control: String?
    @Option(help: help("report-interval", "DURATION|auto|off")) var reportInterval: String?
    @Option(help: help("log-format", "text|json")) var logFormat: String?
    @Option(help: help("slow-request", "DURATION|off")) var slowRequest: String?
    @Option(help: help("access-log", "stdout|PATH|off")) var accessLog: String?
    @Option(help: help("access-log-format", "common|combined|json")) var accessLogFormat: String?
    @Flag(help: help("quiet")) var quiet = false

    init() {}

    /// What was given, by the option's name.
    var given: [String: String] {
        let optional = [
            "host": host, "port": port, "listen": listen.isEmpty ? nil : listen.joined(separator: " "), "workers": workers, "root": root,
            "admin": admin, "control": control, "report-interval": reportInterval, "log-format": logFormat, "slow-request": slowRequest,
            "access-log": accessLog, "access-log-format": accessLogFormat, "quiet": quiet ? "true" : nil,
        ]
        return optional.compactMapValues { $0 }
    }

    func validate() throws {
        let problems = optionProblems(in: given)
        if !problems.isEmpty { throw ValidationError(problems.joined(separator: "\n")) }
    }
}

/// What is wrong with the values of these options, by name without dashes.
func optionProblems(in given: [String: String]) -> [String] {
    var scratch = ServerConfiguration()
    return Setting.all.compactMap { setting in
        guard let option = setting.option, let text = given[option] else { return nil }
        return setting.apply(text, to: &scratch).map { "--\(option): \($0)" }
    }
}

/// An option's line in `--help`, from the table of settings.
private func help(_ option: String, _ valueName: String? = nil, _ more: String? = nil) -> ArgumentHelp {
    guard let setting = Setting.all.first(where: { $0.option == option }) else { return ArgumentHelp(valueName: valueName) }
    let summary = setting.summary.prefix(1).uppercased() + setting.summary.dropFirst()
    let standard = valueName == nil ? "" : " (default: \(setting.text(in: ServerConfiguration())))"
    return ArgumentHelp("\(summary)\(more.map { ", \($0)" } ?? "")\(standard).", valueName: valueName)
}
#endif
