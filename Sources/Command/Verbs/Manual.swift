// The manual page, made from what the argument parser knows of the command: `everycore manual` writes it in troff's man macros (man(7)).
// Process: any other than a service's · Thread: main

#if Command
import ArgumentParser
import Everycore
private import FoundationEssentials

/// `everycore manual`
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the manual page, for man.",
        discussion: "everycore manual > /usr/local/share/man/man1/everycore.1; --generate-completion-script bash, zsh or fish prints completions.")

    func run() throws {
        guard let page = ManualPage(json: EverycoreCommand._dumpHelp()) else { throw ExitCode(70) }
        try StandardStream.output.write(page.text)
    }
}

package struct ManualPage {
    private struct Help: Decodable { let command: Command }

    private struct Command: Decodable {
        let commandName: String
        let abstract: String?
        let discussion: String?
        let shouldDisplay: Bool?
        let subcommands: [Command]?
        let arguments: [Argument]?
    }

    private struct Argument: Decodable {
        struct Name: Decodable {
            let kind: String
            let name: String
        }

        let kind: String
        let shouldDisplay: Bool
        let isOptional: Bool
        let names: [Name]?
        let valueName: String?
        let abstract: String?
    }

    package private(set) var text = ""

    package init?(json: String) {
        guard let help = try? JSONDecoder().decode(Help.self, from: Data(json.utf8)) else { return nil }
        let command = help.command
        text += ".TH \(command.commandName.uppercased()) 1 \"\" \"\(command.commandName) \(Server.version)\"\n"
        text += ".SH NAME\n\(Self.plain(command.commandName)) \\- \(Self.plain(command.abstract ?? ""))\n.SH SYNOPSIS\n"
        let shown = (command.subcommands ?? []).filter { $0.shouldDisplay ?? true && $0.commandName != "help" }
        for subcommand in shown { text += "\(synopsis(of: subcommand, below: command.commandName))\n.br\n" }
        text += ".SH DESCRIPTION\n\(Self.plain(command.discussion ?? ""))\n"
        for subcommand in shown { describe(subcommand, below: command.commandName) }
        text += ".SH FILES\n.TP\n/run/everycore/, $XDG_RUNTIME_DIR/everycore/, /tmp/everycore\\-UID/\ncontrol sockets, for root and for other users\n"
        text += ".SH SEE ALSO\nThe articles that come with the program: Command, Configuration, Control.\n"
    }

    private func synopsis(of command: Command, below parent: String) -> String {
        let arguments = (command.arguments ?? []).filter { $0.shouldDisplay && $0.kind == "positional" }.map { argument in
            argument.isOptional ? "[\(argument.valueName ?? "value")]" : argument.valueName ?? "value"
        }
        return ".B \(Self.plain("\(parent) \(command.commandName)"))\n\(Self.plain((arguments + ["[options]"]).joined(separator: " ")))"
    }

    private mutating func describe(_ command: Command, below parent: String) {
        let name = "\(parent) \(command.commandName)"
        text += ".SS \(Self.plain(name))\n\(Self.plain(command.abstract ?? ""))\n"
        if let discussion = command.discussion { text += ".PP\n\(Self.plain(discussion))\n" }
        for argument in command.arguments ?? [] where argument.shouldDisplay {
            let names = (argument.names ?? []).filter { $0.name != "version" }.map { $0.kind == "long" ? "--\($0.name)" : "-\($0.name)" }
            if argument.kind != "positional", names.isEmpty || names.contains("--help") { continue }
            let value = argument.kind == "flag" ? "" : argument.kind == "positional" ? argument.valueName ?? "value" : " \(argument.valueName ?? "value")"
            text += ".TP\n.B \(Self.plain(names.joined(separator: ", ") + value))\n\(Self.plain(argument.abstract ?? ""))\n"
        }
        for subcommand in command.subcommands ?? [] where subcommand.commandName != "help" { describe(subcommand, below: name) }
    }

    /// Text that troff takes as it is: backslashes and hyphens are escaped, and no line begins with a request.
    package static func plain(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let escaped = line.map { $0 == "\\" ? "\\e" : $0 == "-" ? "\\-" : String($0) }.joined()
            return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&\(escaped)" : escaped.isEmpty ? ".PP" : escaped
        }
        .joined(separator: "\n")
    }
}
#endif
