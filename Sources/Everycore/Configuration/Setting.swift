// One setting: its key, its written form, its place in `ServerConfiguration`, its explanation.
// The table of them (`Setting+Table.swift`) drives the parsing, the validation, the search for unknown keys, and what `everycore check` prints.
// Runs in the process that reads the configuration, before any fork.

/// A setting, as it is configured and documented.
package struct Setting: Sendable {
    /// `port`, `limits.body`: at most one dot, between the group and the name.
    package let key: String
    /// What it decides, in a line.
    package let summary: String
    /// The long option of `everycore serve`, without the dashes.
    package let option: String?
    /// What may be given, as the end of "… is not".
    package let expectation: String
    /// A YAML file must not quote the value.
    package let isBare: Bool

    private let read: @Sendable (String, inout ServerConfiguration) -> Bool
    private let write: @Sendable (ServerConfiguration) -> String
    private let accepts: @Sendable (ServerConfiguration) -> Bool

    init<Value>(
        _ key: String, _ path: any WritableKeyPath<ServerConfiguration, Value> & Sendable, _ format: ValueFormat<Value>,
        option: String? = nil, _ summary: String
    ) {
        self.key = key
        self.summary = summary
        self.option = option
        expectation = format.expectation
        isBare = format.scalar != .word
        read = { text, configuration in
            guard let value = format.parse(text) else { return false }
            configuration[keyPath: path] = value
            return true
        }
        write = { format.render($0[keyPath: path]) }
        accepts = { format.accepts($0[keyPath: path]) }
    }

    /// `limits` of `limits.body`.
    package var group: String? {
        key.firstIndex(of: ".").map { String(key[..<$0]) }
    }

    /// `body` of `limits.body`.
    package var name: String {
        key.firstIndex(of: ".").map { String(key[key.index(after: $0)...]) } ?? key
    }

    /// `EVERYCORE_LIMITS_BODY`.
    package var environmentName: String {
        Self.environmentPrefix + String(key.uppercased().map { $0 == "." ? "_" : $0 })
    }

    package static let environmentPrefix = "EVERYCORE_"

    /// Takes a written value over. Returns why not, if it can't.
    package func apply(_ text: String, to configuration: inout ServerConfiguration) -> String? {
        read(text, &configuration) ? nil : "\(printable(text)) is not \(expectation)"
    }

    /// The value as one would write it.
    package func text(in configuration: ServerConfiguration) -> String { write(configuration) }

    /// Why the value that a program has set can't be used.
    package func problem(in configuration: ServerConfiguration) -> String? {
        accepts(configuration) ? nil : "\(printable(write(configuration))) is not \(expectation)"
    }
}

/// Text from outside, quoted for one line of a terminal: no control characters, no endless lines.
package func printable(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars.prefix(80) {
        result += scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
    }
    return result + (text.unicodeScalars.count > 80 ? "…\"" : "\"")
}
